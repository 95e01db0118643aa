import assert from "node:assert/strict";
import { test } from "node:test";
import { callees, callers } from "../src/grouped.ts";
import { functionTotals } from "../src/model.ts";
import { follow, HIDDEN, Opened, pathOf, ROOT, TopDown, type View } from "../src/view.ts";
import { grow, type Grown } from "./trees.ts";

const NOTHING = { hide: false, fold: false };

function example(): Grown {
  return grow(["main", 1, ["load", 2, ["libread", 3, ["libparse", 4, ["hook", 5]]]], ["write", 6]], ["idle", 7]);
}

/** Names and values of a node's children, the widest first. */
function children(view: View, node: number, { frames }: Grown, least = 0): [string, number][] {
  const opened = new Opened();
  view.open(node, least, opened);
  return opened.nodes.slice(0, opened.count).map((child, k) => {
    const frame = view.frame(child);
    return [frame === HIDDEN ? "hidden" : frames.name(frame), opened.values[k]!];
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
  const view = new TopDown(grown.tree, grown.width);
  const opened = new Opened();
  view.open(0, 2, opened);
  assert.deepEqual(children(view, 0, grown, 2), [["b", 5], ["d", 5], ["c", 2]]);
  assert.deepEqual([opened.narrow, opened.rest], [1, 1]);
});

test("thousands of children are sorted once and then cut where they are asked for", () => {
  const many = Array.from({ length: 2000 }, (_, k): [string, number] => [`f${(k * 7919) % 2000}`, 1 + ((k * 7919) % 2000)]);
  const grown = grow(["main", 0, ...many]);
  const view = new TopDown(grown.tree, grown.width);
  for (const least of [1900, 1000, 1, 1500]) {
    const found = children(view, 0, grown, least).map(([, value]) => value);
    assert.deepEqual(found, Array.from({ length: 2001 - least }, (_, k) => 2000 - k));
    const opened = new Opened();
    view.open(0, least, opened);
    assert.equal(opened.narrow, least - 1);
    assert.equal(opened.rest, ((least - 1) * least) / 2);
  }
});

test("a path of frames leads to a node, and as far as it goes where it breaks off", () => {
  const grown = example();
  const view = new TopDown(grown.tree, grown.width);
  const path = [grown.id("main"), grown.id("load")];
  assert.equal(follow(view, path), 1);
  assert.deepEqual(pathOf(view, 1), path);
  assert.equal(follow(view, [...path, grown.id("idle")]), 1);
  assert.equal(view.frame(follow(view, [])), ROOT);
});

test("callers begin with what functions cost themselves and go up to the roots", () => {
  const grown = example();
  const view = callers(grown.tree, grown.width, grown.frames.foreign, NOTHING);
  assert.deepEqual(children(view, view.root, grown).slice(0, 3), [["idle", 7], ["write", 6], ["hook", 5]]);
  const hook = view.child(view.root, grown.id("hook"));
  assert.deepEqual(children(view, hook, grown), [["libparse", 5]]);
});

test("a sandwich shows who calls a function and what it calls, recursion counted once", () => {
  const grown = grow(["main", 0, ["f", 1, ["f", 2, ["g", 3]]], ["h", 0, ["f", 4]]]);
  const f = grown.id("f");
  const above = callers(grown.tree, grown.width, grown.frames.foreign, NOTHING, f);
  const below = callees(grown.tree, grown.width, grown.frames.foreign, NOTHING, f);
  assert.equal(above.value(above.root), 10);
  assert.equal(below.value(below.root), 10);
  assert.deepEqual(children(above, above.root, grown), [["main", 6], ["h", 4]]);
  assert.deepEqual(children(below, below.root, grown), [["f", 5]]);
  assert.equal(below.self(below.root), 5);
});

test("hidden library frames are one box that knows how many they are", () => {
  const grown = example();
  const view = callees(grown.tree, grown.width, grown.frames.foreign, { hide: true, fold: false });
  const load = follow(view, [grown.id("main"), grown.id("load")]);
  assert.deepEqual(children(view, load, grown), [["hidden", 12]]);
  const hidden = view.child(load, HIDDEN);
  assert.equal(view.hidden(hidden)?.count, 2);
  assert.deepEqual(children(view, hidden, grown), [["hook", 5]]);
});

test("a folded recursion is one frame with all its value", () => {
  const grown = grow(["f", 1, ["f", 1, ["f", 1, ["g", 2]]]]);
  const view = callees(grown.tree, grown.width, grown.frames.foreign, { hide: false, fold: true });
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
  const view = callers(grown.tree, grown.width, grown.frames.foreign, { hide: true, fold: false });
  const f = view.child(view.root, grown.id("f"));
  assert.deepEqual(children(view, f, grown), [["main", 5], ["hidden", 3], ["g", 1]]);
  const hidden = view.child(f, HIDDEN);
  assert.deepEqual([view.hidden(hidden)?.count, view.hidden(hidden)?.frames.size], [2, 2]);
  assert.deepEqual(children(view, hidden, grown), [["main", 3]]);
  assert.deepEqual(children(view, view.child(hidden, grown.id("main")), grown), []);
});

test("a node that nothing was spent in stands nowhere", () => {
  const grown = grow(["main", 1, ["f", 0], ["g", 2]]);
  const view = callees(grown.tree, grown.width, grown.frames.foreign, { hide: false, fold: true });
  assert.equal(view.child(view.child(view.root, grown.id("main")), grown.id("f")), -1);
});
