// Trees that are grouped by function and grown only where someone looks: callers, callees,
// library frames hidden, recursion folded.
import type { CallTree, Measure } from "./model.ts";
import { HIDDEN, ROOT, type Opened, type View } from "./view.ts";

export interface Options {
  hide: boolean;
  fold: boolean;
}

abstract class Grouped implements View {
  readonly root = 0;
  protected readonly frames: number[] = [];
  private readonly parents: number[] = [];
  /** Of each node pairs: the node of the call tree whose value counts, and the one that stands here. */
  protected readonly members: number[][] = [];
  private readonly values: number[] = [];
  private readonly grown: (number[] | undefined)[] = [];
  private groups = new Map<number, number[]>();
  protected readonly hiddenFrames = new Map<number, { count: number; frames: Set<number> }>();

  /** The whole tree, or that of one function from each of its outermost calls. */
  constructor(
    readonly tree: CallTree,
    protected readonly width: Measure,
    private readonly foreign: Uint8Array,
    protected readonly options: Options,
    chosen = ROOT,
    /** Whether values are the nodes' own, not their totals. */
    private readonly own = false,
  ) {
    const planted = chosen === ROOT ? [] : outermost(tree, chosen);
    this.plant(chosen, -1, planted.flatMap((node) => [node, node]));
  }

  frame(node: number): number {
    return this.frames[node]!;
  }

  parent(node: number): number {
    return this.parents[node]!;
  }

  value(node: number): number {
    return this.frames[node] === ROOT ? this.width.sum : this.values[node]!;
  }

  sum(node: number, measure: Measure): number {
    return this.frames[node] === ROOT ? measure.sum : this.weigh(node, measure);
  }

  open(node: number, least: number, into: Opened): void {
    into.begin(least);
    for (const child of this.children(node)) into.add(child, this.values[child]!);
  }

  child(node: number, frame: number): number {
    return this.children(node).find((child) => this.frames[child] === frame) ?? -1;
  }

  protected children(node: number): number[] {
    return (this.grown[node] ??= this.grow(node));
  }

  self(_node: number): number | undefined {
    return undefined;
  }

  hidden(node: number): { count: number; frames: Set<number> } | undefined {
    if (this.frames[node] !== HIDDEN) return undefined;
    this.children(node);
    return this.hiddenFrames.get(node);
  }

  private plant(frame: number, parent: number, members: number[]): number {
    const node = this.frames.push(frame) - 1;
    this.parents.push(parent);
    this.members.push(members);
    return this.values.push(this.weigh(node, this.width)) - 1;
  }

  protected isHidden(frame: number): boolean {
    return this.options.hide && this.foreign[frame] === 1;
  }

  protected note(node: number, treeNode: number): void {
    let noted = this.hiddenFrames.get(node);
    if (!noted) this.hiddenFrames.set(node, (noted = { count: 0, frames: new Set() }));
    noted.count++;
    noted.frames.add(this.tree.frame[treeNode]!);
  }

  private weigh(node: number, measure: Measure): number {
    const values = this.own ? measure.self : measure.total;
    const members = this.members[node]!;
    let sum = 0;
    for (let k = 0; k < members.length; k += 2) sum += values[members[k]!]!;
    return sum;
  }

  protected abstract gather(node: number): void;

  /** Put a pair among the children with a key. */
  protected add(key: number, source: number, place: number): void {
    const group = this.groups.get(key);
    if (group) group.push(source, place);
    else this.groups.set(key, [source, place]);
  }

  private grow(node: number): number[] {
    const { values, frames } = this;
    this.groups = new Map();
    this.gather(node);
    const children: number[] = [];
    for (const [key, members] of this.groups) {
      const child = this.plant(key, node, members);
      if (values[child]! > 0) children.push(child);
    }
    return children.length > 1 ? children.sort((a, b) => values[b]! - values[a]! || frames[a]! - frames[b]!) : children;
  }
}

/** What is called from a set of nodes, merged by function. Members are nodes of the call tree. */
export class Callees extends Grouped {
  override self(node: number): number {
    let own = this.value(node);
    for (const child of this.children(node)) own -= this.value(child);
    return Math.max(0, own);
  }

  protected gather(node: number): void {
    const { end, frame } = this.tree;
    const key = this.frames[node]!;
    const visit = (from: number, stop: number): void => {
      let child = from;
      while (child < stop) {
        const called = frame[child]!;
        const foreign = this.isHidden(called);
        // Absorbed into this node: step inside, its children come next in preorder.
        if ((foreign && key === HIDDEN) || (this.options.fold && called === key)) {
          if (foreign) this.note(node, child);
          child++;
          continue;
        }
        this.add(foreign ? HIDDEN : called, child, child);
        child = end[child]!;
      }
    };
    if (key === ROOT) return visit(0, this.tree.size);
    const members = this.members[node]!;
    for (let k = 0; k < members.length; k += 2) {
      const member = members[k]!;
      if (key === HIDDEN) this.note(node, member);
      visit(member + 1, end[member]!);
    }
  }
}

/** Who called: from functions up to the roots. Members are pairs of a source node and how far up it is. */
export class Callers extends Grouped {
  protected gather(node: number): void {
    const { parent, frame } = this.tree;
    const key = this.frames[node]!;
    if (key === ROOT) {
      for (let i = 0; i < this.tree.size; i++) {
        if (this.width.self[i]! > 0) this.add(this.isHidden(frame[i]!) ? HIDDEN : frame[i]!, i, i);
      }
      return;
    }
    const members = this.members[node]!;
    for (let k = 0; k < members.length; k += 2) {
      let up = members[k + 1]!;
      if (key === HIDDEN) this.note(node, up);
      up = parent[up]!;
      while (up >= 0 && ((key === HIDDEN && this.isHidden(frame[up]!)) || (this.options.fold && frame[up] === key))) {
        if (key === HIDDEN) this.note(node, up);
        up = parent[up]!;
      }
      if (up >= 0) this.add(this.isHidden(frame[up]!) ? HIDDEN : frame[up]!, members[k]!, up);
    }
  }
}

/** The nodes of a function that are not inside another call of it. */
export function outermost(tree: CallTree, frame: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < tree.size; ) {
    if (tree.frame[i] === frame) {
      found.push(i);
      i = tree.end[i]!;
    } else i++;
  }
  return found;
}
