// Trees that are grouped by function and grown only where someone looks: callers, callees,
// library frames hidden, recursion folded.
import type { CallTree, Measure } from "./model.ts";
import { HIDDEN, ROOT, type View } from "./view.ts";

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
  /** The first child of each node and what is behind its last. */
  const grown: [first: number, past: number][] = [];
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

  const keyOf = (node: number): number => (hide && foreign[frame[node]!] ? HIDDEN : frame[node]!);

  /** Put a pair among the children of the node that grows. */
  const add = (source: number, place: number): void => {
    const key = keyOf(place);
    let group = groups[key - HIDDEN]!;
    if (!group) {
      groups[key - HIDDEN] = group = keys.push(key);
      sizes[group] = sums[group] = 0;
    }
    sizes[group]! += 2;
    sums[group]! += weight[source]!;
    pairs[2 * count] = source;
    pairs[2 * count + 1] = place;
    groupOf[count++] = group;
  };

  const plant = (key: number, above: number, value: number, list: Int32Array, start: number, stop: number): void => {
    frames.push(key);
    parents.push(above);
    values.push(value);
    lists.push(list);
    starts.push(start);
    stops.push(stop);
  };

  const gather = (node: number): void => {
    const key = frames[node]!;
    const noted = key === HIDDEN && (folded[node] = { count: 0, frames: new Set() });
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
    if (key === ROOT) {
      if (!upwards) visit(0, size);
      else for (let other = 0; other < size; other++) if (weight[other]! > 0) add(other, other);
      return;
    }
    const list = lists[node]!;
    for (let k = starts[node]!; k < stops[node]!; k += 2) {
      let place = list[k + 1]!;
      if (upwards) {
        do {
          note(place);
          place = parent[place]!;
        } while (place >= 0 && absorbs(place));
        if (place >= 0) add(list[k]!, place);
      } else {
        note(place);
        visit(place + 1, end[place]!);
      }
    }
  };

  const grow = (node: number): [number, number] => {
    const first = frames.length;
    count = keys.length = 0;
    gather(node);
    const list = new Int32Array(2 * count);
    let stop = 0;
    keys.forEach((key, k) => {
      const start = stop;
      stop += sizes[++k]!;
      sizes[k] = start;
      groups[key - HIDDEN] = 0;
      if (sums[k]! > 0) plant(key, node, sums[k]!, list, start, stop);
    });
    for (let k = 0; k < count; k++) {
      const at = sizes[groupOf[k]!]!;
      sizes[groupOf[k]!] = at + 2;
      list[at] = pairs[2 * k]!;
      list[at + 1] = pairs[2 * k + 1]!;
    }
    return [first, frames.length];
  };

  const children = (node: number): [number, number] => (grown[node] ??= grow(node));

  const sum = (node: number, measure: Measure): number => {
    if (frames[node] === ROOT) return measure.sum;
    const column = weights(measure);
    const list = lists[node]!;
    let sum = 0;
    for (let k = starts[node]!; k < stops[node]!; k += 2) sum += column[list[k]!]!;
    return sum;
  };

  const planted = chosen === ROOT ? [] : outermost(tree, chosen);
  plant(chosen, -1, 0, Int32Array.from(planted.flatMap((node) => [node, node])), 0, 2 * planted.length);
  values[0] = sum(0, width);

  return {
    root: 0,
    frame: (node) => frames[node]!,
    parent: (node) => parents[node]!,
    value: (node) => values[node]!,
    sum,
    open(node, least, into) {
      into.begin(least);
      const [first, past] = children(node);
      for (let child = first; child < past; child++) into.add(child, values[child]!);
      into.sort();
    },
    child(node, key) {
      const [first, past] = children(node);
      const found = frames.indexOf(key, first);
      return found < past ? found : -1;
    },
    self(node) {
      if (upwards) return;
      let own = values[node]!;
      const [first, past] = children(node);
      for (let child = first; child < past; child++) own -= values[child]!;
      return Math.max(0, own);
    },
    hidden(node) {
      children(node);
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
