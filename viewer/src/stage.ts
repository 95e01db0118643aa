// What stands below the controls: a graph with its breadcrumbs, the table or the timeline.
import { makeTheme, type Theme } from "./colors.ts";
import { crumbs } from "./crumbs.ts";
import { el, paragraph } from "./dom.ts";
import { makeGraph, type Graph, type Wishes } from "./graph.ts";
import { WHOLE, type Place, type State } from "./hash.ts";
import { Layout, type Zoom } from "./layout.ts";
import type { Model } from "./model.ts";
import type { Mark } from "./paint.ts";
import { Scene, type Band } from "./scene.ts";
import type { Scope } from "./scope.ts";
import { makeTable } from "./table.ts";
import { count, percent } from "./text.ts";
import { timeline } from "./timeline.ts";
import type { Details } from "./tooltip.ts";
import { follow, ROOT } from "./view.ts";

export interface Stage {
  element: HTMLElement;
  panel: HTMLElement;
  graph: Graph;
  /** Show the state; `moved` brings the first row into sight. */
  show(state: State, moved?: boolean): void;
  /** The theme that a state asks for. */
  theme(state: State): Theme;
  /** A frame in one sentence. */
  sentence(mark: Mark): string;
}

export interface StageWishes extends Omit<Wishes, "describe"> {
  sandwich(frame: number): void;
  place(band: number, place: Place): void;
}

export function makeStage({ header, frames }: Model, scope: Scope, darkness: MediaQueryList, wishes: StageWishes): Stage {
  const element = el("div", { class: "stage" });
  const panel = el("nav", { class: "path", "aria-label": "Zoomed to" });
  const table = makeTable(wishes.sandwich);

  const describe = ({ band, box }: Mark): Details => {
    const { view, zoom, node: nodes, bucket, width, pixels } = graph.scene!.bands[band]!.layout;
    const subject = scope.subject!;
    const node = nodes[box]!;
    const title = subject.name(view, node);
    const narrow = bucket[box]!;
    if (!narrow) return { title, place: subject.place(view, node), facts: subject.facts(view, node, zoom.node) };
    const value = (width[box]! / pixels) * (zoom.to - zoom.from) * view.value(zoom.node);
    const together = `${subject.format(value)} (${percent(value, subject.width.sum)})`;
    return { title: `${count(narrow, "narrow frame")} together`, place: "", facts: [["Together", together], ["Under", title]] };
  };

  const graph = makeGraph({ ...wishes, describe });

  const put = (shown: HTMLElement): void => {
    if (element.firstChild !== shown) element.replaceChildren(shown);
  };

  const theme = (state: State): Theme => {
    const dark = !graph.paper && (state.theme ? state.theme === "dark" : darkness.matches);
    return makeTheme(dark, scope.subject !== undefined && scope.subject.metric.unit !== "s");
  };

  const draw = (state: State, moved: boolean): void => {
    const subject = scope.subject!;
    const drawn = scope.drawn!;
    const zooms = drawn.map(([view], number): Zoom => {
      const { path, from, to } = state.places[number] ?? WHOLE;
      return { node: follow(view, path), from, to };
    });
    const whole = zooms.map(({ node, from, to }, number) => node === drawn[number]![0].root && to - from === 1);
    const bands: Band[] = [];
    let top = 0;
    drawn.forEach(([view, up], number) => {
      const layout = new Layout(view, zooms[number]!, graph.element.clientWidth);
      // Both halves of a sandwich share the row of the chosen function.
      if (number > 0 && whole.every(Boolean)) top--;
      bands.push({ layout, top, up });
      top += layout.rows;
    });
    const scene = new Scene(bands, subject, scope.found?.flags);
    const meeting = bands.length > 1 ? bands[0]!.layout.rows - 1 : bands[0]!.up ? scene.rows - 1 : 0;
    const label =
      `${state.view} graph of ${header.title}, ${subject.metric.label} ${subject.format(subject.width.sum)}. ` +
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
            (path) => wishes.place(band, { path, from: 0, to: 1 }),
          ),
        )
        .filter((_, band) => band === 0 || !whole[band]),
    );
  };

  return {
    element,
    panel,
    graph,
    theme,
    show(state, moved = false) {
      const { subject } = scope;
      const flags = scope.found?.flags;
      panel.replaceChildren();
      if (state.view === "timeline") put(timeline(...header.timeline));
      else if (!subject || !(subject.width.sum > 0)) put(paragraph("empty", "Nothing was recorded here."));
      else if (state.view === "table") {
        table.show(subject, flags, state.hide);
        put(table.element);
      } else {
        put(graph.element);
        draw(state, moved);
      }
    },
    sentence(mark) {
      const { title, place, facts } = describe(mark);
      return [title, place, ...facts.map(([label, value]) => `${label} ${value}`)].filter(Boolean).join(", ");
    },
  };
}
