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

interface Opened {
  nodes: number[];
  /** How many narrower ones there are, and what they have together. */
  narrow: number;
  rest: number;
}

/** What a view tells of a node; nothing where there was no time for it. */
function open(view: View, node: number, least: number, room = Infinity): Opened | undefined {
  const opened: Opened = { nodes: [], narrow: 0, rest: 0 };
  const told = view.open(node, least, room, (child, value, narrow) => {
    if (narrow) Object.assign(opened, { narrow, rest: value });
    else opened.nodes.push(child);
    assert.equal(opened.narrow > 0, narrow > 0, "the narrow ones come last");
    assert.equal(value, narrow ? opened.rest : view.total(child));
  });
  return told ? opened : undefined;
}

/** Names and values of a node's children, the widest first. */
function children(view: View, node: number, { frames }: Grown, least = 0): [string, number][] {
  return open(view, node, least)!.nodes.map((child) => {
    const frame = view.frame(child);
    return [frame === HIDDEN ? "hidden" : frames.name(frame), view.total(child)];
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
  const opened = open(view, 0, 2)!;
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
    const opened = open(view, 0, least)!;
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
  assert.equal(above.total(above.root), 10);
  assert.equal(below.total(below.root), 10);
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
  assert.equal(view.folded(hidden)?.count, 2);
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
  assert.deepEqual([view.folded(hidden)?.count, view.folded(hidden)?.frames.length], [2, 2]);
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
      const { narrow, rest } = open(view, node, least)!;
      assert.deepEqual(children(view, node, grown, least).map(([, value]) => value), Array.from({ length: 301 - least }, (_, k) => 300 - k));
      assert.deepEqual([narrow, rest], [least - 1, ((least - 1) * least) / 2]);
    }
    assert.equal(view.total(view.child(node, grown.id("f3"))), 4);
  }
});

test("what takes longer than a step is grown in several, and comes out the same", () => {
  const many = Array.from({ length: 40_000 }, (_, k): Branch => [`f${k % 50}`, 1, ["g", 1]]);
  const grown = grow(["main", 0, ...many]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, NOTHING);
  beginStep(true, -1);
  let steps = 1;
  while (!open(view, view.root, 0)) steps++;
  assert.ok(steps > 10);
  const g = grown.id("g");
  assert.equal(follow(view, [g, grown.id("f7")]), LATER);
  beginStep(false);
  assert.deepEqual(children(view, view.root, grown).slice(0, 2), [["g", 40_000], ["f0", 800]]);
  assert.equal(view.total(follow(view, [g, grown.id("f7")])), 800);
});

