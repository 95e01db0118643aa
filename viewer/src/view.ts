// What a graph shows: a tree of nodes with a width each, whichever way it came about.
import type { CallTree, Measure } from "./model.ts";

export const ROOT = -1;
export const HIDDEN = -2;

export interface View {
  readonly root: number;
  /** Index of the node's frame, ROOT, or HIDDEN for a run of hidden library frames. */
  frame(node: number): number;
  parent(node: number): number;
  value(node: number): number;
  /** Children with a value, widest first. */
  children(node: number): ArrayLike<number>;
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
  private readonly sorted = new Map<number, Int32Array>();

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

  children(node: number): Int32Array {
    const known = this.sorted.get(node);
    if (known) return known;
    const { end } = this.tree;
    const { total } = this.width;
    const found: number[] = [];
    const stop = node === this.root ? this.tree.size : end[node]!;
    for (let child = node === this.root ? 0 : node + 1; child < stop; child = end[child]!) {
      if (total[child]! > 0) found.push(child);
    }
    const sorted = Int32Array.from(found);
    if (sorted.length > 1) sorted.sort((a, b) => total[b]! - total[a]! || a - b);
    this.sorted.set(node, sorted);
    return sorted;
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
    const children = view.children(node);
    let next = -1;
    for (let k = 0; k < children.length && next < 0; k++) {
      if (view.frame(children[k]!) === frame) next = children[k]!;
    }
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
