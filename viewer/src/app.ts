// The page: holds the state, changes it as it is asked to, and has it shown.
import { makeControls } from "./controls.ts";
import { el, on } from "./dom.ts";
import { saver } from "./exports.ts";
import { initialState, makeHash, WHOLE, type Place, type State } from "./hash.ts";
import { press } from "./keys.ts";
import type { Model } from "./model.ts";
import { makeScope } from "./scope.ts";
import { makeStage } from "./stage.ts";
import { beginStep, follow, LATER, pathOf, type View } from "./view.ts";
import { grouped, hottest, pathTo } from "./views.ts";

const MOST_BACK = 200;
const HASH_PAUSE = 150;

export const startApp = (model: Model, root: HTMLElement): void => {
  const { metrics, frames } = model;
  const initial = initialState(metrics[0]?.key ?? "");
  if (!metrics.length) initial.view = "timeline";
  const hash = makeHash(initial, metrics.map(({ key }) => key), frames.count);
  const past: State[] = [];
  const scope = makeScope(model);
  const live = el("div", { class: "spoken", "aria-live": "polite" });
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  let state = hash.read(location.hash);
  let writing: ReturnType<typeof setTimeout> | undefined;

  const say = (text: string): void => {
    live.textContent = text;
  };

  // Texts and other metrics are read while nothing else happens, so that what needs them first is quick too.
  const idle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 50));
  const prepare = (): void => {
    if (!scope.prepare()) idle(prepare);
  };

  /** Bring everything in line with the state. */
  const show = (moved = false, pause = 0, then?: () => void): void => {
    const { dataset } = document.documentElement;
    if (state.theme) dataset["theme"] = state.theme;
    else delete dataset["theme"];
    scope.update(state);
    controls.show(state, past.length > 0);
    controls.showResult(scope.told, !!scope.found?.error);
    stage.show(state, moved, then);
    // Browsers take their time for it, and refuse it when it is asked too often, as in a drag.
    clearTimeout(writing);
    writing = setTimeout(writeHash, pause);
    idle(prepare);
  };

  const writeHash = (): void => {
    const text = hash.write(state);
    if (location.hash.slice(1) === text) return;
    try {
      history.replaceState(null, "", `#${text}`);
    } catch (problem) {
      // A frame without an origin of its own may not change its address: then nothing is shared.
      if (!(problem instanceof DOMException)) throw problem;
    }
  };

  const remember = (): void => {
    past.push(state);
    if (past.length > MOST_BACK) past.shift();
  };

  /** Take a new state on; what the keyboard was on is not there any more. */
  const become = (next: State, moved: boolean, pause = 0, then?: () => void): void => {
    state = next;
    graph.focused = undefined;
    show(moved, pause, then);
  };

  /** Change the state the way a control does; a step that Back undoes if the view changes. */
  const change = (patch: Partial<State>): void => {
    const next = { ...state, ...patch };
    const otherView = next.view !== state.view;
    const upright = [next, state].every(({ view }) => view === "icicle" || view === "flame");
    if (otherView && !upright) next.places = [];
    if (next.view === "sandwich" && next.chosen < 0 && scope.subject) next.chosen = selected();
    if ((next.hide !== state.hide || next.fold !== state.fold) && scope.subject && next.view !== "sandwich") {
      next.places = next.places.map((place) => ({ ...place, path: grouped(next, scope.subject!, place.path) }));
    }
    if (otherView || next.metric !== state.metric) remember();
    become(next, otherView);
  };

  /** The frame that is zoomed or focused, or else the hottest one. */
  const selected = (): number => {
    const { focused: focus, scene } = graph;
    const layout = focus && scene?.bands[focus.band]?.layout;
    const focused = layout && !layout.bucket[focus.box] ? layout.view.frame(layout.node[focus.box]!) : -1;
    const zoomed = state.places[0]?.path.at(-1) ?? -1;
    return focused >= 0 ? focused : zoomed >= 0 ? zoomed : hottest(scope.subject!, state.hide);
  };

  const place = (band: number, there: Place, step = true, then?: () => void): void => {
    if (step) remember();
    const places = scope.drawn!.map((_, each) => (each === band ? there : (state.places[each] ?? WHOLE)));
    become({ ...state, places }, step, step ? 0 : HASH_PAUSE, () => {
      if (!step) return;
      if (document.activeElement === graph.canvas) graph.focused = { band, box: 0 };
      say(`Zoomed. ${stage.sentence({ band, box: 0 })}`);
      then?.();
    });
  };

  const viewOf = (band: number): View => graph.scene!.bands[band]!.layout.view;

  const zoom = (band: number, node: number): void => place(band, { ...WHOLE, path: pathOf(viewOf(band), node) });

  const sandwich = (frame: number): void => {
    if (frame < 0) return;
    remember();
    become({ ...state, view: "sandwich", chosen: frame, places: [] }, true);
    controls.element.scrollIntoView({ block: "nearest" });
    graph.canvas.focus({ preventScroll: true });
    say(`Callers and calls of ${frames.name(frame)}.`);
  };

  /** Bring a node into sight, zooming only as far as that needs. */
  const reveal = (path: number[], then: () => void, tries = 0): void => {
    const view = scope.drawn![0]![0];
    beginStep(true);
    const node = follow(view, path);
    const layout = graph.scene?.bands[0]!.layout;
    const box = node === LATER || layout?.view !== view ? -1 : layout.boxOf(node);
    if (box >= 0) {
      graph.canvas.focus({ preventScroll: true });
      graph.setFocus({ band: 0, box });
      then();
    } else if (tries < 2) {
      const above = tries || node === LATER ? path : path.slice(0, pathOf(view, node).length - 1);
      place(0, { ...WHOLE, path: above }, true, () => reveal(path, then, tries + 1));
    }
  };

  const commands = {
    change,
    back() {
      const before = past.pop();
      if (!before) return;
      become({ ...before, theme: state.theme }, true);
      say("Back.");
    },
    reset() {
      if (state.places.some(({ path, start, end }) => path.length || end - start < 1)) remember();
      become({ ...state, places: [] }, true);
      say("Zoom reset.");
    },
    step(by: 1 | -1) {
      const match = scope.step(by);
      if (!match) return;
      const [node, number, of] = match;
      if (state.view === "table" || state.view === "timeline") change({ view: "icicle" });
      const told = (): void => say(`Match ${number} of ${of}. ${live.textContent}`);
      if (state.view === "sandwich") {
        sandwich(scope.subject!.tree.frame[node]!);
        told();
      } else reveal(pathTo(state, scope.subject!, node), told);
    },
    toggleTheme: () => change({ theme: stage.theme(state).dark ? "light" : "dark" }),
    download(what: string) {
      const { subject } = scope;
      if (!subject) return;
      const pictured = what === "SVG" || what === "PNG";
      if (pictured && stage.element.firstChild !== graph.element) change({ view: "icicle" });
      saver(model, subject, graph, stage.theme(state))(what);
      say(`${what} is downloaded.`);
    },
    range: (band: number, start: number, end: number) => place(band, { ...(state.places[band] ?? WHOLE), start, end }, false),
    search: () => controls.search.focus(),
    sandwich: (band: number, node: number) => sandwich(viewOf(band).frame(node)),
  };

  const controls = makeControls(model, commands);
  const stage = makeStage(model, scope, darkness, {
    zoom,
    place,
    sandwich,
    range: commands.range,
    focused: (mark) => say(`${stage.sentence(mark)}, row ${graph.scene!.bands[mark.band]!.layout.rowOf(mark.box) + 1}`),
    key: (event) => press(event, graph, commands),
    resized: () => stage.show(state),
  });
  const { graph } = stage;
  const print = (begins: boolean) => (): void => {
    graph.paper = begins;
    stage.show(state);
  };

  root.append(controls.element, stage.panel, stage.element, live);
  on(darkness, { change: () => stage.show(state) });
  on(globalThis as unknown as EventTarget, {
    beforeprint: print(true),
    afterprint: print(false),
    hashchange() {
      clearTimeout(writing);
      if (location.hash.slice(1) === hash.write(state)) return;
      remember();
      become(hash.read(location.hash), true);
    },
    keydown(event: KeyboardEvent) {
      const typing = event.target instanceof Element && event.target.matches("input, select, textarea, canvas");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      commands.search();
    },
  });
  show();
};
