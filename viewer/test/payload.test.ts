import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { decode, parse, readPayload } from "../src/payload";

function bytesOf(header: object, columns: number[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(4 + text.length + columns.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  bytes.set(columns, 4 + text.length);
  return bytes;
}

const header = {
  version: 2,
  page: "profile",
  title: "work",
  timeline: [[], []],
  functions: ["work"],
  places: [0],
  lines: [1],
  files: ["a.py"],
  origins: [""],
  trees: [
    {
      kind: "cpu",
      nodes: 2,
      structure: [[0, 0], [0, 0]],
      metrics: [{ key: "wall_seconds", label: "Wall", unit: "s", per: 1, step: 1, sides: [[1, 2]] }],
    },
  ],
};

test("small values take one byte, large ones overflow into planes of bytes", () => {
  const column = new Uint8Array([7, 255, 1, 2]);
  assert.deepEqual([...decode(column, [1, 2], new Float64Array(2))], [7, 255 + 1 + 2 * 256]);
});

test("the value 255 needs no overflow where none is left", () => {
  assert.deepEqual([...decode(new Uint8Array([255, 3]), [0, 0], new Int32Array(2))], [255, 3]);
});

test("a tree's columns are read in the order of its header", () => {
  const { trees } = parse(bytesOf(header, [0, 1, 0, 0, 5, 255, 10, 0]));
  assert.deepEqual([...trees[0]!.pops], [0, 1]);
  assert.deepEqual([...trees[0]!.sides[0]![0]!()], [5, 265]);
});

test("a side that tells how much it differs from the first is added to it", () => {
  const [tree] = header.trees;
  const [metric] = tree!.metrics;
  const sides = [[0, 0], [0, 0, 1]];
  const diff = { ...header, trees: [{ ...tree, metrics: [{ ...metric, sides }] }] };
  const { trees } = parse(bytesOf(diff, [0, 1, 0, 0, 5, 6, 8, 11]));
  assert.deepEqual(trees[0]!.sides[0]!.map((read) => [...read()]), [[5, 6], [9, 0]]);
});

test("a payload survives compression and base64", async () => {
  const packed = gzipSync(bytesOf(header, [0, 1, 0, 0, 5, 6, 0, 0])).toString("base64");
  const payload = await readPayload(packed);
  assert.equal(payload.header.title, "work");
});

test("a payload of an unknown version is refused by its number", () => {
  assert.throws(() => parse(bytesOf({ ...header, version: 99 }, [])), /version 99/);
});
