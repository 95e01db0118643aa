// Trees that are grouped by function and grown only where someone looks, and there only as far as
// it can be seen: callers, callees, library frames hidden, recursion folded.
import type { CallTree, Measure } from "./model.ts";
import { floats, ints, max, min } from "./numbers.ts";
import { choose, HIDDEN, late, LATER, ROOT, type View } from "./view.ts";

/** Numbers in one list of pairs. */
const CHUNK = 1 << 16;
/** Steps between two looks at the clock. */
const PORTION = 1 << 11;
/** Numbers of so many pairs are added up while somebody waits for a tooltip. */
const MOST_SUMMED = 1 << 18;
/** Children are grown some way below what can be seen, for the next zoom or turn of a wheel. */
const FURTHER = 4;

/** What a HIDDEN node stands for. */
interface Folded {
  count: number;
  frames: Set<number>;
}

interface Node {
  /** A frame, ROOT or HIDDEN. */
  frame: number;
  above: number;
  /** Its pairs are a part of a list: a node of the call tree whose value counts, and the one that stands here. */
  list: Int32Array;
  from: number;
  to: number;
  /** For each measure. */
  sums: number[];
  /** Its children of at least a value, the widest first; how many are narrower, and their value. */
  kids: number[];
  least: number;
  narrow: number;
  rest: number;
  folded: Folded | undefined;
}

export interface Options {
  hide: boolean;
  fold: boolean;
}

type Make = (tree: CallTree, measures: readonly Measure[], foreign: Uint8Array, options: Options, chosen?: number) => View;

/**
 * What is called, merged by function: in the whole tree, or below a function's outermost calls.
 * The first measure makes the widths; the sums of the others are kept beside it.
 */
export const callees: Make = (tree, measures, foreign, options, chosen = ROOT) =>
  group(tree, measures, foreign, options, chosen, false);

/** Who called, up to the roots: whatever costs something itself, or a function's outermost calls. */
export const callers: Make = (tree, measures, foreign, options, chosen = ROOT) =>
  group(tree, measures, foreign, options, chosen, true);

