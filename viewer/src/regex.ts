// Regular expressions that run in linear time, whatever the pattern: no back-tracking, so no
// pattern can hang the page. Literals, classes, groups, alternatives, * + ? {m,n}, ^ and $.

import { codeOf } from "./text.ts";

type Test = (code: number) => boolean;
/** Adds states in front of a state, and tells the first of them. */
type Part = (after: number) => number;

interface StateSet {
  states: number[];
  accepts: boolean;
  acceptsAtEnd: boolean;
  next: Map<number, StateSet>;
}

const MOST_STATES = 4000;
const MOST_SETS = 2000;
const ANY = 0xffff;
const CLASSES: Record<string, number[]> = {
  d: [48, 57], w: [48, 57, 65, 90, 95, 95, 97, 122, 128, ANY], s: [9, 13, 32, 32, 160, 160],
};
const CONTROLS: Record<string, string> = { n: "\n", t: "\t", r: "\r" };

function wrong(what: string): never {
  throw new SyntaxError(what);
}

/** Pairs of first and last character; in upper case too, for what is searched is in lower case. */
function among(ranges: number[], negated = false): Test {
  const holds = (code: number): boolean => ranges.some((from, k) => k % 2 === 0 && code >= from && code <= ranges[k + 1]!);
  return (code) => (holds(code) || holds(codeOf(String.fromCharCode(code).toUpperCase()))) !== negated;
}

/** Whether the pattern is found anywhere in a text that is in lower case. */
export function compile(source: string): (text: string) => boolean {
  const tests: (Test | undefined)[] = [];
  const edges: number[][] = [];
  const guards: string[] = [];
  let at = 0;

  const state = (test?: Test, onward: number[] = [], guard = ""): number => {
    if (edges.length >= MOST_STATES) wrong("the pattern is too large");
    tests.push(test);
    guards.push(guard);
    return edges.push(onward) - 1;
  };
  const next = (): string => source[at++] ?? wrong("the pattern is not finished");
  const char = (test: Test): Part => (after) => state(test, [after]);

  function escape(): [ranges: number[], negated: boolean] {
    const letter = next();
    const known = CLASSES[letter.toLowerCase()];
    if (known) return [known, letter < "a"];
    if (/[a-z0-9]/i.test(letter) && !CONTROLS[letter]) wrong(`\\${letter} is not supported`);
    const code = codeOf(CONTROLS[letter] ?? letter);
    return [[code, code], false];
  }

  function klass(): Test {
    const negated = source[at] === "^";
    if (negated) at++;
    const parts: Test[] = [];
    for (let first = true; ; first = false) {
      const letter = next();
      if (letter === "]" && !first) break;
      if (letter === "\\") parts.push(among(...escape()));
      else {
        const from = codeOf(letter);
        const isRange = source[at] === "-" && (source[at + 1] ?? "]") !== "]";
        if (isRange) at++;
        parts.push(among([from, isRange ? codeOf(next()) : from]));
      }
    }
    return (code) => parts.some((test) => test(code)) !== negated;
  }

  function single(): Part {
    const letter = next();
    if (letter === "(") {
      if (source[at] === "?") {
        if (source[at + 1] !== ":") wrong("groups with ? are not supported");
        at += 2;
      }
      const part = alternatives();
      if (source[at++] !== ")") wrong("a ) is missing");
      return part;
    }
    if (letter === "[") return char(klass());
    if (letter === ".") return char(() => true);
    if (letter === "^" || letter === "$") return (after) => state(undefined, [after], letter);
    if ("*+?".includes(letter)) wrong(`nothing stands before ${letter}`);
    if (letter === "\\") return char(among(...escape()));
    const code = codeOf(letter.toLowerCase());
    return char((each) => each === code);
  }

  function repeated(): Part {
    let part = single();
    for (;;) {
      const bounds = /^(?:([*+?])|\{(\d+)(,(\d*))?\})/.exec(source.slice(at, at + 20));
      if (!bounds) return part;
      const [all, sign, low, comma, high] = bounds;
      const least = sign ? (sign === "+" ? 1 : 0) : +low!;
      const most = sign ? (sign === "?" ? 1 : Infinity) : comma ? (high ? +high : Infinity) : least;
      at += all.length;
      // A lazy or greedy match is the same match where only its presence counts.
      if (source[at] === "?") at++;
      const inner = part;
      part = (after) => {
        let first = after;
        if (most === Infinity) {
          first = state();
          edges[first] = [inner(first), after];
        } else for (let k = least; k < most; k++) first = state(undefined, [inner(first), after]);
        for (let k = 0; k < least; k++) first = inner(first);
        return first;
      };
    }
  }

  function alternatives(): Part {
    const ways: Part[] = [];
    do {
      const parts: Part[] = [];
      while (at < source.length && !"|)".includes(source[at]!)) parts.push(repeated());
      ways.push((after) => parts.reduceRight((onward, part) => part(onward), after));
    } while (source[at] === "|" && at++ >= 0);
    return ways.length > 1 ? (after) => state(undefined, ways.map((way) => way(after))) : ways[0]!;
  }

  const whole = alternatives();
  if (at < source.length) wrong("there is a ) too many");
  const last = state();
  const first = whole(last);

  function reach(from: number[], allowed: string): number[] {
    const seen = new Set<number>();
    const open = [...from];
    while (open.length) {
      const each = open.pop()!;
      if (seen.has(each)) continue;
      seen.add(each);
      if (!tests[each] && allowed.includes(guards[each]!)) open.push(...edges[each]!);
    }
    return [...seen].sort((a, b) => a - b);
  }

  const sets = new Map<string, StateSet>();
  function close(from: number[], allowed: string): StateSet {
    const states = reach(from, allowed);
    const key = allowed + states.join();
    let set = sets.get(key);
    if (!set) {
      if (sets["size"] >= MOST_SETS) sets.clear();
      const acceptsAtEnd = reach(states, `${allowed}$`).includes(last);
      sets.set(key, (set = { states, accepts: states.includes(last), acceptsAtEnd, next: new Map() }));
    }
    return set;
  }

  const begin = close([first], "^");
  const again = close([first], "").states;
  return (text) => {
    let set = begin;
    for (let i = 0; i < text.length && !set.accepts; i++) {
      const code = text.charCodeAt(i);
      let onward = set.next.get(code);
      if (!onward) {
        const reached = set.states.flatMap((each) => (tests[each]?.(code) ? edges[each]! : []));
        set.next.set(code, (onward = close([...again, ...reached], "")));
      }
      set = onward;
    }
    return set.accepts || set.acceptsAtEnd;
  };
}
