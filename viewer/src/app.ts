// The page: holds the state, and shows it.
import { makeTheme, type Theme } from "./colors.ts";
import { Controls } from "./controls.ts";
import { download, el, foreign } from "./dom.ts";
import { collapsed, sceneSvg, speedscope } from "./exports.ts";
import { Graph } from "./graph.ts";
import { initialState, readHash, WHOLE, writeHash, type Place, type State } from "./hash.ts";
import { press } from "./keys.ts";
import { Layout } from "./layout.ts";
import type { Model } from "./model.ts";
import type { Mark } from "./paint.ts";
import { Scene, type Band } from "./scene.ts";
import { matchedValue, matchingNodes, Searcher, type Found } from "./search.ts";
import { Subject } from "./subject.ts";
import { Table } from "./table.ts";
import { count, percent } from "./text.ts";
import { timeline } from "./timeline.ts";
import { follow, pathOf, type View } from "./view.ts";
import { draw, grouped, hottest, pathTo, type Drawn } from "./views.ts";

const MOST_BACK = 200;
const CRUMBS = 6;
const HASH_PAUSE = 150;

export class App {
  private state: State;
  private readonly initial: State;
  private readonly past: State[] = [];
  private readonly controls: Controls;
  private readonly graph: Graph;
  private readonly table: Table;
  private readonly searcher: Searcher;
  private readonly stage = el("div", { class: "stage" });
  private readonly live = el("div", { class: "spoken", "aria-live": "polite" });
  private readonly darkness = matchMedia("(prefers-color-scheme: dark)");
  // What was computed for one state serves the next ones that need the same.
  private subject: Subject | undefined;
  private drawn: Drawn | undefined;
  private drawnFor = "";
  private found: Found | undefined;
  private foundFor = "";
  private matches: number[] | undefined;
  private match = -1;
  private printing = false;
  private writing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    root: HTMLElement,
  ) {
    this.initial = initialState(model.metrics[0]?.key ?? "");
    if (!model.metrics.length) this.initial.view = "timeline";
    this.state = this.readState();
    this.searcher = new Searcher(model.frames);
    this.controls = new Controls(model, {
      change: (patch) => this.change(patch),
      back: () => this.back(),
      reset: () => this.reset(),
      step: (by) => this.step(by),
      toggleTheme: () => this.change({ theme: this.theme().dark ? "light" : "dark" }),
      download: (what) => this.download(what),
    });
    this.graph = new Graph({
      zoom: (band, node) => this.zoom(band, { path: pathOf(this.drawn!.views[band]!, node), from: 0, to: 1 }, true),
      range: (band, from, to) => this.zoom(band, { ...this.place(band), from, to }, false),
      describe: (mark) => this.describe(mark),
      focused: (mark) => this.say(mark),
      key: (event) => this.key(event),
      resized: () => this.render(),
    });
    this.table = new Table((frame) => this.openSandwich(frame));
    root.append(this.controls.element, this.controls.panel, this.stage, this.live);
    this.darkness.addEventListener("change", () => this.render());
    addEventListener("hashchange", () => this.followHash());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    document.addEventListener("keydown", (event) => this.anywhere(event));
    this.show();
    this.prepareSearch();
  }

  private readState(): State {
    const { metrics, frames } = this.model;
    return readHash(location.hash, this.initial, metrics.map((metric) => metric.key), frames.count);
  }

  /** Change the state the way a control does; a step that Back undoes if the view changes. */
  private change(patch: Partial<State>): void {
    const next = { ...this.state, ...patch };
    const regroups = next.hide !== this.state.hide || next.fold !== this.state.fold;
    const otherView = next.view !== this.state.view;
    const upright = [next.view, this.state.view].every((view) => view === "icicle" || view === "flame");
    if (otherView && !upright) next.places = [];
    if (next.view === "sandwich" && next.chosen < 0 && this.subject) next.chosen = this.selected();
    if (regroups && this.subject && next.view !== "sandwich") {
      next.places = next.places.map((place) => ({ ...place, path: grouped(next, this.subject!, place.path) }));
    }
    if (otherView || next.metric !== this.state.metric) this.remember();
    this.state = next;
    this.graph.focus = undefined;
    this.show(otherView);
  }

  private zoom(band: number, place: Place, step: boolean): void {
    if (step) this.remember();
    const places = this.drawn!.views.map((_, each) => (each === band ? place : this.place(each)));
    this.state = { ...this.state, places };
    this.graph.focus = undefined;
    this.show(step, step ? 0 : HASH_PAUSE);
    if (!step) return;
    if (document.activeElement === this.graph.canvas) this.graph.focus = { band, box: 0 };
    this.live.textContent = `Zoomed. ${this.sentence({ band, box: 0 })}`;
    this.graph.repaint();
  }

  private remember(): void {
    this.past.push(this.state);
    if (this.past.length > MOST_BACK) this.past.shift();
  }

  private back(): void {
    const state = this.past.pop();
    if (!state) return;
    this.state = { ...state, theme: this.state.theme };
    this.show(true);
    this.live.textContent = "Back.";
  }

  private reset(): void {
    if (this.state.places.some((place) => place.path.length || place.from || place.to !== 1)) this.remember();
    this.state = { ...this.state, places: [] };
    this.graph.focus = undefined;
    this.show(true);
    this.live.textContent = "Zoom reset.";
  }

  private followHash(): void {
    clearTimeout(this.writing);
    if (location.hash.slice(1) === writeHash(this.state, this.initial)) return;
    this.remember();
    this.state = this.readState();
    this.show(true);
  }

  private place(band: number): Place {
    return this.state.places[band] ?? WHOLE;
  }

  /** The frame that is zoomed or focused, or else the hottest one. */
  private selected(): number {
    const { focus, scene } = this.graph;
    const layout = focus && scene?.bands[focus.band]?.layout;
    const focused = layout && !layout.bucket[focus.box] ? layout.view.frame(layout.node[focus.box]!) : -1;
    if (focused >= 0) return focused;
    const zoomed = this.state.places[0]?.path.at(-1) ?? -1;
    return zoomed >= 0 ? zoomed : hottest(this.subject!, this.state.hide);
  }

  private openSandwich(frame: number): void {
    this.remember();
    this.state = { ...this.state, view: "sandwich", chosen: frame, places: [] };
    this.show(true);
    this.controls.element.scrollIntoView({ block: "nearest" });
    this.graph.canvas.focus({ preventScroll: true });
    this.live.textContent = `Callers and calls of ${this.model.frames.name(frame)}.`;
  }

  private theme(): Theme {
    const dark = !this.printing && (this.state.theme ? this.state.theme === "dark" : this.darkness.matches);
    return makeTheme(dark, this.subject !== undefined && this.subject.metric.unit !== "s");
  }

  /** Bring everything in line with the state. */
  private show(moved = false, pause = 0): void {
    const { state } = this;
    if (state.theme) document.documentElement.dataset.theme = state.theme;
    else delete document.documentElement.dataset.theme;
    this.update();
    this.controls.show(state, this.past.length > 0);
    this.render(moved);
    // Browsers take their time for it, and refuse it when it is asked too often, as in a drag.
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.writeState(), pause);
  }

  private writeState(): void {
    const hash = writeHash(this.state, this.initial);
    if (location.hash.slice(1) === hash) return;
    try {
      history.replaceState(null, "", `#${hash}`);
    } catch (problem) {
      // A frame without an origin of its own may not change its address: then nothing is shared.
      if (!(problem instanceof DOMException)) throw problem;
    }
  }

  /** Compute what the state needs and an earlier one did not. */
  private update(): void {
    const { state, model } = this;
    const metric = model.metrics.find(({ key }) => key === state.metric);
    if (!metric) return;
    const { subject } = this;
    if (subject?.metric !== metric || subject.widthBy !== state.widthBy || subject.comparing !== state.comparing) {
      this.subject = new Subject(metric, model.frames, state.widthBy, state.comparing);
      this.drawnFor = "";
      this.matches = undefined;
    }
    if (state.view === "sandwich" && state.chosen < 0) state.chosen = hottest(this.subject!, state.hide);
    const kind = state.view === "sandwich" ? `${state.chosen}` : "";
    const key = `${state.view}/${kind}/${state.hide}/${state.fold}`;
    if (key !== this.drawnFor) {
      this.drawn = draw(state, this.subject!);
      this.drawnFor = key;
    }
    const search = `${state.regex}/${state.query}`;
    if (search !== this.foundFor) {
      this.foundFor = search;
      this.matches = undefined;
      this.found = state.query ? this.searcher.find(state.query, state.regex) : undefined;
    }
    this.tellFound();
  }

  private tellFound(): void {
    const { found, subject } = this;
    if (!found || found.error || !subject) {
      this.controls.showResult(found?.error ?? "", Boolean(found?.error));
      return;
    }
    const value = matchedValue(subject.tree, subject.width, found.flags);
    const share = percent(value, subject.width.sum);
    this.controls.showResult(
      found.frames ? `${count(found.frames, "function")}, ${share} (${subject.format(value)})` : "no match",
      false,
    );
  }

  private get flags(): Uint8Array | undefined {
    return this.found && !this.found.error ? this.found.flags : undefined;
  }

  private render(moved = false): void {
    const { state, subject } = this;
    if (state.view === "timeline") {
      this.put(timeline(...this.model.header.timeline));
    } else if (!subject || !(subject.width.sum > 0)) {
      this.put(el("p", { class: "empty" }, "Nothing was recorded here."));
    } else if (state.view === "table") {
      this.table.show(subject, this.flags, state.hide);
      this.put(this.table.element);
    } else {
      this.put(this.graph.element);
      this.renderGraph(subject, moved);
    }
    this.crumbs();
  }

  private put(element: HTMLElement): void {
    if (this.stage.firstChild !== element) this.stage.replaceChildren(element);
  }

  private renderGraph(subject: Subject, moved: boolean): void {
    const { views, ups, titles } = this.drawn!;
    const bands: Band[] = [];
    let top = 0;
    views.forEach((view, number) => {
      const { path, from, to } = this.place(number);
      const layout = new Layout(view, { node: follow(view, path), from, to }, this.graph.width);
      // Both halves of a sandwich share the row of the chosen function.
      const shared = number > 0 && !this.state.places.some((place) => place.path.length || place.to - place.from < 1);
      if (shared) top--;
      bands.push({ layout, top, up: ups[number]!, title: titles[number]! });
      top += layout.rows;
    });
    const scene = new Scene(bands, subject, this.flags);
    const meeting = bands.length > 1 ? bands[0]!.layout.rows - 1 : ups[0] ? scene.rows - 1 : 0;
    const label =
      `${this.state.view} graph of ${this.model.header.title}, ${subject.metric.label} ${subject.format(subject.width.sum)}. ` +
      "Arrow keys move, Enter zooms, Escape resets.";
    this.graph.show(scene, this.theme(), label, moved ? meeting : undefined);
  }

  private describe({ band, box }: Mark): { title: string; place: string; facts: [string, string][] } {
    const { layout } = this.graph.scene!.bands[band]!;
    const subject = this.subject!;
    const node = layout.node[box]!;
    const narrow = layout.bucket[box]!;
    if (narrow) {
      const value = (layout.width[box]! / layout.pixels) * (layout.zoom.to - layout.zoom.from) * layout.view.value(layout.zoom.node);
      const of = subject.name(layout.view, node);
      const facts: [string, string][] = [["Together", `${subject.format(value)} (${percent(value, subject.width.sum)})`], ["Under", of]];
      return { title: `${count(narrow, "narrow frame")} together`, place: "", facts };
    }
    const { view, zoom } = layout;
    return { title: subject.name(view, node), place: subject.place(view, node), facts: subject.facts(view, node, zoom.node) };
  }

  private sentence(mark: Mark): string {
    const { title, place, facts } = this.describe(mark);
    return [title, place, ...facts.map(([label, value]) => `${label} ${value}`)].filter(Boolean).join(", ");
  }

  private say(mark: Mark): void {
    const row = this.graph.scene!.bands[mark.band]!.layout.rowOf(mark.box);
    this.live.textContent = `${this.sentence(mark)}, row ${row + 1}`;
  }

  private crumbs(): void {
    const { drawn, state } = this;
    const bands = state.view === "table" || state.view === "timeline" || !drawn || !this.subject ? [] : drawn.views;
    this.controls.panel.replaceChildren(...bands.flatMap((view, band) => this.crumbsOf(view, band)));
  }

  private crumbsOf(view: View, band: number): HTMLElement[] {
    const { path, from, to } = this.place(band);
    const zoomed = follow(view, path);
    const whole = zoomed === view.root && from === 0 && to === 1;
    if (whole && band > 0) return [];
    const frames = pathOf(view, zoomed);
    const name = (length: number): string => {
      const frame = frames[length - 1];
      if (frame === undefined) return this.subject!.name(view, view.root);
      return frame >= 0 ? this.model.frames.name(frame) : "libraries";
    };
    const title = this.drawn!.titles.length > 1 ? `${this.drawn!.titles[band]}: ` : "";
    const items: HTMLElement[] = [];
    for (let length = 0; length <= frames.length; length++) {
      const skipped = frames.length - CRUMBS;
      if (skipped > 1 && length === 1) {
        items.push(el("li", {}, `… ${count(skipped, "frame")} …`));
        length = skipped;
        continue;
      }
      const to = frames.slice(0, length);
      const here = length === frames.length;
      items.push(
        el(
          "li",
          {},
          el(
            "button",
            {
              type: "button",
              "aria-label": `${title}Zoom to ${name(length).slice(0, 200)}`,
              "aria-current": here ? "true" : undefined,
              onclick: () => this.zoom(band, { path: to, from: 0, to: 1 }, true),
            },
            foreign(name(length)),
          ),
        ),
      );
    }
    if (from > 0 || to < 1) items.push(el("li", {}, `${(100 * (to - from)).toPrecision(3)}% of its width`));
    return [el("ol", {}, ...(title ? [el("li", {}, title)] : []), ...items)];
  }

  private step(by: 1 | -1): void {
    const { subject } = this;
    if (!subject || !this.flags || !this.found?.frames) return;
    if (this.state.view === "table" || this.state.view === "timeline") this.change({ view: "icicle" });
    if (!this.matches) {
      this.matches = matchingNodes(subject.tree, subject.width, this.flags);
      this.match = by > 0 ? -1 : 0;
    }
    const total = this.matches.length;
    if (!total) return;
    this.match = (this.match + by + total) % total;
    const node = this.matches[this.match]!;
    if (this.state.view === "sandwich") this.openSandwich(subject.tree.frame[node]!);
    else this.reveal(pathTo(this.state, subject, node));
    this.live.textContent = `Match ${this.match + 1} of ${total}. ${this.live.textContent}`;
  }

  /** Bring a node into sight, zooming only as far as that needs. */
  private reveal(path: number[]): void {
    const view = this.drawn!.views[0]!;
    const node = follow(view, path);
    const box = (): number => this.graph.scene!.bands[0]!.layout.boxOf(node);
    if (box() < 0 && node !== view.root) this.zoom(0, { path: pathOf(view, view.parent(node)), from: 0, to: 1 }, true);
    if (box() < 0) this.zoom(0, { path, from: 0, to: 1 }, true);
    if (box() >= 0) {
      this.graph.canvas.focus({ preventScroll: true });
      this.graph.setFocus({ band: 0, box: box() });
    }
  }

  private key(event: KeyboardEvent): boolean {
    return press(event, this.graph, {
      zoom: (band, node) => this.zoom(band, { path: pathOf(this.drawn!.views[band]!, node), from: 0, to: 1 }, true),
      range: (band, from, to) => this.zoom(band, { ...this.place(band), from, to }, false),
      back: () => this.back(),
      reset: () => this.reset(),
      step: (by) => this.step(by),
      search: () => this.controls.search.focus(),
      sandwich: (band, node) => {
        const frame = this.drawn!.views[band]!.frame(node);
        if (frame >= 0) this.openSandwich(frame);
      },
    });
  }

  private anywhere(event: KeyboardEvent): void {
    const typing = event.target instanceof Element && event.target.matches("input, select, textarea, canvas");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.controls.search.focus();
  }

  private download(what: string): void {
    const { subject, graph } = this;
    if (!subject) return;
    const name = this.model.header.title.replace(/[^\w.-]+/g, "_").slice(0, 100) || "profile";
    if (what === "speedscope") download(`${name}.speedscope.json`, "application/json", speedscope(this.model));
    else if (what === "collapsed") download(`${name}.collapsed.txt`, "text/plain", collapsed(subject));
    else {
      if (!graph.scene || this.stage.firstChild !== graph.element) this.change({ view: "icicle" });
      if (what === "SVG") {
        const text = sceneSvg(graph.scene!, this.theme(), graph.width, (label, room) => graph.cut(label, room));
        download(`${name}.svg`, "image/svg+xml", text);
      } else graph.picture(this.theme()).toBlob((blob) => blob && download(`${name}.png`, "image/png", blob));
    }
    this.live.textContent = `${what} is downloaded.`;
  }

  private print(begins: boolean): void {
    this.printing = begins;
    this.render();
  }

  /** Read the texts to search while nothing else happens, so that the first search is quick too. */
  private prepareSearch(): void {
    const idle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 50));
    const portion = (): void => {
      if (!this.searcher.prepare(20_000)) idle(portion);
    };
    idle(portion);
  }
}
