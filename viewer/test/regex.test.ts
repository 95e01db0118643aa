import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../src/regex.ts";

const PATTERNS = ["a", "^ab", "b$", "^$", "a|b", "a+b", "(ab)*c", "a{2,3}b", "[a-c]x", "[^a]b", "\\d+", "\\w\\.py", "a.c", "(?:x|yz)?q", "^a|b$", "x{0,2}y", "\\(\\)", "a??b"];
const TEXTS = ["", "a", "ab", "b", "aab", "aaab", "abab", "ababc", "c", "cx", "xb", "12", "m.py", "abc", "q", "yzq", "y", "xxy", "]b", "()", "a\u2028c".replace("\u2028", "-"), "bab"];

test("a pattern finds what the browser's own expressions find", () => {
  for (const pattern of PATTERNS) {
    const mine = compile(pattern);
    for (const text of TEXTS) assert.equal(mine(text), new RegExp(pattern).test(text), `${pattern} in ${text}`);
  }
});

test("case makes no difference to what is in lower case", () => {
  assert.ok(compile("[A-Z]oad_ROWS")("load_rows"));
  assert.ok(compile("\\W")("a b"));
  assert.ok(!compile("\\W")("ab"));
});

test("patterns that hang a back-tracking matcher take no time", () => {
  const text = "a".repeat(20_000);
  const start = performance.now();
  for (const pattern of ["(a+)+b", "(a|a)*b", "(.*)(.*)(.*)(.*)x", "(a?){30}b"]) assert.ok(!compile(pattern)(text));
  assert.ok(performance.now() - start < 2000);
});

test("what is no pattern, or not supported, is said", () => {
  for (const pattern of ["(", "a)", "*", "[a", "\\1", "(?=a)", "a{5000}"]) assert.throws(() => compile(pattern), SyntaxError);
});
