// Which trees each view draws, and where a node of the call tree is found in them.
import { callees, callers } from "./grouped.ts";
import type { State } from "./hash.ts";
import type { CallTree } from "./model.ts";
import { floats, max } from "./numbers.ts";
import type { Subject } from "./subject.ts";
import { HIDDEN, topDown, type View } from "./view.ts";

/** A tree to draw, whether its root is the lowest row, and what to call it where there are two. */
export type Drawn = [view: View, up: boolean, title: string][];

export const draw = (state: State, subject: Subject): Drawn => {
  const { tree, shown, measures, frames } = subject;
  const options = { hide: state.hide, fold: state.fold };
  if (state.view === "callers") {
    return [[callers(tree, measures, frames.foreign, options), false, ""]];
  }
  if (state.view === "sandwich") {
    const [above, below] = [callers, callees].map((kind) => kind(tree, measures, frames.foreign, options, state.chosen));
    return [[above!, true, "callers:"], [below!, false, "calls:"]];
  }
  const plain = !state.hide && !state.fold;
  const view = plain ? topDown(tree, shown) : callees(tree, measures, frames.foreign, options);
  return [[view, state.view === "flame", ""]];
};

/** The frames on the way to a node, as the view that is drawn groups them. */
export const pathTo = (state: State, subject: Subject, node: number): number[] => {
  const { tree, shown } = subject;
  if (state.view !== "callers") return grouped(state, subject, upwards(tree, node, -1).reverse());
  // Callers begin with what has a value of its own: the node, or something it calls.
  let source = node;
  while (source < tree.end[node]! && !(shown.self[source]! > 0)) source++;
  return grouped(state, subject, upwards(tree, source, tree.parent[node]!));
};

const upwards = (tree: CallTree, from: number, stop: number): number[] => {
  const path: number[] = [];
  for (let node = from; node >= 0 && node !== stop; node = tree.parent[node]!) path.push(tree.frame[node]!);
  return path;
};

export const grouped = (state: State, subject: Subject, path: readonly number[]): number[] => {
  const found: number[] = [];
  for (const frame of path) {
    const key = state.hide && frame >= 0 && subject.frames.foreign[frame] ? HIDDEN : frame;
    const last = found.at(-1);
    if (key === last && (key === HIDDEN || state.fold)) continue;
    found.push(key);
  }
  return found;
};

/** The function with the largest self value, to begin with. */
export const hottest = ({ tree, shown, frames }: Subject, ownOnly: boolean): number => {
  const sums = floats(frames.count);
  for (let node = 0; node < tree.size; node++) sums[tree.frame[node]!]! += shown.self[node]!;
  let best = -1;
  sums.forEach((sum, frame) => {
    if (!(ownOnly && frames.foreign[frame]) && sum > 0 && (best < 0 || sum > sums[best]!)) best = frame;
  });
  return best < 0 && ownOnly ? hottest({ tree, shown, frames } as Subject, false) : max(0, best);
};
