// What a graph shows: a tree of nodes with a width each, whichever way it came about.
import type { CallTree, Measure } from "./model.ts";

export const ROOT = -1;
export const HIDDEN = -2;
/** Instead of a node: there was no time to find it. */
export const LATER = -2;
/** Milliseconds that one step of work may take; the page answers in between. */
const STEP = 6;

let until = Infinity;

/** Begin a step of work, or with false one that goes on to its end. */
export function beginStep(short: boolean, step = STEP): void {
  until = short ? performance.now() + step : Infinity;
}

/** Whether the step that has begun should end: what is left is for the next one. */
export function late(): boolean {
  return performance.now() > until;
}

/** The children of one node that are wide enough to show, the widest first; how many are narrower, and their value. */
export interface Opened {
  nodes: number[];
  narrow: number;
  rest: number;
}

/** Those children that have at least a value, the earlier of equals first. */
export function choose(
  each: (use: (child: number) => void) => void,
  value: (child: number) => number,
  least: number,
  narrow = 0,
  rest = 0,
): Opened {
  const nodes: number[] = [];
  each((child) => {
    const wide = value(child);
    if (wide >= least) nodes.push(child);
    else if (wide > 0) {
      narrow++;
      rest += wide;
    }
  });
  return { nodes: nodes.sort((a, b) => value(b) - value(a)), narrow, rest };
}

export interface View {
  readonly root: number;
  /** Index of the node's frame, ROOT, or HIDDEN for a run of hidden library frames. */
  frame(node: number): number;
  parent(node: number): number;
  value(node: number): number;
  /** Children of at least a value, and what all narrower ones are together; undefined where there was no time for it. */
  open(node: number, least: number): Opened | undefined;
  /** The widest child of a frame, -1 or LATER. */
  child(node: number, frame: number): number;
  /** The node's total under another measure of the same tree; undefined where that would take too long. */
  sum(node: number, measure: Measure): number | undefined;
  /** The node's own part of its value; undefined where a view has no such thing. */
  self(node: number): number | undefined;
  /** How many frames a HIDDEN node that was opened stands for, and of which libraries (frames). */
  hidden(node: number): { count: number; frames: Set<number> } | undefined;
}

/** The plain call tree, roots below one node that stands for all. */
export function topDown({ size: root, frame, parent, end }: CallTree, { self, total, sum }: Measure): View {
  const eachChild = (node: number, use: (child: number) => void): void => {
    const stop = node === root ? root : end[node]!;
    for (let child = node === root ? 0 : node + 1; child < stop; child = end[child]!) use(child);
  };
  const value = (node: number): number => (node === root ? sum : total[node]!);
  return {
    root,
    value,
    frame: (node) => (node === root ? ROOT : frame[node]!),
    parent: (node) => (node === root ? -1 : parent[node]! < 0 ? root : parent[node]!),
    sum: (node, measure) => (node === root ? measure.sum : measure.total[node]!),
    open: (node, least) => choose((use) => eachChild(node, use), (child) => total[child]!, least),
    child(node, key) {
      let best = -1;
      eachChild(node, (child) => {
        if (frame[child] === key && total[child]! > (best < 0 ? 0 : total[best]!)) best = child;
      });
      return best;
    },
    self: (node) => (node === root ? 0 : self[node]!),
    hidden: () => undefined,
  };
}

/** The node that a path of frames leads to; where the path breaks off, the last one that is there. May be LATER. */
export function follow(view: View, path: readonly number[]): number {
  let node = view.root;
  for (const frame of path) {
    const next = view.child(node, frame);
    if (next < 0) return next === LATER ? next : node;
    node = next;
  }
  return node;
}

/** The frames from the root's children down to a node. */
export function pathOf(view: View, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at !== view.root; at = view.parent(at)) path.push(view.frame(at));
  return path.reverse();
}
