import assert from "node:assert/strict";
import { test } from "node:test";
import { callees, callers } from "../src/grouped.ts";
import { functionTotals, Measure } from "../src/model.ts";
import { beginStep, follow, HIDDEN, LATER, pathOf, ROOT, topDown, type View } from "../src/view.ts";
import { grow, type Branch, type Grown } from "./trees.ts";

const NOTHING = { hide: false, fold: false };

function example(): Grown {
  return grow(["main", 1, ["load", 2, ["libread", 3, ["libparse", 4, ["hook", 5]]]], ["write", 6]], ["idle", 7]);
}

/** Names and values of a node's children, the widest first. */
function children(view: View, node: number, { frames }: Grown, least = 0): [string, number][] {
  return view.open(node, least)!.nodes.map((child) => {
    const frame = view.frame(child);
    return [frame === HIDDEN ? "hidden" : frames.name(frame), view.value(child)];
  });
}

test("a parent's total is its own value and its children's", () => {
  const grown = example();
  assert.deepEqual([...grown.width.total], [21, 14, 12, 9, 5, 6, 7]);
  assert.equal(grown.width.sum, 28);
});

test("totals that are added up in portions are the same", () => {
  const { metric } = example();
  const other = example().metric;
  assert.ok(other.prepare(0));
  assert.deepEqual(other.side(0).total, metric.side(0).total);
});

test("children come widest first, and the narrow ones are told together", () => {
  const grown = grow(["main", 0, ["a", 1], ["b", 5], ["c", 2], ["d", 5], ["e", 0]]);
  const view = topDown(grown.tree, grown.width);
  const opened = view.open(0, 2)!;
  assert.deepEqual(children(view, 0, grown, 2), [["b", 5], ["d", 5], ["c", 2]]);
  assert.deepEqual([opened.narrow, opened.rest], [1, 1]);
});

test("of thousands of children only the wide ones are told one by one", () => {
  const many = Array.from({ length: 2000 }, (_, k): [string, number] => [`f${(k * 7919) % 2000}`, 1 + ((k * 7919) % 2000)]);
  const grown = grow(["main", 0, ...many]);
  const view = topDown(grown.tree, grown.width);
  for (const least of [1900, 1000, 1, 1500]) {
    const found = children(view, 0, grown, least).map(([, value]) => value);
    assert.deepEqual(found, Array.from({ length: 2001 - least }, (_, k) => 2000 - k));
    const opened = view.open(0, least)!;
    assert.equal(opened.narrow, least - 1);
    assert.equal(opened.rest, ((least - 1) * least) / 2);
  }
});

test("a path of frames leads to a node, and as far as it goes where it breaks off", () => {
  const grown = example();
  const view = topDown(grown.tree, grown.width);
  const path = [grown.id("main"), grown.id("load")];
  assert.equal(follow(view, path), 1);
  assert.deepEqual(pathOf(view, 1), path);
  assert.equal(follow(view, [...path, grown.id("idle")]), 1);
  assert.equal(view.frame(follow(view, [])), ROOT);
});

test("callers begin with what functions cost themselves and go up to the roots", () => {
  const grown = example();
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, NOTHING);
  assert.deepEqual(children(view, view.root, grown).slice(0, 3), [["idle", 7], ["write", 6], ["hook", 5]]);
  const hook = view.child(view.root, grown.id("hook"));
  assert.deepEqual(children(view, hook, grown), [["libparse", 5]]);
});

test("a sandwich shows who calls a function and what it calls, recursion counted once", () => {
  const grown = grow(["main", 0, ["f", 1, ["f", 2, ["g", 3]]], ["h", 0, ["f", 4]]]);
  const f = grown.id("f");
  const above = callers(grown.tree, [grown.width], grown.frames.foreign, NOTHING, f);
  const below = callees(grown.tree, [grown.width], grown.frames.foreign, NOTHING, f);
  assert.equal(above.value(above.root), 10);
  assert.equal(below.value(below.root), 10);
  assert.deepEqual(children(above, above.root, grown), [["main", 6], ["h", 4]]);
  assert.deepEqual(children(below, below.root, grown), [["f", 5]]);
  assert.equal(below.self(below.root), 5);
});

test("hidden library frames are one box that knows how many they are", () => {
  const grown = example();
  const view = callees(grown.tree, [grown.width], grown.frames.foreign, { hide: true, fold: false });
  const load = follow(view, [grown.id("main"), grown.id("load")]);
  assert.deepEqual(children(view, load, grown), [["hidden", 12]]);
  const hidden = view.child(load, HIDDEN);
  assert.deepEqual(children(view, hidden, grown), [["hook", 5]]);
  assert.equal(view.hidden(hidden)?.count, 2);
});