test("a step that turns to another node leaves nothing behind in it", () => {
  const many = Array.from({ length: 20_000 }, (_, k): Branch => [`f${k % 50}`, 1, ["g", 1]]);
  const grown = grow(["main", 0, ...many]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, NOTHING);
  const [g, f] = ["g", "f7"].map((name) => view.child(view.root, grown.id(name))) as [number, number];
  beginStep(true, -1);
  assert.equal(open(view, g, 0), undefined);
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

test("a function that one parent calls twice has its hidden callers counted once", () => {
  const grown = grow(["main", 0, ["liba", 0, ["libb", 0, ["f", 3], ["g", 1], ["f", 2]]]]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, { hide: true, fold: false }, grown.id("f"));
  const hidden = view.child(view.root, HIDDEN);
  assert.equal(view.total(hidden), 5);
  assert.deepEqual(children(view, hidden, grown), [["main", 5]]);
  assert.deepEqual([view.folded(hidden)?.count, view.folded(hidden)?.frames.length], [2, 2]);
});

test("children for which there is no room in sight are not gathered for it", () => {
  const grown = grow(["main", 0, ["f", 50], ["g", 4], ["h", 1]]);
  const view = callees(grown.tree, [grown.width], grown.frames.foreign, { hide: false, fold: true });
  const main = view.child(view.root, grown.id("main"));
  assert.deepEqual(open(view, main, 20, 55), { nodes: [view.child(main, grown.id("f"))], narrow: 2, rest: 5 });
  beginStep(true, -1);
  assert.ok(open(view, main, 1, 50), "nothing has to be added up");
  beginStep(false);
  assert.deepEqual(open(view, main, 1, 51)?.narrow, 0);
});

test("one node after another looked at in steps leaves each with its own", () => {
  const many = Array.from({ length: 20_000 }, (_, k): Branch => [`f${k % 50}`, 1, ["liba", 1, ["g", 1]]]);
  const grown = grow(["main", 0, ["libb", 0, ["h", 7]], ...many]);
  const view = callers(grown.tree, [grown.width], grown.frames.foreign, { hide: true, fold: false });
  const hidden = view.child(view.child(view.root, grown.id("g")), HIDDEN);
  const other = view.child(view.child(view.root, grown.id("h")), HIDDEN);
  beginStep(true, -1);
  assert.equal(open(view, hidden, 0), undefined);
  open(view, other, 0);
  beginStep(false);
  assert.equal(children(view, hidden, grown).length, 50);
  assert.deepEqual([view.folded(hidden)?.count, view.folded(hidden)?.frames.length], [20_000, 1]);
  assert.deepEqual(children(view, other, grown), [["main", 7]]);
  assert.deepEqual([view.folded(other)?.count, view.folded(other)?.frames.length], [1, 1]);
});

/** What stands below the root by its path of frames, with each measure and, of hidden ones, their number; by the plain definition. */
function naive({ tree, width, frames }: Grown, other: Measure, options: typeof NOTHING, chosen: number, upwards: boolean): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const folded = new Map<string, Set<number>>();
  const key = (node: number): number => (options.hide && frames.foreign[tree.frame[node]!] ? HIDDEN : tree.frame[node]!);
  const kidsOf = (node: number): number[] => [...tree.parent.keys()].filter((kid) => tree.parent[kid] === node);
  const values = (node: number): number[] => [width, other].map((each) => (upwards && chosen === ROOT ? each.self : each.total)[node]!);
  const walk = (source: number, node: number, path: readonly number[]): void => {
    const own = key(node);
    // The chosen function itself is never hidden.
    const same = path.length ? own === path.at(-1) && (own === HIDDEN || options.fold) : options.fold && tree.frame[node] === chosen;
    const next = same ? path : [...path, own];
    const name = next.join();
    if (own === HIDDEN && name) folded.set(name, (folded.get(name) ?? new Set()).add(node));
    // Downwards each node's value counts where it begins to stand, upwards that of where the path came from.
    if (!same) found.set(name, values(upwards ? source : node).map((value, k) => value + (found.get(name)?.[k] ?? 0)));
    if (!upwards) for (const kid of kidsOf(node)) walk(source, kid, next);
    else if (tree.parent[node]! >= 0) walk(source, tree.parent[node]!, next);
  };
  const above = (node: number): number[] => (node < 0 ? [] : [node, ...above(tree.parent[node]!)]);
  for (const node of tree.parent.keys()) {
    if (chosen === ROOT) {
      if (upwards ? values(node).some((value) => value > 0) : tree.parent[node] === -1) walk(node, node, []);
    } else if (tree.frame[node] === chosen && !above(tree.parent[node]!).some((each) => tree.frame[each] === chosen)) {
      if (upwards) {
        if (tree.parent[node]! >= 0) walk(node, tree.parent[node]!, []);
      } else for (const kid of kidsOf(node)) walk(node, kid, []);
    }
  }
  for (const [name, nodes] of folded) found.get(name)!.push(nodes.size);
  // A node that nothing was spent in stands nowhere.
  return new Map([...found].filter(([, [value]]) => value! > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same as a view tells it, opened down to ever smaller values. */
function told(view: View, other: Measure, coarse: readonly number[]): Map<string, number[]> {
  const found: [string, number[]][] = [];
  const walk = (node: number, path: readonly number[]): void => {
    for (const least of [...coarse, 0]) open(view, node, least);
    const folded = view.folded(node);
    if (path.length) found.push([path.join(), [view.total(node), view.sum(node, other)!, ...(folded ? [folded.count] : [])]]);
    for (const child of open(view, node, 0)!.nodes) walk(child, [...path, view.frame(child)]);
  };
  walk(view.root, []);
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("any tree is grouped as the plain definition says", () => {
  let seed = 1;
  const chance = (below: number): number => (seed = (seed * 48_271) % 0x7fffffff) % below;
  const names = ["a", "b", "c", "liba", "libb"];
  const branch = (depth: number): Branch => [
    names[chance(names.length)]!, chance(4), ...Array.from({ length: depth && chance(4) }, () => branch(depth - 1)),
  ];
  for (let round = 0; round < 300; round++) {
    const grown = grow(branch(6), branch(6), branch(6));
    const other = new Measure(grown.width.self.map(() => chance(3)), grown.tree.parent);
    other.add();
    const options = { hide: chance(2) === 1, fold: chance(2) === 1 };
    for (const chosen of [ROOT, grown.tree.frame[chance(grown.tree.size)]!]) {
      for (const make of [callers, callees]) {
        const view = make(grown.tree, [grown.width, other], grown.frames.foreign, options, chosen);
        const expected = naive(grown, other, options, chosen, make === callers);
        assert.deepEqual(told(view, other, round % 2 ? [9, 2] : []), expected, JSON.stringify({ round, options, chosen, up: make === callers }));
      }
    }
  }
});
