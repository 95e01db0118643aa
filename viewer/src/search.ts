// Which frames a search finds, and how much of a tree they account for.
import type { CallTree, Frames, Measure } from "./model.ts";
import { min } from "./numbers.ts";
import { compile } from "./regex.ts";

export interface Found {
  /** 1 for each frame that matches; none where the pattern is wrong. */
  flags: Uint8Array | undefined;
  frames: number;
  error: string;
}

export interface Searcher {
  /** Prepare a part of the texts; true once all are there. Keeps the first search quick. */
  prepare(portion?: number): boolean;
  /** Frames whose name or place contains the text, or matches it as a regular expression. */
  find(query: string, regex: boolean): Found;
}

export const makeSearcher = (frames: Frames): Searcher => {
  const texts: string[] = [];
  const prepare = (portion = Infinity): boolean => {
    const stop = min(frames.count, texts.length + portion);
    for (let frame = texts.length; frame < stop; frame++) {
      texts.push(`${frames.name(frame)} ${frames.place(frame)}`.toLowerCase());
    }
    return stop === frames.count;
  };
  return {
    prepare,
    find(query, regex) {
      prepare();
      const lower = query.toLowerCase();
      try {
        const test = regex ? compile(query) : (text: string) => text.includes(lower);
        const flags = Uint8Array.from(texts, (text) => +test(text));
        return { flags, frames: flags.reduce((sum, flag) => sum + flag, 0), error: "" };
      } catch (problem) {
        if (!(problem instanceof SyntaxError)) throw problem;
        return { flags: undefined, frames: 0, error: problem.message };
      }
    },
  };
};

/** The value of all matching nodes together; one inside another counts once. */
export const matchedValue = (tree: CallTree, measure: Measure, flags: Uint8Array | undefined): number => {
  const { frame, end, size } = tree;
  let sum = 0;
  for (let node = 0; node < size; ) {
    if (flags?.[frame[node]!]) {
      sum += measure.total[node]!;
      node = end[node]!;
    } else node++;
  }
  return sum;
};

const MOST_SORTED = 20_000;

/** All matching nodes that have a value, the widest first (in order of the tree where there are very many). */
export const matchingNodes = (tree: CallTree, measure: Measure, flags: Uint8Array): number[] => {
  const nodes: number[] = [];
  for (let node = 0; node < tree.size; node++) {
    if (flags[tree.frame[node]!] && measure.total[node]! > 0) nodes.push(node);
  }
  if (nodes.length > MOST_SORTED) return nodes;
  return nodes.sort((a, b) => measure.total[b]! - measure.total[a]! || a - b);
};
