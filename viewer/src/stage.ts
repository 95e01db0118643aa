// What stands below the controls: a graph with its breadcrumbs, the table or the timeline.
import { makeTheme, type Theme } from "./colors.ts";
import { crumbs } from "./crumbs.ts";
import { el, paragraph } from "./dom.ts";
import { makeGraph, type Graph, type Wishes } from "./graph.ts";
import { WHOLE, type Place, type State } from "./hash.ts";
import { Layout, type Zoom } from "./layout.ts";
import type { Model } from "./model.ts";
import { makeScene, type Band, type Mark } from "./scene.ts";
import type { Scope } from "./scope.ts";
import { makeTable } from "./table.ts";
import { percent } from "./text.ts";
import { timeline } from "./timeline.ts";
import type { Details } from "./tooltip.ts";
import { beginStep, clock, follow, late, LATER, ROOT } from "./view.ts";

/** Milliseconds until a graph that takes long is shown as far as it is. */
const PATIENCE = 100;
/** Milliseconds after the last change until the page reads ahead, and between two steps of that. */
const REST = 300;
/** So many groups are read ahead, of those for which more than this has to be added up. */
const MOST_AHEAD = 24;
const HEAVY = 512;
/** Less than this is added up soon enough when it is asked for, and there are very many of them. */
const LIGHT = 16;
const PAUSE = 20;

export interface Stage {
  element: HTMLElement;
  panel: HTMLElement;
  graph: Graph;
  /** Show the state, and do something then; `moved` brings the first row into sight. */
  show(state: State, moved?: boolean, then?: () => void): void;
  /** The theme that a state asks for. */
  theme(state: State): Theme;
  /** A frame in one sentence. */
  sentence(mark: Mark): string;
}

export interface StageWishes extends Omit<Wishes, "describe"> {
  sandwich(frame: number): void;
  place(band: number, place: Place): void;
}

