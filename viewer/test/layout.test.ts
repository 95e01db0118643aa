import assert from "node:assert/strict";
import { test } from "node:test";
import { Layout, moved, scaled } from "../src/layout.ts";
import { topDown, type View } from "../src/view.ts";
import { grow, type Branch } from "./trees.ts";

function layout(part: [number, number], node: number | undefined, pixels: number, ...roots: Branch[]): Layout {
  const { tree, width } = grow(...roots);
  const view = topDown(tree, width);
  const made = new Layout(view, { node: node ?? view.root, start: part[0], end: part[1] }, pixels);
  made.proceed();
  return made;
}

test("boxes stand below their parents, side by side, as wide as their share", () => {
  const found = layout([0, 1], undefined, 100, ["a", 10, ["b", 30], ["c", 20]], ["d", 40]);
  assert.deepEqual(found.x.map(Math.abs), [0, 0, 60, 0, 30]);
  assert.deepEqual(found.wide, [100, 60, 40, 30, 20]);
  assert.deepEqual(found.rowStart, [0, 1, 3, 5]);
});

test("a place on the screen tells the box that is drawn there", () => {
  const found = layout([0, 1], undefined, 100, ["a", 10, ["b", 30], ["c", 20]], ["d", 40]);
  assert.deepEqual([found.at(1, 61), found.at(2, 10), found.at(2, 45), found.at(2, 70), found.at(9, 1)], [2, 3, 4, -1, -1]);
});

test("frames under half a pixel stand together as one box that says how many", () => {
  const tiny = Array.from({ length: 1000 }, (_, k): Branch => [`t${k}`, 1]);
  const found = layout([0, 1], 0, 100, ["a", 9000, ...tiny]);
  assert.deepEqual(found.bucket, [0, 1000]);
  assert.ok(Math.abs(found.wide[1]! - 10) < 1e-9);
});

test("a part of a frame's width is all that is laid out", () => {
  const found = layout([0.5, 1], 0, 100, ["a", 0, ["b", 25, ["below", 25]], ["c", 40], ["d", 10]]);
  assert.deepEqual(found.node, [0, 3, 4]);
  assert.deepEqual(found.x, [-100, 0, 80]);
});

test("a recursion of a hundred thousand frames needs no recursion here", () => {
  const size = 100_000;
  const values = new Float64Array(size);
  values[size - 1] = 1;
  const grown = grow(["f", 1]);
  const parent = Int32Array.from({ length: size }, (_, k) => k - 1);
  const tree = { ...grown.tree, size, parent, frame: new Int32Array(size), end: new Int32Array(size).fill(size) };
  const total = new Float64Array(size).fill(1);
  const view = topDown(tree as never, { ...grown.width, self: values, total, sum: 1 } as never);
  const found = new Layout(view, { node: size, start: 0, end: 1 }, 100);
  assert.ok(found.proceed());
  assert.equal(found.rows, size + 1);
});

test("what is narrower than it can be drawn is never walked", () => {
  const deep = Array.from({ length: 500 }, (_, k): Branch => [`t${k}`, 0, [`u${k}`, 1]]);
  const { tree, width } = grow(["a", 1e7, ...deep]);
  const view = topDown(tree, width);
  const asked: number[] = [];
  const watched: View = {
    ...view,
    open(node, least, room, use) {
      asked.push(node);
      return view.open(node, least, room, use);
    },
  };
  new Layout(watched, { node: view.root, start: 0, end: 1 }, 1000).proceed();
  assert.deepEqual(asked, [view.root, 0]);
});

test("a move stops at the ends, and widening keeps the point that it is around", () => {
  const zoom = { node: 0, start: 0.2, end: 0.4 };
  const near = (found: number[], expected: number[]): void => found.forEach((each, k) => assert.ok(Math.abs(each - expected[k]!) < 1e-12));
  near(moved(zoom, 0.5), [0.3, 0.5]);
  near(moved(zoom, -9), [0, 0.2]);
  near(moved(zoom, 99), [0.8, 1]);
  near(scaled(zoom, 0.5, 0), [0.2, 0.3]);
  near(scaled(zoom, 0.5, 1), [0.3, 0.4]);
  near(scaled(zoom, 99), [0, 1]);
});
