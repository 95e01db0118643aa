// What a graph shows: a tree of nodes with a width each, whichever way it came about.
import type { CallTree, Measure } from "./model.ts";

export const ROOT = -1;
export const HIDDEN = -2;
/** Instead of a node: there was no time to find it. */
export const LATER = -2;
/** Milliseconds that one step of work may take; the page answers in between. */
const STEP = 6;
/** Steps between two looks at the clock, which take their time as well. */
export const PORTION = 1 << 11;

export const clock = (): number => performance.now();

let until = Infinity;
let spent = 0;

/** Begin a step of work, or with false one that goes on to its end. */
export const beginStep = (short: boolean, step = STEP): void => {
  until = short ? clock() + step : Infinity;
};

/** Whether the step that has begun should end: what is left is for the next one. */
export const late = (steps = PORTION): boolean => {
  spent += steps;
  if (spent < PORTION) return false;
  spent = 0;
  return clock() > until;
};

/** What a HIDDEN node stands for: how many frames, and which ones. */
export interface Folded {
  count: number;
  frames: number[];
}

export interface View {
  readonly root: number;
  /** Index of the node's frame, ROOT, or HIDDEN for a run of hidden library frames. */
  frame(node: number): number;
  parent(node: number): number;
  total(node: number): number;
  /**
   * Tell the children of at least a value, the widest first, and then the node itself with what all narrower
   * ones are together, and how many; false where there was no time for it. What is beyond the room for their
   * values may be told together too.
   */
  open(node: number, least: number, room: number, use: (node: number, value: number, narrow: number) => void): boolean;
  /** How much has to be added up to open a node. */
  weight(node: number): number;
  /** The widest child of a frame, -1 or LATER. */
  child(node: number, frame: number): number;
  /** The node's total under another measure of the same tree; undefined where that would take too long. */
  sum(node: number, measure: Measure): number | undefined;
  /** The node's own part of its value; undefined where a view has no such thing. */
  self(node: number): number | undefined;
  /** Of a HIDDEN node that was opened. */
  folded(node: number): Folded | undefined;
}

/** The plain call tree, roots below one node that stands for all. */
export const topDown = ({ size: root, frame, parent, end }: CallTree, { self, total, sum }: Measure): View => {
  const eachChild = (node: number, use: (child: number) => void): void => {
    const stop = node === root ? root : end[node]!;
    for (let child = node === root ? 0 : node + 1; child < stop; child = end[child]!) use(child);
  };
  return {
    root,
    total: (node) => (node === root ? sum : total[node]!),
    frame: (node) => (node === root ? ROOT : frame[node]!),
    parent: (node) => (node === root ? -1 : parent[node]! < 0 ? root : parent[node]!),
    sum: (node, measure) => (node === root ? measure.sum : measure.total[node]!),
    open(node, least, _, use) {
      const wide: number[] = [];
      let narrow = 0;
      let rest = 0;
      eachChild(node, (child) => {
        const value = total[child]!;
        if (value >= least) wide.push(child);
        else if (value > 0) {
          narrow++;
          rest += value;
        }
      });
      for (const child of wide.sort((a, b) => total[b]! - total[a]!)) use(child, total[child]!, 0);
      if (narrow) use(node, rest, narrow);
      return true;
    },
    child(node, key) {
      let best = -1;
      eachChild(node, (child) => {
        if (frame[child] === key && total[child]! > (best < 0 ? 0 : total[best]!)) best = child;
      });
      return best;
    },
    self: (node) => (node === root ? 0 : self[node]!),
    folded: () => undefined,
    weight: () => 0,
  };
};

/** The node that a path of frames leads to; where the path breaks off, the last one that is there. May be LATER. */
export const follow = (view: View, path: readonly number[]): number => {
  let node = view.root;
  for (const frame of path) {
    const next = view.child(node, frame);
    if (next < 0) return next === LATER ? next : node;
    node = next;
  }
  return node;
};

/** The frames from the root's children down to a node. */
export const pathOf = (view: View, node: number): number[] => {
  const path: number[] = [];
  for (let at = node; at !== view.root; at = view.parent(at)) path.push(view.frame(at));
  return path.reverse();
};