export const makeStage = ({ header, frames }: Model, scope: Scope, darkness: MediaQueryList, wishes: StageWishes): Stage => {
  const element = el("div", { class: "stage" });
  const panel = el("nav", { class: "path", "aria-label": "Zoomed to" });
  const table = makeTable(wishes.sandwich);

  const describe = ({ band, box }: Mark): Details => {
    const { view, zoom, node: nodes, bucket, wide, pixels } = graph.scene!.bands[band]!.layout;
    const subject = scope.subject!;
    const node = nodes[box]!;
    const name = subject.name(view, node);
    if (!bucket[box]) return { name, place: subject.place(view, node), facts: subject.facts(view, node, zoom.node) };
    const value = (wide[box]! / pixels) * (zoom.end - zoom.start) * view.total(zoom.node);
    const together = `${subject.format(value)} (${percent(value, subject.shown.sum)})`;
    return { name: graph.scene!.label(band, box), place: "", facts: [["Together", together], ["Under", name]] };
  };

  const graph = makeGraph({ ...wishes, describe });

  const put = (shown: HTMLElement): void => {
    if (element.firstChild !== shown) element.replaceChildren(shown);
  };

  const theme = (state: State): Theme => {
    const dark = !graph.paper && (state.theme ? state.theme === "dark" : darkness.matches);
    return makeTheme(dark, scope.subject !== undefined && scope.subject.metric.unit !== "s");
  };

  let layouts: Layout[] = [];
  let frame = 0;
  let resting: ReturnType<typeof setTimeout> | undefined;
  let ahead: Layout[] = [];

  /** Add up what a zoom to one of the largest groups would show, while nothing is asked for. */
  const readAhead = (): void => {
    beginStep(true);
    while (ahead[0]?.proceed(LIGHT) && !late()) ahead.shift();
    if (ahead.length) resting = setTimeout(readAhead, PAUSE);
  };

  /** Add up as much as there is time for in this frame, and the rest in the next ones; draw it at the end, and now and then. */
  const draw = (state: State, moved: boolean, then?: () => void, shown = clock(), ready = false): void => {
    const subject = scope.subject!;
    const drawn = scope.drawn!;
    beginStep(!graph.paper);
    const zooms = drawn.map(([view], number): Zoom => {
      const { path, start, end } = state.places[number] ?? WHOLE;
      return { node: follow(view, path), start, end };
    });
    const found = zooms.every(({ node }) => node !== LATER);
    if (found && !layouts.length) layouts = zooms.map((zoom, number) => new Layout(drawn[number]![0], zoom, graph.element.clientWidth));
    const done = found && layouts.map((layout) => layout.proceed()).every(Boolean);
    // What took long to add up is painted in a frame of its own. In the plain tree, whose root is its last node, nothing is.
    const busy = !done || (!ready && !drawn[0]![0].root && late());
    const now = clock();
    const due = found && now - shown > PATIENCE;
    if (busy) frame = requestAnimationFrame(() => draw(state, moved, then, due ? now : shown, done));
    graph.canvas.ariaBusy = String(busy);
    if (busy && !due) return;
    const whole = zooms.map(({ node, start, end }, number) => node === drawn[number]![0].root && end - start === 1);
    const bands: Band[] = [];
    let top = 0;
    drawn.forEach(([, up], number) => {
      const layout = layouts[number]!;
      // Both halves of a sandwich share the row of the chosen function.
      if (number > 0 && whole.every(Boolean)) top--;
      bands.push({ layout, top, up });
      top += layout.rows;
    });
    const scene = makeScene(bands, subject, scope.found?.flags);
    const meeting = bands.length > 1 ? bands[0]!.layout.rows - 1 : bands[0]!.up ? scene.rows - 1 : 0;
    const label =
      `${state.view} graph of ${header.title}, ${subject.metric.label} ${subject.format(subject.shown.sum)}. ` +
      "Arrow keys move, Enter zooms, Escape resets.";
    graph.show(scene, theme(state), label, moved ? meeting : undefined);
    panel.replaceChildren(
      ...drawn
        .map(([view, , title], band) =>
          crumbs(
            view,
            zooms[band]!,
            title,
            (frame) => (frame >= 0 ? frames.name(frame) : frame === ROOT ? "all" : "libraries"),
            (path) => wishes.place(band, { path, start: 0, end: 1 }),
          ),
        )
        .filter((_, band) => band === 0 || !whole[band]),
      busy ? paragraph("result", "Adding up…") : "",
    );
    if (!busy) {
      then?.();
      resting = setTimeout(() => {
        ahead = layouts.flatMap(({ view, node, pixels }) =>
          [...new Set(node)]
            .filter((each) => view.weight(each) > HEAVY)
            .sort((a, b) => view.weight(b) - view.weight(a))
            .slice(0, MOST_AHEAD)
            .map((node) => new Layout(view, { node, start: 0, end: 1 }, pixels)),
        );
        readAhead();
      }, REST);
    }
    graph.paintNow();
  };

  return {
    element,
    panel,
    graph,
    theme,
    show(state, moved = false, then) {
      const { subject } = scope;
      cancelAnimationFrame(frame);
      clearTimeout(resting);
      layouts = [];
      const flags = scope.found?.flags;
      if (state.view === "timeline") put(timeline(...header.timeline));
      else if (!subject || !(subject.shown.sum > 0)) put(paragraph("empty", "Nothing was recorded here."));
      else if (state.view === "table") {
        table.show(subject, flags, state.hide);
        put(table.element);
      } else {
        put(graph.element);
        draw(state, moved, then);
      }
      if (element.firstChild !== graph.element) panel.replaceChildren();
    },
    sentence(mark) {
      const { name, place, facts } = describe(mark);
      return [name, place, ...facts.map(([label, value]) => `${label} ${value}`)].filter(Boolean).join(", ");
    },
  };
};
