import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState, makeHash, type State } from "../src/hash.ts";

const initial = initialState("cpu.wall_seconds");
const hash = makeHash(initial, ["cpu.wall_seconds", "peak.bytes"], 100);

test("the state that a page begins with needs no hash", () => {
  assert.equal(hash.write(initial), "");
  assert.deepEqual(hash.read(""), initial);
});

test("every part of a state comes back from its hash", () => {
  const state: State = {
    view: "sandwich", metric: "peak.bytes", query: "a&b=c #%", regex: true, hide: true, fold: true, chosen: 0,
    places: [{ path: [1, 1, 1, 5, 40], start: 0.25, end: 0.5 }, { path: [], start: 0, end: 1 }],
    widthBy: "change", comparing: "share", theme: "dark",
  };
  assert.deepEqual(hash.read(`#${hash.write(state)}`), state);
});

test("a recursion is written once with its length", () => {
  const path = new Array<number>(5000).fill(7);
  const written = hash.write({ ...initial, places: [{ path, start: 0, end: 1 }] });
  assert.ok(written.length < 30);
  assert.deepEqual(hash.read(written).places[0]!.path, path);
});

test("what a hash says wrongly stays as it was at first", () => {
  const wrong = "view=nonsense&metric=__proto__&function=100&theme=pink&width=x&zoom=@2_1&search=%&hide=yes";
  assert.deepEqual(hash.read(wrong), { ...initial, query: "%", places: [{ path: [], start: 0, end: 1 }] });
});
