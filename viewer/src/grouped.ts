// Trees that are grouped by function and grown only where someone looks, and there only as far as
// it can be seen: callers, callees, library frames hidden, recursion folded.
import type { CallTree, Measure } from "./model.ts";
import { floats, ints, max, min } from "./numbers.ts";
import { HIDDEN, late, LATER, PORTION, ROOT, type Folded, type View } from "./view.ts";

/** Numbers in one list of pairs. */
const CHUNK = 1 << 16;
/** Steps that a node takes beside those for its pairs. */
const FEW = 8;
/** Numbers of so many pairs are added up while somebody waits for a tooltip. */
const MOST_SUMMED = 1 << 18;
/** Children are grown some way below what can be seen, for the next zoom or turn of a wheel. */
const FURTHER = 4;

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

const group = (
  tree: CallTree,
  measures: readonly Measure[],
  foreign: Uint8Array,
  { hide, fold }: Options,
  chosen: number,
  upwards: boolean,
): View => {
  const { size, frame, parent, end } = tree;
  const weights = (measure: Measure): Float64Array => (upwards && chosen === ROOT ? measure.self : measure.total);
  const columns = measures.map(weights);
  const weight = columns[0]!;

  // A node is a number, and what is known of it stands in one row of these: objects are many times slower to make and to clear away.
  /** A frame, ROOT or HIDDEN. */
  const frames: number[] = [];
  const above: number[] = [];
  /** Its pairs are a part of a list: a node of the call tree whose value counts, and the one that stands here. */
  const lists: Int32Array[] = [];
  const starts: number[] = [];
  const stops: number[] = [];
  /** Its value in each measure. */
  const sums = columns.map((): number[] => []);
  const totals = sums[0]!;
  /** Its first child and its next sibling, the widest first; 0 is none. */
  const firsts: number[] = [];
  const nexts: number[] = [];
  /** Its children of at least a value are there; how many are narrower, and their value. */
  const leasts: number[] = [];
  const narrows: number[] = [];
  const rests: number[] = [];
  const hidden = new Map<number, Folded>();
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
  /** The node that grows, down to which value, and how far: its next pair, what is next below its last one, what is kept. */
  let growing = -1;
  let goal = 0;
  let next = 0;
  let below = 0;
  let edge = 0;
  let gathered = false;
  let kept = 0;
  /** What the node that is looked at absorbs: hidden frames, or its own again; and what was noted for it already. */
  let key = ROOT;
  let noted: Folded | undefined;
  let turn = 0;
  const notedNodes = ints(size);
  const notedFrames = ints(kindCount);
  /** How many steps a portion has left. */
  let left = 0;

  const plant = (frame: number, parent: number, from: number, to: number): number => {
    above.push(parent);
    lists.push(list);
    starts.push(from);
    stops.push(to);
    firsts.push(0);
    nexts.push(0);
    leasts.push(Infinity);
    narrows.push(0);
    rests.push(0);
    return frames.push(frame) - 1;
  };

  const note = (node: number): void => {
    if (!noted || notedNodes[node] === turn) return;
    notedNodes[node] = turn;
    noted.count++;
    const kind = frame[node]!;
    if (notedFrames[kind] === turn) return;
    notedFrames[kind] = turn;
    noted.frames.push(kind);
  };

  const absorbs = (node: number): boolean => (noted ? !kindOfFrame[frame[node]!] : fold && frame[node] === key);

  /** The nearest caller of a node that is not absorbed, or -1. */
  const rise = (node: number): number => {
    for (note(node); (node = parent[node]!) >= 0 && absorbs(node); left--) note(node);
    return node;
  };

  /** Begin to look at a node; what another one has gathered so far is lost. */
  const turnTo = (node: number): void => {
    turn++;
    growing = -1;
    key = frames[node]!;
    noted = undefined;
    if (key === HIDDEN) hidden.set(node, (noted = { count: 0, frames: [] }));
  };

  /** Go through some pairs of the node that grows; true once all its children's pairs are there. */
  const gather = (node: number): boolean => {
    const root = key === ROOT;
    const from = lists[node]!;
    const stop = root ? (upwards ? size : 0) : stops[node]!;
    let [at, child, last, n] = [next, below, edge, count];
    for (left = PORTION; left > 0; left--) {
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
        source = from[at]!;
        place = from[at + 1]!;
        at += 2;
        if (!upwards) {
          note(place);
          child = place + 1;
          last = end[place]!;
          continue;
        }
        place = rise(place);
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
    return left > 0;
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

  const begin = (node: number, least: number): void => {
    for (const kind of kinds) {
      sizes[kind] = 0;
      for (const heap of heaps) heap[kind] = 0;
    }
    kinds = [];
    count = below = edge = 0;
    gathered = false;
    goal = least;
    next = starts[node]!;
    turnTo(node);
    growing = node;
    if (key === ROOT && !upwards) edge = size;
  };

  /** See that the list has room. */
  const reserve = (room: number): void => {
    if (used + room <= list.length) return;
    list = ints(max(room, CHUNK));
    used = 0;
  };

  const wider = (a: number, b: number): number => heap[b]! - heap[a]!;

  /** Make children of the kinds that are wide enough and were not before. */
  const select = (node: number): void => {
    let room = 0;
    let narrow = 0;
    let rest = 0;
    const fresh: number[] = [];
    for (const kind of kinds) {
      const value = heap[kind]!;
      heads[kind] = -1;
      if (!value || value >= leasts[node]!) continue;
      if (value >= goal) {
        room += sizes[kind]!;
        fresh.push(kind);
      } else {
        narrow++;
        rest += value;
      }
    }
    narrows[node] = narrow;
    rests[node] = rest;
    reserve(room);
    kept = room ? 0 : count;
    let last = 0;
    for (let kid = firsts[node]!; kid; kid = nexts[kid]!) last = kid;
    for (const kind of fresh.sort(wider)) {
      heads[kind] = used;
      used += sizes[kind]!;
      const kid = plant(kind + HIDDEN, node, heads[kind]!, used);
      sums.forEach((sum, k) => sum.push(heaps[k]![kind]!));
      if (last) nexts[last] = kid;
      else firsts[node] = kid;
      last = kid;
    }
  };

  /** See that the children of at least a value are there; false while there is no time for it. */
  const grow = (node: number, least: number): boolean => {
    if (leasts[node]! <= least) return true;
    const start = starts[node]!;
    // Most nodes of callers have one pair, and so one child.
    if (upwards && stops[node] === start + 2) {
      turnTo(node);
      const place = rise(lists[node]![start + 1]!);
      if (place >= 0) {
        reserve(2);
        list[used] = lists[node]![start]!;
        list[used + 1] = place;
        firsts[node] = plant(kindOfFrame[frame[place]!]! + HIDDEN, node, used, (used += 2));
        for (const sum of sums) sum.push(sum[node]!);
      }
      leasts[node] = 0;
      return !late(FEW);
    }
    if (growing !== node || goal > least) begin(node, least / FURTHER);
    if (!gathered) {
      while (!gather(node)) if (late()) return false;
      gathered = true;
      select(node);
    }
    while (!keep()) if (late()) return false;
    leasts[node] = goal;
    growing = -1;
    // Many that are small take their time too; this one is done at the next look.
    return !late(FEW + count);
  };

  if (chosen !== ROOT) list = Int32Array.from(outermost(tree, chosen).flatMap((node) => [node, node]));
  used = list.length;
  plant(chosen, -1, 0, used);
  // Each node is there twice.
  columns.forEach((column, k) => sums[k]!.push(chosen === ROOT ? measures[k]!.sum : list.reduce((sum, node) => sum + column[node]! / 2, 0)));

  return {
    root: 0,
    frame: (node) => frames[node]!,
    parent: (node) => above[node]!,
    total: (node) => totals[node]!,
    sum(node, measure) {
      if (frames[node] === ROOT) return measure.sum;
      const known = sums[measures.indexOf(measure)];
      if (known) return known[node];
      const [start, stop] = [starts[node]!, stops[node]!];
      if (stop - start > MOST_SUMMED) return;
      const column = weights(measure);
      let sum = 0;
      for (let at = start; at < stop; at += 2) sum += column[lists[node]![at]!]!;
      return sum;
    },
    open(node, least, room, use) {
      let known = 0;
      for (let kid = firsts[node]!; kid && known < room; kid = nexts[kid]!) known += totals[kid]!;
      if (known < room && !grow(node, least)) return false;
      let narrow = narrows[node]!;
      let rest = rests[node]!;
      for (let kid = firsts[node]!; kid; kid = nexts[kid]!) {
        const value = totals[kid]!;
        if (value >= least) use(kid, value, 0);
        else {
          narrow++;
          rest += value;
        }
      }
      if (narrow) use(node, rest, narrow);
      return true;
    },
    child(node, key) {
      const find = (): number => {
        let kid = firsts[node]!;
        while (kid && frames[kid] !== key) kid = nexts[kid]!;
        return kid;
      };
      return find() || (grow(node, 0) ? find() || -1 : LATER);
    },
    self(node) {
      if (upwards || leasts[node] === Infinity) return;
      let own = totals[node]! - rests[node]!;
      for (let kid = firsts[node]!; kid; kid = nexts[kid]!) own -= totals[kid]!;
      return max(0, own);
    },
    folded: (node) => hidden.get(node),
    weight: (node) => stops[node]! - starts[node]!,
  };
};

/** The nodes of a function that are not inside another call of it. */
export const outermost = (tree: CallTree, frame: number): number[] => {
  const found: number[] = [];
  for (let i = 0; i < tree.size; ) {
    if (tree.frame[i] === frame) {
      found.push(i);
      i = tree.end[i]!;
    } else i++;
  }
  return found;
};
