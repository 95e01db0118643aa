// Trees that are grouped by function and grown only where someone looks: callers, callees,
// library frames hidden, recursion folded.
import type { CallTree, Measure } from "./model.ts";
import { HIDDEN, ROOT, type View } from "./view.ts";

/** Numbers in one list of pairs. */
const CHUNK = 1 << 16;

export interface Options {
  hide: boolean;
  fold: boolean;
}

/** What is called, merged by function: in the whole tree, or below a function's outermost calls. */
export function callees(tree: CallTree, width: Measure, foreign: Uint8Array, options: Options, chosen = ROOT): View {
  return group(tree, width, foreign, options, chosen, false);
}

/** Who called, up to the roots: whatever costs something itself, or a function's outermost calls. */
export function callers(tree: CallTree, width: Measure, foreign: Uint8Array, options: Options, chosen = ROOT): View {
  return group(tree, width, foreign, options, chosen, true);
}

function group(
  tree: CallTree,
  width: Measure,
  foreign: Uint8Array,
  { hide, fold }: Options,
  chosen: number,
  upwards: boolean,
): View {
  const { size, frame, parent, end } = tree;
  const weights = (measure: Measure): Float64Array => (upwards && chosen === ROOT ? measure.self : measure.total);
  const weight = weights(width);

  const frames: number[] = [];
  const parents: number[] = [];
  const values: number[] = [];
  // Each node has pairs: a node of the call tree whose value counts, and the one that stands here.
  // They are a part of a list that the node shares with its siblings.
  const lists: Int32Array[] = [];
  const starts: number[] = [];
  const stops: number[] = [];
  /** The first child of each node, -1 before it is grown, and what is behind its last. */
  const firsts: number[] = [];
  const pasts: number[] = [];
  const folded: { count: number; frames: Set<number> }[] = [];

  // What is gathered for the node that grows now: pairs, and the group of each. Numbers in flat
  // arrays, so that a million of them are grouped in the time of one click.
  const pairs = new Int32Array(2 * size);
  const groupOf = new Int32Array(size);
  /** The group of each key, or 0. */
  const groups = new Int32Array(foreign.length - HIDDEN);
  const keys: number[] = [];
  const sizes: number[] = [];
  const sums: number[] = [];
  let count = 0;
  let kinds = 0;
  // Pairs of grown nodes, some thousands of nodes in one list: objects of their own take longer to make.
  let list = new Int32Array(0);
  let used = 0;
  let key = 0;
  let noted: { count: number; frames: Set<number> } | undefined;

  const keyOf = (node: number): number => (hide && foreign[frame[node]!] ? HIDDEN : frame[node]!);

  /** Put a pair among the children of the node that grows. */
  const add = (source: number, place: number): void => {
    const kind = keyOf(place);
    let group = groups[kind - HIDDEN]!;
    if (!group) {
      groups[kind - HIDDEN] = group = ++kinds;
      keys[group] = kind;
      sizes[group] = sums[group] = 0;
    }
    sizes[group]! += 2;
    sums[group]! += weight[source]!;
    pairs[2 * count] = source;
    pairs[2 * count + 1] = place;
    groupOf[count++] = group;
  };

  const plant = (frame: number, above: number, value: number, start: number, stop: number): void => {
    frames.push(frame);
    firsts.push(-1);
    pasts.push(0);
    parents.push(above);
    values.push(value);
    lists.push(list);
    starts.push(start);
    stops.push(stop);
  };

  const absorbs = (other: number): boolean => (noted ? keyOf(other) === HIDDEN : fold && frame[other] === key);

  const note = (other: number): void => {
    if (!noted) return;
    noted.count++;
    noted.frames.add(frame[other]!);
  };

  const visit = (from: number, stop: number): void => {
    for (let child = from; child < stop; ) {
      // What is absorbed is stepped into: its children come next in preorder.
      if (absorbs(child)) note(child++);
      else {
        add(child, child);
        child = end[child]!;
      }
    }
  };

  const gather = (node: number): void => {
    key = frames[node]!;
    noted = key === HIDDEN ? (folded[node] = { count: 0, frames: new Set() }) : undefined;
    if (key === ROOT) {
      if (!upwards) visit(0, size);
      else for (let other = 0; other < size; other++) if (weight[other]! > 0) add(other, other);
      return;
    }
    const members = lists[node]!;
    for (let k = starts[node]!; k < stops[node]!; k += 2) {
      let place = members[k + 1]!;
      if (upwards) {
        do {
          note(place);
          place = parent[place]!;
        } while (place >= 0 && absorbs(place));
        if (place >= 0) add(members[k]!, place);
      } else {
        note(place);
        visit(place + 1, end[place]!);
      }
    }
  };

  /** The first child of a node. */
  const grow = (node: number): number => {
    if (firsts[node]! >= 0) return firsts[node]!;
    firsts[node] = frames.length;
    count = kinds = 0;
    gather(node);
    if (used + 2 * count > list.length) {
      list = new Int32Array(Math.max(2 * count, CHUNK));
      used = 0;
    }
    for (let group = 1; group <= kinds; group++) {
      const start = used;
      used += sizes[group]!;
      sizes[group] = start;
      groups[keys[group]! - HIDDEN] = 0;
      if (sums[group]! > 0) plant(keys[group]!, node, sums[group]!, start, used);
    }
    for (let k = 0; k < count; k++) {
      const at = sizes[groupOf[k]!]!;
      sizes[groupOf[k]!] = at + 2;
      list[at] = pairs[2 * k]!;
      list[at + 1] = pairs[2 * k + 1]!;
    }
    pasts[node] = frames.length;
    return firsts[node]!;
  };

  const sum = (node: number, measure: Measure): number => {
    if (frames[node] === ROOT) return measure.sum;
    const column = weights(measure);
    const members = lists[node]!;
    let sum = 0;
    for (let k = starts[node]!; k < stops[node]!; k += 2) sum += column[members[k]!]!;
    return sum;
  };

  const planted = chosen === ROOT ? [] : outermost(tree, chosen);
  list = Int32Array.from(planted.flatMap((node) => [node, node]));
  used = list.length;
  plant(chosen, -1, 0, 0, used);
  values[0] = sum(0, width);

  return {
    root: 0,
    frame: (node) => frames[node]!,
    parent: (node) => parents[node]!,
    value: (node) => values[node]!,
    sum,
    open(node, least, into) {
      into.begin(least);
      for (let child = grow(node); child < pasts[node]!; child++) into.add(child, values[child]!);
      into.sort();
    },
    child(node, key) {
      const found = frames.indexOf(key, grow(node));
      return found < pasts[node]! ? found : -1;
    },
    self(node) {
      if (upwards) return;
      let own = values[node]!;
      for (let child = grow(node); child < pasts[node]!; child++) own -= values[child]!;
      return Math.max(0, own);
    },
    hidden(node) {
      grow(node);
      return folded[node];
    },
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
