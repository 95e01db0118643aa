// What a state of the page needs computed; it serves the next states that need the same.
import type { State } from "./hash.ts";
import { functionTotals, type Model } from "./model.ts";
import { makeSearcher, matchedValue, matchingNodes, type Found } from "./search.ts";
import { Subject } from "./subject.ts";
import { count, percent } from "./text.ts";
import { draw, hottest, type Drawn } from "./views.ts";

/** Nodes that are added up at a time while nothing else happens. */
const PORTION = 200_000;

export interface Scope {
  subject: Subject | undefined;
  drawn: Drawn | undefined;
  found: Found | undefined;
  /** What the search found, in words. */
  told: string;
  update(state: State): void;
  /** The next or previous match: its node, its number and how many there are. */
  step(by: 1 | -1): [node: number, number: number, of: number] | undefined;
  /** Do a part of what later steps would have to wait for; true once there is nothing left. */
  prepare(): boolean;
}

export const makeScope = ({ metrics, frames }: Model): Scope => {
  const searcher = makeSearcher(frames);
  let drawnFor = "";
  let foundFor = "";
  let matches: number[] | undefined;
  let match = -1;

  const tell = (): string => {
    const { found, subject } = scope;
    if (!found) return "";
    if (found.error) return found.error;
    if (!found.frames) return "no match";
    const value = matchedValue(subject!.tree, subject!.shown, found.flags);
    return `${count(found.frames, "function")}, ${percent(value, subject!.shown.sum)} (${subject!.format(value)})`;
  };

  const scope: Scope = {
    subject: undefined,
    drawn: undefined,
    found: undefined,
    told: "",
    update(state) {
      const { view, query, widthBy, comparing, hide } = state;
      const metric = metrics.find(({ key }) => key === state.metric);
      if (!metric) return;
      let { subject } = scope;
      let fresh = subject?.metric !== metric || subject.widthBy !== widthBy || subject.comparing !== comparing;
      if (fresh) {
        scope.subject = subject = new Subject(metric, frames, widthBy, comparing);
        drawnFor = "";
      }
      const chosen = view === "sandwich" && (state.chosen < 0 ? (state.chosen = hottest(subject!, hide)) : state.chosen);
      const drawing = [view, chosen, hide, state.fold].join();
      if (drawing !== drawnFor) {
        scope.drawn = draw(state, subject!);
        drawnFor = drawing;
      }
      const search = `${state.regex}/${query}`;
      if (search !== foundFor) {
        foundFor = search;
        fresh = true;
        scope.found = query ? searcher.find(query, state.regex) : undefined;
      }
      if (!fresh) return;
      matches = undefined;
      scope.told = tell();
    },
    step(by) {
      const { found, subject } = scope;
      if (!subject || !found?.frames) return;
      if (!matches) {
        matches = matchingNodes(subject.tree, subject.shown, found.flags!);
        match = by > 0 ? -1 : 0;
      }
      const total = matches.length;
      match = (match + by + total) % total;
      return total ? [matches[match]!, match + 1, total] : undefined;
    },
    prepare: () =>
      searcher.prepare(20_000) &&
      metrics.every((metric) => {
        // Of a diff, the changes too, of the metric that is looked at.
        const sides = metric.sides > 1 && metric === scope.subject?.metric ? 4 : metric.sides;
        for (let side = 0; side < sides; side++) {
          if (!metric.prepare(side, PORTION)) return false;
          if (functionTotals(metric.tree, metric.side(side), frames.count, PORTION).count < metric.tree.size) return false;
        }
        return true;
      }),
  };
  return scope;
};