test("a folded recursion is one frame with all its value", () => {
  const grown = grow(["f", 1, ["f", 1, ["f", 1, ["g", 2]]]]);
  const view = callees(grown.tree, [grown.width], grown.frames.foreign, { hide: false, fold: true });
  const f = view.child(view.root, grown.id("f"));
  assert.deepEqual(children(view, f, grown), [["g", 2]]);
  assert.equal(view.self(f), 3);
});

test("the total of a function counts a recursion once", () => {
  const grown = grow(["f", 1, ["f", 2]], ["f", 4]);
  const { self, total } = functionTotals(grown.tree, grown.width, grown.frames.count);
  assert.deepEqual([self[0], total[0]], [7, 7]);
});

test("callers stand below what they call, hidden ones as one box, and no call is counted twice", () => {
  const grown = grow(["main", 0, ["liba", 0, ["libb", 0, ["f", 3], ["g", 4, ["f", 1]]]], ["f", 5]]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, { hide: true, fold: false });
  const f = view.child(view.root, grown.id("f"));
  assert.deepEqual(children(view, f, grown), [["main", 5], ["hidden", 3], ["g", 1]]);
  const hidden = view.child(f, HIDDEN);
  assert.deepEqual(children(view, hidden, grown), [["main", 3]]);
  assert.deepEqual([view.hidden(hidden)?.count, view.hidden(hidden)?.frames.size], [2, 2]);
  assert.deepEqual(children(view, view.child(hidden, grown.id("main")), grown), []);
});

test("a node that nothing was spent in stands nowhere", () => {
  const grown = grow(["main", 1, ["f", 0], ["g", 2]]);
  const view = callees(grown.tree, [grown.width], grown.frames.foreign, { hide: false, fold: true });
  assert.equal(view.child(view.child(view.root, grown.id("main")), grown.id("f")), -1);
});

test("children that are too narrow are grown when somebody looks closer, and none stands twice", () => {
  const many = Array.from({ length: 300 }, (_, k): Branch => [`f${k}`, 0, ["g", 1 + k]]);
  const grown = grow(["main", 0, ...many]);
  for (const [make, down] of [[callees, "main"], [callers, "g"]] as const) {
    const view = make(grown.tree, [grown.width], grown.frames.foreign, { hide: false, fold: true });
    const node = view.child(view.root, grown.id(down));
    for (const least of [250, 40, 200, 1, 300]) {
      const { narrow, rest } = view.open(node, least)!;
      assert.deepEqual(children(view, node, grown, least).map(([, value]) => value), Array.from({ length: 301 - least }, (_, k) => 300 - k));
      assert.deepEqual([narrow, rest], [least - 1, ((least - 1) * least) / 2]);
    }
    assert.equal(view.value(view.child(node, grown.id("f3"))), 4);
  }
});

test("what takes longer than a step is grown in several, and comes out the same", () => {
  const many = Array.from({ length: 40_000 }, (_, k): Branch => [`f${k % 50}`, 1, ["g", 1]]);
  const grown = grow(["main", 0, ...many]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, NOTHING);
  beginStep(true, -1);
  let steps = 1;
  while (!view.open(view.root, 0)) steps++;
  assert.ok(steps > 10);
  const g = grown.id("g");
  assert.equal(follow(view, [g, grown.id("f7")]), LATER);
  beginStep(false);
  assert.deepEqual(children(view, view.root, grown).slice(0, 2), [["g", 40_000], ["f0", 800]]);
  assert.equal(view.value(follow(view, [g, grown.id("f7")])), 800);
});

test("a step that turns to another node leaves nothing behind in it", () => {
  const many = Array.from({ length: 20_000 }, (_, k): Branch => [`f${k % 50}`, 1, ["g", 1]]);
  const grown = grow(["main", 0, ...many]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, NOTHING);
  const [g, f] = ["g", "f7"].map((name) => view.child(view.root, grown.id(name))) as [number, number];
  beginStep(true, -1);
  assert.equal(view.open(g, 0), undefined);
  beginStep(false);
  assert.deepEqual(children(view, f, grown), [["main", 400]]);
  assert.equal(children(view, g, grown).length, 50);
});

test("each side of a diff is added up for itself, also where the width has nothing", () => {
  const grown = grow(["main", 0, ["f", 3], ["g", 0, ["f", 0]]]);
  const before = new Measure(Float64Array.of(0, 1, 0, 5), grown.tree.parent);
  before.add();
  const view = callers(grown.tree, [grown.width, before], grown.frames.foreign, NOTHING);
  const f = view.child(view.root, grown.id("f"));
  assert.deepEqual([view.sum(f, grown.width), view.sum(f, before)], [3, 6]);
});
