// Which frames a search finds, and how much of a tree they account for.
import type { CallTree, Frames, Measure } from "./model.ts";
import { compile } from "./regex.ts";

export interface Found {
  /** 1 for each frame that matches. */
  flags: Uint8Array;
  frames: number;
  error: string;
}

export class Searcher {
  private readonly texts: string[] = [];

  constructor(private readonly frames: Frames) {}

  /** Prepare a part of the texts; true once all are there. Keeps the first search quick. */
  prepare(until = Infinity): boolean {
    const stop = Math.min(this.frames.count, this.texts.length + until);
    for (let frame = this.texts.length; frame < stop; frame++) {
      this.texts.push(`${this.frames.name(frame)} ${this.frames.place(frame)}`.toLowerCase());
    }
    return this.texts.length === this.frames.count;
  }

  /** Frames whose name or place contains the text, or matches it as a regular expression. */
  find(query: string, regex: boolean): Found {
    this.prepare();
    const flags = new Uint8Array(this.frames.count);
    let frames = 0;
    let error = "";
    try {
      const test = regex ? compile(query) : substring(query.toLowerCase());
      for (let frame = 0; frame < flags.length; frame++) {
        if (test(this.texts[frame]!)) {
          flags[frame] = 1;
          frames++;
        }
      }
    } catch (problem) {
      if (!(problem instanceof SyntaxError)) throw problem;
      error = problem.message;
    }
    return { flags, frames, error };
  }
}

function substring(query: string): (text: string) => boolean {
  return (text) => text.includes(query);
}

/** The value of all matching nodes together; one inside another counts once. */
export function matchedValue(tree: CallTree, measure: Measure, flags: Uint8Array): number {
  const { frame, end, size } = tree;
  let sum = 0;
  for (let node = 0; node < size; ) {
    if (flags[frame[node]!]) {
      sum += measure.total[node]!;
      node = end[node]!;
    } else node++;
  }
  return sum;
}

const MOST_SORTED = 50_000;

/** All matching nodes that have a value, the widest first (in order of the tree where there are very many). */
export function matchingNodes(tree: CallTree, measure: Measure, flags: Uint8Array): number[] {
  const nodes: number[] = [];
  for (let node = 0; node < tree.size; node++) {
    if (flags[tree.frame[node]!] && measure.total[node]! > 0) nodes.push(node);
  }
  if (nodes.length > MOST_SORTED) return nodes;
  return nodes.sort((a, b) => measure.total[b]! - measure.total[a]! || a - b);
}
