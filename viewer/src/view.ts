// What a graph shows: a tree of nodes with a width each, whichever way it came about.
import type { CallTree, Measure } from "./model.ts";

export const ROOT = -1;
export const HIDDEN = -2;
const MANY = 64;

/** The children of one node that are wide enough to show, the widest first; used again for the next node. */
export class Opened {
  nodes: number[] = [];
  values: number[] = [];
  count = 0;
  /** How many children are narrower, and their value together. */
  narrow = 0;
  rest = 0;
  private least = 0;

  begin(least: number): void {
    this.least = least;
    this.count = this.narrow = this.rest = 0;
  }

  add(node: number, value: number): void {
    if (value >= this.least) {
      this.nodes[this.count] = node;
      this.values[this.count++] = value;
    } else if (value > 0) {
      this.narrow++;
      this.rest += value;
    }
  }

  /** The widest first, the earlier of equals first. */
  sort(): void {
    const { nodes, values, count } = this;
    if (count > MANY) {
      const order = [...Array(count).keys()].sort((a, b) => values[b]! - values[a]! || a - b);
      this.nodes = order.map((k) => nodes[k]!);
      this.values = order.map((k) => values[k]!);
      return;
    }
    for (let k = 1; k < count; k++) {
      const [node, value] = [nodes[k]!, values[k]!];
      let at = k;
      for (; at > 0 && values[at - 1]! < value; at--) {
        nodes[at] = nodes[at - 1]!;
        values[at] = values[at - 1]!;
      }
      nodes[at] = node;
      values[at] = value;
    }
  }

  /** The same as another that went down to narrower ones, if it did. */
  copy(other: Opened | undefined, least: number): boolean {
    if (!other || other.least > least) return false;
    this.begin(least);
    for (let k = 0; k < other.count; k++) this.add(other.nodes[k]!, other.values[k]!);
    this.narrow += other.narrow;
    this.rest += other.rest;
    return true;
  }
}

export interface View {
  readonly root: number;
  /** Index of the node's frame, ROOT, or HIDDEN for a run of hidden library frames. */
  frame(node: number): number;
  parent(node: number): number;
  value(node: number): number;
  /** Children of at least a value, the widest first, and what all narrower ones are together. */
  open(node: number, least: number, into: Opened): void;
  /** The widest child of a frame, or -1. */
  child(node: number, frame: number): number;
  /** The node's total under another measure of the same tree. */
  sum(node: number, measure: Measure): number;
  /** The node's own part of its value; undefined where a view has no such thing. */
  self(node: number): number | undefined;
  /** How many frames a HIDDEN node stands for, and of which libraries (frames). */
  hidden(node: number): { count: number; frames: Set<number> } | undefined;
}

/** The plain call tree, roots below one node that stands for all. */
export class TopDown implements View {
  readonly root: number;
  private readonly kept = new Map<number, Opened>();

  constructor(
    readonly tree: CallTree,
    private readonly width: Measure,
  ) {
    this.root = tree.size;
  }

  frame(node: number): number {
    return node === this.root ? ROOT : this.tree.frame[node]!;
  }

  parent(node: number): number {
    if (node === this.root) return -1;
    const parent = this.tree.parent[node]!;
    return parent < 0 ? this.root : parent;
  }

  value(node: number): number {
    return this.sum(node, this.width);
  }

  sum(node: number, measure: Measure): number {
    return node === this.root ? measure.sum : measure.total[node]!;
  }

  open(node: number, least: number, into: Opened): void {
    if (into.copy(this.kept.get(node), least)) return;
    this.scan(node, least, into);
    if (into.count > MANY) {
      // Sorted once, and some way down, for panning and the next steps of a wheel.
      const kept = new Opened();
      this.scan(node, least / 8, kept);
      this.kept.set(node, kept);
      into.copy(kept, least);
    }
  }

  private scan(node: number, least: number, into: Opened): void {
    const { end } = this.tree;
    const { total } = this.width;
    into.begin(least);
    const stop = node === this.root ? this.root : end[node]!;
    for (let child = this.first(node); child < stop; child = end[child]!) into.add(child, total[child]!);
    into.sort();
  }

  child(node: number, frame: number): number {
    const { end, frame: frames } = this.tree;
    const { total } = this.width;
    const stop = node === this.root ? this.root : end[node]!;
    let best = -1;
    for (let child = this.first(node); child < stop; child = end[child]!) {
      if (frames[child] === frame && total[child]! > (best < 0 ? 0 : total[best]!)) best = child;
    }
    return best;
  }

  private first(node: number): number {
    return node === this.root ? 0 : node + 1;
  }

  self(node: number): number | undefined {
    return node === this.root ? 0 : this.width.self[node]!;
  }

  hidden(): undefined {
    return undefined;
  }
}

/** The node that a path of frames leads to; where the path breaks off, the last one that is there. */
export function follow(view: View, path: readonly number[]): number {
  let node = view.root;
  for (const frame of path) {
    const next = view.child(node, frame);
    if (next < 0) return node;
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