function group(
  tree: CallTree,
  measures: readonly Measure[],
  foreign: Uint8Array,
  { hide, fold }: Options,
  chosen: number,
  upwards: boolean,
): View {
  const { size, frame, parent, end } = tree;
  const weights = (measure: Measure): Float64Array => (upwards && chosen === ROOT ? measure.self : measure.total);
  const columns = measures.map(weights);
  const weight = columns[0]!;

  const nodes: Node[] = [];
  let list = ints(0);
  let used = 0;

  // What is gathered for the node that grows now: pairs, and the kind of each.
  const pairs = ints(2 * size);
  const kindOf = ints(size);
  let count = 0;
  let kinds: number[] = [];
  /** The kind of each frame: 0 is all that is hidden. */
  const kindOfFrame = Int32Array.from(foreign, (library, frame) => (hide && library ? 0 : frame - HIDDEN));
  const kindCount = foreign.length - HIDDEN;
  /** How much room the pairs of a kind take, their value, and where the next one goes if they are kept. */
  const sizes = ints(kindCount);
  const heaps = columns.map(() => floats(kindCount));
  const heap = heaps[0]!;
  const heads = ints(kindCount);
  const noticed: (Folded | undefined)[] = [];
  /** The node that grows, down to which value, and how far: its next pair, what is next below its last one, what is kept. */
  let growing: Node | undefined;
  let goal = 0;
  let noted: Folded | undefined;
  let next = 0;
  let below = 0;
  let edge = 0;
  let gathered = false;
  let kept = 0;

  const plant = (frame: number, above: number, from: number, to: number, sums: number[]): number =>
    nodes.push({ frame, above, list, from, to, sums, kids: [], least: Infinity, narrow: 0, rest: 0, folded: undefined }) - 1;

  const note = (other: number): void => {
    if (!noted) return;
    noted.count++;
    // A set takes longer to find that it has something.
    const kind = frame[other]!;
    if (noticed[kind] === noted) return;
    noticed[kind] = noted;
    noted.frames.add(kind);
  };

  /** Go through some pairs of the node that grows; true once all its children's pairs are there. */
  const gather = ({ frame: key, list, to }: Node): boolean => {
    const root = key === ROOT;
    const stop = root ? (upwards ? size : 0) : to;
    const absorbing = fold || noted !== undefined;
    const absorbs = (other: number): boolean => absorbing && (noted ? !kindOfFrame[frame[other]!] : frame[other] === key);
    let [at, child, last, n] = [next, below, edge, count];
    let steps = PORTION;
    for (; steps > 0; steps--) {
      let source = child;
      let place = child;
      if (child < last) {
        // What is absorbed is stepped into: its children come next in preorder.
        if (absorbs(child)) {
          note(child++);
          continue;
        }
        child = end[child]!;
      } else if (at >= stop) break;
      else if (root) {
        source = place = at++;
        if (!(weight[source]! > 0) && columns.every((column) => !column[source])) continue;
      } else {
        source = list[at]!;
        place = list[at + 1]!;
        at += 2;
        note(place);
        if (!upwards) {
          child = place + 1;
          last = end[place]!;
          continue;
        }
        while ((place = parent[place]!) >= 0 && absorbs(place)) {
          note(place);
          steps--;
        }
        if (place < 0) continue;
      }
      const kind = kindOfFrame[frame[place]!]!;
      if (!sizes[kind]) kinds.push(kind);
      sizes[kind]! += 2;
      heap[kind]! += weight[source]!;
      for (let k = 1; k < columns.length; k++) heaps[k]![kind]! += columns[k]![source]!;
      kindOf[n >> 1] = kind;
      pairs[n++] = source;
      pairs[n++] = place;
    }
    [next, below, edge, count] = [at, child, last, n];
    return steps > 0;
  };

  /** Put some of the gathered pairs where their kind has its place; true once all are there. */
  const keep = (): boolean => {
    const stop = min(kept + 2 * PORTION, count);
    for (let k = kept; k < stop; k += 2) {
      const kind = kindOf[k >> 1]!;
      const head = heads[kind]!;
      if (head < 0) continue;
      heads[kind] = head + 2;
      list[head] = pairs[k]!;
      list[head + 1] = pairs[k + 1]!;
    }
    kept = stop;
    return stop === count;
  };

  const begin = (node: Node, least: number): void => {
    for (const kind of kinds) for (const zeroed of [sizes, ...heaps]) zeroed[kind] = 0;
    kinds = [];
    count = below = edge = 0;
    gathered = false;
    growing = node;
    goal = least;
    next = node.from;
    noted = node.folded = node.frame === HIDDEN ? { count: 0, frames: new Set() } : undefined;
    if (node.frame === ROOT && !upwards) edge = size;
  };

  /** Make children of the kinds that are wide enough and were not before. */
  const select = (node: Node, number: number): void => {
    node.narrow = node.rest = 0;
    let room = 0;
    const fresh = kinds.filter((kind) => {
      const value = heap[kind]!;
      heads[kind] = -1;
      if (!value || value >= node.least) return false;
      if (value >= goal) return (room += sizes[kind]!);
      node.narrow++;
      node.rest += value;
      return false;
    });
    if (used + room > list.length) {
      list = ints(max(room, CHUNK));
      used = 0;
    }
    kept = room ? 0 : count;
    for (const kind of fresh.sort((a, b) => heap[b]! - heap[a]!)) {
      heads[kind] = used;
      used += sizes[kind]!;
      node.kids.push(plant(kind + HIDDEN, number, heads[kind]!, used, heaps.map((sums) => sums[kind]!)));
    }
  };

  /** See that the children of at least a value are there; false while there is no time for it. */
  const grow = (number: number, least: number): boolean => {
    const node = nodes[number]!;
    if (node.least <= least) return true;
    if (growing !== node || goal > least) begin(node, least / FURTHER);
    if (!gathered) {
      while (!gather(node)) if (late()) return false;
      gathered = true;
      select(node, number);
    }
    while (!keep()) if (late()) return false;
    node.least = goal;
    growing = undefined;
    // Many that are small take their time too; this one is done at the next look.
    return !late();
  };

  const value = (node: number): number => nodes[node]!.sums[0]!;

  if (chosen !== ROOT) list = Int32Array.from(outermost(tree, chosen).flatMap((node) => [node, node]));
  used = list.length;
  plant(
    chosen, -1, 0, used,
    // Each node is there twice.
    columns.map((column, k) => (chosen === ROOT ? measures[k]!.sum : list.reduce((sum, node) => sum + column[node]! / 2, 0))),
  );

  return {
    root: 0,
    frame: (node) => nodes[node]!.frame,
    parent: (node) => nodes[node]!.above,
    value,
    sum(number, measure) {
      const node = nodes[number]!;
      if (node.frame === ROOT) return measure.sum;
      const known = node.sums[measures.indexOf(measure)];
      if (known !== undefined) return known;
      if (node.to - node.from > MOST_SUMMED) return;
      const column = weights(measure);
      let sum = 0;
      for (let at = node.from; at < node.to; at += 2) sum += column[node.list[at]!]!;
      return sum;
    },
    open(number, least) {
      if (!grow(number, least)) return;
      const { kids, narrow, rest } = nodes[number]!;
      return choose((use) => kids.forEach(use), value, least, narrow, rest);
    },
    child(node, key) {
      const find = (): number | undefined => nodes[node]!.kids.find((child) => nodes[child]!.frame === key);
      return find() ?? (grow(node, 0) ? (find() ?? -1) : LATER);
    },
    self(number) {
      const { kids, rest, least } = nodes[number]!;
      if (upwards || least === Infinity) return;
      return max(0, kids.reduce((own, child) => own - value(child), value(number) - rest));
    },
    hidden: (node) => nodes[node]!.folded,
  };
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
