// Regular expressions that run in linear time, whatever the pattern: no back-tracking, so no
// pattern can hang the page. Literals, classes, groups, alternatives, * + ? {m,n}, ^ and $.

type Test = (code: number) => boolean;
type Node =
  | { kind: "char"; test: Test }
  | { kind: "start" | "end" | "empty" }
  | { kind: "all" | "any"; parts: Node[] }
  | { kind: "repeat"; part: Node; least: number; most: number };

const MOST_STATES = 4000;
const MOST_SETS = 2000;
const DIGIT: Test = (c) => c >= 48 && c <= 57;
const WORD: Test = (c) => DIGIT(c) || (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c > 127;
const SPACE: Test = (c) => c === 32 || (c >= 9 && c <= 13) || c === 160;
const CLASSES: Record<string, Test> = {
  d: DIGIT, w: WORD, s: SPACE, D: (c) => !DIGIT(c), W: (c) => !WORD(c), S: (c) => !SPACE(c),
};
const CONTROLS: Record<string, string> = { n: "\n", t: "\t", r: "\r" };

class Parser {
  private at = 0;

  constructor(private readonly source: string) {}

  parse(): Node {
    const node = this.alternatives();
    if (this.at < this.source.length) throw new SyntaxError("there is a ) too many");
    return node;
  }

  private alternatives(): Node {
    const parts = [this.sequence()];
    while (this.source[this.at] === "|") {
      this.at++;
      parts.push(this.sequence());
    }
    return parts.length > 1 ? { kind: "any", parts } : parts[0]!;
  }

  private sequence(): Node {
    const parts: Node[] = [];
    while (this.at < this.source.length && !"|)".includes(this.source[this.at]!)) parts.push(this.repeated());
    return { kind: "all", parts };
  }

  private repeated(): Node {
    let node = this.single();
    for (;;) {
      const char = this.source[this.at];
      const counted = char === "{" ? /^\{(\d+)(,(\d*))?\}/.exec(this.source.slice(this.at)) : null;
      let bounds: [number, number];
      if (char === "*") bounds = [0, Infinity];
      else if (char === "+") bounds = [1, Infinity];
      else if (char === "?") bounds = [0, 1];
      else if (counted) {
        bounds = [Number(counted[1]), counted[2] ? (counted[3] ? Number(counted[3]) : Infinity) : Number(counted[1])];
      } else return node;
      this.at += counted ? counted[0].length : 1;
      // A lazy or greedy match is the same match where only its presence counts.
      if (this.source[this.at] === "?") this.at++;
      node = { kind: "repeat", part: node, least: bounds[0], most: bounds[1] };
    }
  }

  private single(): Node {
    const char = this.next();
    if (char === "(") {
      if (this.source[this.at] === "?") {
        if (this.source[this.at + 1] !== ":") throw new SyntaxError("groups with ? are not supported");
        this.at += 2;
      }
      const node = this.alternatives();
      if (this.source[this.at++] !== ")") throw new SyntaxError("a ) is missing");
      return node;
    }
    if (char === "[") return { kind: "char", test: this.klass() };
    if (char === ".") return { kind: "char", test: () => true };
    if (char === "^") return { kind: "start" };
    if (char === "$") return { kind: "end" };
    if ("*+?".includes(char)) throw new SyntaxError(`nothing stands before ${char}`);
    if (char === "\\") return { kind: "char", test: this.escape() };
    return { kind: "char", test: literal(char) };
  }

  private klass(): Test {
    const negated = this.source[this.at] === "^";
    if (negated) this.at++;
    const tests: Test[] = [];
    for (let first = true; ; first = false) {
      const char = this.next();
      if (char === "]" && !first) break;
      if (char === "\\") {
        tests.push(this.escape());
        continue;
      }
      if (this.source[this.at] === "-" && (this.source[this.at + 1] ?? "]") !== "]") {
        this.at++;
        const [from, to] = [char.charCodeAt(0), this.next().charCodeAt(0)];
        tests.push((c) => inRange(c, from, to));
      } else tests.push(literal(char));
    }
    return (c) => tests.some((test) => test(c)) !== negated;
  }

  private escape(): Test {
    const char = this.next();
    const known = CLASSES[char];
    if (known) return known;
    if (/[A-Za-z0-9]/.test(char) && !CONTROLS[char]) throw new SyntaxError(`\\${char} is not supported`);
    return literal(CONTROLS[char] ?? char);
  }

  private next(): string {
    const char = this.source[this.at++];
    if (char === undefined) throw new SyntaxError("the pattern is not finished");
    return char;
  }
}

// What is searched is in lower case already.
function literal(char: string): Test {
  const code = char.toLowerCase().charCodeAt(0);
  return (c) => c === code;
}

function inRange(code: number, from: number, to: number): boolean {
  if (code >= from && code <= to) return true;
  const upper = String.fromCharCode(code).toUpperCase().charCodeAt(0);
  return upper >= from && upper <= to;
}

interface StateSet {
  states: number[];
  accepts: boolean;
  acceptsAtEnd: boolean;
  next: Map<number, StateSet>;
}

export class Pattern {
  private readonly tests: (Test | undefined)[] = [];
  private readonly edges: number[][] = [];
  private readonly guards: ("start" | "end" | undefined)[] = [];
  private readonly first: number;
  private readonly last: number;
  private sets = new Map<string, StateSet>();
  private readonly begin: StateSet;
  private readonly again: number[];

  constructor(source: string) {
    this.last = this.state();
    this.first = this.compile(new Parser(source).parse(), this.last);
    this.begin = this.close([this.first], true);
    this.again = this.close([this.first], false).states;
  }

  /** Whether the pattern is found anywhere in the text, which is in lower case. */
  test(text: string): boolean {
    let set = this.begin;
    for (let i = 0; i < text.length; i++) {
      if (set.accepts) return true;
      const code = text.charCodeAt(i);
      let next = set.next.get(code);
      if (!next) set.next.set(code, (next = this.step(set, code)));
      set = next;
    }
    return set.accepts || set.acceptsAtEnd;
  }

  private state(test?: Test, edges: number[] = [], guard?: "start" | "end"): number {
    if (this.edges.length >= MOST_STATES) throw new SyntaxError("the pattern is too large");
    this.tests.push(test);
    this.guards.push(guard);
    return this.edges.push(edges) - 1;
  }

  /** The state that starts a node and goes on to `after`. */
  private compile(node: Node, after: number): number {
    switch (node.kind) {
      case "char":
        return this.state(node.test, [after]);
      case "start":
      case "end":
        return this.state(undefined, [after], node.kind);
      case "empty":
        return after;
      case "all":
        return node.parts.reduceRight((next, part) => this.compile(part, next), after);
      case "any":
        return this.state(undefined, node.parts.map((part) => this.compile(part, after)));
      case "repeat": {
        if (node.least > 1000 || (node.most !== Infinity && node.most > 1000)) {
          throw new SyntaxError("a repetition is too long");
        }
        let next = after;
        if (node.most === Infinity) {
          const loop = this.state(undefined, []);
          this.edges[loop] = [this.compile(node.part, loop), after];
          next = loop;
        } else {
          for (let k = node.least; k < node.most; k++) {
            next = this.state(undefined, [this.compile(node.part, next), after]);
          }
        }
        for (let k = 0; k < node.least; k++) next = this.compile(node.part, next);
        return next;
      }
    }
  }

  private reach(from: number[], atStart: boolean, atEnd: boolean): number[] {
    const seen = new Set<number>();
    const open = [...from];
    while (open.length) {
      const state = open.pop()!;
      if (seen.has(state)) continue;
      seen.add(state);
      const guard = this.guards[state];
      if (this.tests[state] || (guard === "start" && !atStart) || (guard === "end" && !atEnd)) continue;
      open.push(...this.edges[state]!);
    }
    return [...seen].sort((a, b) => a - b);
  }

  private close(from: number[], atStart: boolean): StateSet {
    const states = this.reach(from, atStart, false);
    const key = `${atStart}${states.join()}`;
    let set = this.sets.get(key);
    if (!set) {
      if (this.sets.size >= MOST_SETS) this.sets = new Map();
      const acceptsAtEnd = this.reach(states, atStart, true).includes(this.last);
      set = { states, accepts: states.includes(this.last), acceptsAtEnd, next: new Map() };
      this.sets.set(key, set);
    }
    return set;
  }

  private step(set: StateSet, code: number): StateSet {
    const next = [...this.again];
    for (const state of set.states) if (this.tests[state]?.(code)) next.push(this.edges[state]![0]!);
    return this.close(next, false);
  }
}
