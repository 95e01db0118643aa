import assert from "node:assert/strict";
import { test } from "node:test";
import { collapsed, speedscope } from "../src/exports.ts";
import { matchedValue, matchingNodes, makeSearcher } from "../src/search.ts";
import { Subject } from "../src/subject.ts";
import { count, formatValue } from "../src/text.ts";
import { grow } from "./trees.ts";

const grown = grow(["main", 1, ["load", 2, ["load", 3]], ["libread", 4]]);

test("a search finds names and places whatever their case, and counts nested matches once", () => {
  const { flags, frames } = makeSearcher(grown.frames).find("LOAD", false);
  assert.equal(frames, 1);
  assert.equal(matchedValue(grown.tree, grown.width, flags), 5);
  assert.deepEqual(matchingNodes(grown.tree, grown.width, flags!), [1, 2]);
  assert.equal(makeSearcher(grown.frames).find("/app/lib", false).frames, 1);
});

test("a wrong pattern finds nothing and says why", () => {
  const found = makeSearcher(grown.frames).find("(", true);
  assert.equal(found.flags, undefined);
  assert.notEqual(found.error, "");
});

test("texts that are prepared in portions are found all the same", () => {
  const searcher = makeSearcher(grown.frames);
  assert.equal(searcher.prepare(2), false);
  assert.equal(searcher.find("libread", false).frames, 1);
  assert.equal(searcher.prepare(2), true);
});

test("collapsed stacks and speedscope hold the whole tree", () => {
  const subject = new Subject(grown.metric, grown.frames, "candidate", "absolute");
  assert.equal(
    collapsed(subject),
    "main (/app/main.py:1) 1000\n" +
      "main (/app/main.py:1);load (/app/load.py:2) 2000\n" +
      "main (/app/main.py:1);load (/app/load.py:2);load (/app/load.py:2) 3000\n" +
      "main (/app/main.py:1);libread (/app/libread.py:3) 4000\n",
  );
  const model = { header: { title: "t" }, frames: grown.frames, trees: [grown.tree], metrics: [grown.metric] };
  const file = JSON.parse(speedscope(model as never));
  assert.equal(file.profiles[0].endValue, 10e6);
  assert.equal(file.profiles[0].events.length, 8);
  assert.equal(file.shared.frames[1].file, "/app/load.py");
});

test("values are written as Python writes them", () => {
  assert.deepEqual(
    [formatValue(1.25, "s"), formatValue(0.34, "s"), formatValue(125, "s"), formatValue(12.5e6, "B"), formatValue(1234567, "")],
    ["1.25 s", "340 ms", "2 min 5 s", "12.5 MB", "1,234,567"],
  );
  assert.equal(count(1000, "frame"), "1,000 frames");
  assert.equal(count(1, "frame"), "1 frame");
});
