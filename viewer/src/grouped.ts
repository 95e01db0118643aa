// Trees that are grouped by function and grown only where someone looks: callers, callees,
// library frames hidden, recursion folded.
import type { CallTree, Measure } from "./model.ts";
import { HIDDEN, ROOT, type View } from "./view.ts";

export interface Options {
  hide: boolean;
  fold: boolean;
}

/** Nodes of the call tree gathered by key. */
class Gathering {
  readonly groups = new Map<number, number[]>();

  add(key: number, entry: number): void {
    const group = this.groups.get(key);
    if (group) group.push(entry);
    else this.groups.set(key, [entry]);
  }

  addPair(key: number, source: number, up: number): void {
    const group = this.groups.get(key);
    if (group) group.push(source, up);
    else this.groups.set(key, [source, up]);
  }
}

abstract class Grouped implements View {
  readonly root = 0;
  protected readonly frames: number[] = [];
  private readonly parents: number[] = [];
  protected readonly entries: number[][] = [];
  private readonly values: number[] = [];
  private readonly grown: (number[] | undefined)[] = [];
  protected readonly hiddenFrames = new Map<number, { count: number; frames: Set<number> }>();

  constructor(
    readonly tree: CallTree,
    protected readonly width: Measure,
    protected readonly foreign: Uint8Array,
    protected readonly options: Options,
  ) {}

  frame(node: number): number {
    return this.frames[node]!;
  }

  parent(node: number): number {
    return this.parents[node]!;
  }

  value(node: number): number {
    return this.values[node]!;
  }

  sum(node: number, measure: Measure): number {
    return this.weigh(this.entries[node]!, measure);
  }

  children(node: number): number[] {
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

  protected plant(frame: number, parent: number, entries: number[]): number {
    const node = this.frames.length;
    this.frames.push(frame);
    this.parents.push(parent);
    this.entries.push(entries);
    this.values.push(this.weigh(entries, this.width));
    return node;
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

  protected abstract weigh(entries: number[], measure: Measure): number;
  protected abstract gather(node: number, into: Gathering): void;

  private grow(node: number): number[] {
    const gathering = new Gathering();
    this.gather(node, gathering);
    const children: number[] = [];
    for (const [frame, entries] of gathering.groups) {
      const child = this.plant(frame, node, entries);
      if (this.values[child]! > 0) children.push(child);
    }
    return children.sort((a, b) => this.values[b]! - this.values[a]! || this.frames[a]! - this.frames[b]!);
  }
}

/** What is called from a set of nodes, merged by function. Entries are nodes of the call tree. */
export class Callees extends Grouped {
  /** The whole tree, or what a function calls, from each of its outermost calls. */
  constructor(tree: CallTree, width: Measure, foreign: Uint8Array, options: Options, chosen?: number) {
    super(tree, width, foreign, options);
    if (chosen === undefined) this.plant(ROOT, -1, []);
    else this.plant(chosen, -1, outermost(tree, chosen));
  }

  override value(node: number): number {
    return this.frames[node] === ROOT ? this.width.sum : super.value(node);
  }

  override sum(node: number, measure: Measure): number {
    return this.frames[node] === ROOT ? measure.sum : super.sum(node, measure);
  }

  override self(node: number): number {
    let own = this.value(node);
    for (const child of this.children(node)) own -= this.value(child);
    return Math.max(0, own);
  }

  protected weigh(entries: number[], measure: Measure): number {
    let sum = 0;
    for (const entry of entries) sum += measure.total[entry]!;
    return sum;
  }

  protected gather(node: number, into: Gathering): void {
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
        into.add(foreign ? HIDDEN : called, child);
        child = end[child]!;
      }
    };
    if (key === ROOT) return visit(0, this.tree.size);
    for (const entry of this.entries[node]!) {
      if (key === HIDDEN) this.note(node, entry);
      visit(entry + 1, end[entry]!);
    }
  }
}

/** Who called: from functions up to the roots. Entries are pairs of a source node and how far up it is. */
export class Callers extends Grouped {
  private readonly chosen: boolean;

  /** All functions by self value, or one function by the total of its outermost calls. */
  constructor(tree: CallTree, width: Measure, foreign: Uint8Array, options: Options, chosen?: number) {
    super(tree, width, foreign, options);
    this.chosen = chosen !== undefined;
    this.plant(chosen ?? ROOT, -1, chosen === undefined ? [] : outermost(tree, chosen).flatMap((node) => [node, node]));
  }

  override value(node: number): number {
    return this.frames[node] === ROOT ? this.width.sum : super.value(node);
  }

  override sum(node: number, measure: Measure): number {
    return this.frames[node] === ROOT ? measure.sum : super.sum(node, measure);
  }

  protected weigh(entries: number[], measure: Measure): number {
    const values = this.chosen ? measure.total : measure.self;
    let sum = 0;
    for (let k = 0; k < entries.length; k += 2) sum += values[entries[k]!]!;
    return sum;
  }

  protected gather(node: number, into: Gathering): void {
    const { parent, frame } = this.tree;
    const key = this.frames[node]!;
    if (key === ROOT) {
      for (let i = 0; i < this.tree.size; i++) {
        if (this.width.self[i]! > 0) into.addPair(this.isHidden(frame[i]!) ? HIDDEN : frame[i]!, i, i);
      }
      return;
    }
    const entries = this.entries[node]!;
    for (let k = 0; k < entries.length; k += 2) {
      let up = entries[k + 1]!;
      if (key === HIDDEN) this.note(node, up);
      up = parent[up]!;
      while (up >= 0 && ((key === HIDDEN && this.isHidden(frame[up]!)) || (this.options.fold && frame[up] === key))) {
        if (key === HIDDEN) this.note(node, up);
        up = parent[up]!;
      }
      if (up >= 0) into.addPair(this.isHidden(frame[up]!) ? HIDDEN : frame[up]!, entries[k]!, up);
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
