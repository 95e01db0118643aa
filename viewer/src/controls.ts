// The toolbar: every control with its accessible name, and how it shows the state.
import { el } from "./dom.ts";
import { VIEWS, type State, type ViewName } from "./hash.ts";
import type { Model } from "./model.ts";

export interface Commands {
  change(patch: Partial<State>): void;
  back(): void;
  reset(): void;
  step(by: 1 | -1): void;
  toggleTheme(): void;
  download(what: string): void;
}

const KEYS: [string, string][] = [
  ["Arrows", "move among frames"],
  ["Enter", "zoom to the frame"],
  ["Backspace", "back"],
  ["Escape", "reset the zoom"],
  ["Home", "to the outermost frame"],
  ["+ −", "widen, narrow"],
  ["Shift + arrows", "pan"],
  ["s", "sandwich of the frame"],
  ["/", "search"],
  ["n, N", "next match, previous match"],
];

const label = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

export class Controls {
  readonly element: HTMLElement;
  readonly search: HTMLInputElement;
  readonly panel = el("nav", { class: "path", "aria-label": "Zoomed to" });
  private readonly result = el("output", { class: "result" });
  private readonly views = new Map<ViewName, HTMLButtonElement>();
  private readonly metric: HTMLSelectElement;
  private readonly widthBy: HTMLSelectElement;
  private readonly comparing: HTMLSelectElement;
  private readonly regex: HTMLInputElement;
  private readonly hide: HTMLInputElement;
  private readonly fold: HTMLInputElement;
  private readonly backButton: HTMLButtonElement;

  constructor(model: Model, commands: Commands) {
    for (const view of VIEWS) {
      this.views.set(view, el("button", { type: "button", onclick: () => commands.change({ view }) }, label(view)));
    }
    const check = (key: "regex" | "hide" | "fold", name?: string): HTMLInputElement =>
      el("input", {
        type: "checkbox",
        "aria-label": name,
        onchange: (event) => commands.change({ [key]: (event.target as HTMLInputElement).checked }),
      });
    this.regex = check("regex", "Regular expression");
    this.hide = check("hide");
    this.fold = check("fold");
    this.metric = choice(
      model.metrics.map(({ key, label: text }) => [key, text]),
      (metric) => commands.change({ metric }),
    );
    this.widthBy = choice(
      ["candidate", "baseline", "change"].map((key) => [key, label(key)]),
      (key) => commands.change({ widthBy: key as State["widthBy"] }),
    );
    this.comparing = choice(
      [["absolute", "Absolute"], ["share", "Share of the whole"]],
      (key) => commands.change({ comparing: key as State["comparing"] }),
    );
    this.search = el("input", {
      type: "search",
      "aria-label": "Search",
      placeholder: "Function or file",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => commands.change({ query: this.search.value }),
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "Enter") commands.step(event.shiftKey ? -1 : 1);
      },
    });
    this.backButton = button("Back", () => commands.back());
    const diff = model.header.page === "diff";
    this.element = el(
      "div",
      { class: "bar", role: "group", "aria-label": "Controls" },
      el("div", { class: "views", role: "group", "aria-label": "View" }, ...this.views.values()),
      el("label", {}, "Metric ", this.metric),
      diff ? el("label", {}, "Width ", this.widthBy) : undefined,
      diff ? el("label", {}, "Compare ", this.comparing) : undefined,
      el(
        "div",
        { class: "find" },
        this.search,
        el("label", { class: "regex", title: "Regular expression" }, this.regex, ".*"),
        button("‹", () => commands.step(-1), "Previous match"),
        button("›", () => commands.step(1), "Next match"),
        this.result,
      ),
      el("label", {}, this.hide, "Hide library frames"),
      el("label", {}, this.fold, "Fold recursion"),
      this.backButton,
      button("Reset zoom", () => commands.reset()),
      menu("Download", ...["SVG", "PNG", "speedscope", "collapsed"].map((what) => button(what, () => commands.download(what)))),
      menu("Keys", el("dl", {}, ...KEYS.flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)]))),
      button("◐", () => commands.toggleTheme(), "Theme"),
    );
  }

  show(state: State, canGoBack: boolean): void {
    for (const [view, each] of this.views) each.setAttribute("aria-pressed", String(view === state.view));
    this.metric.value = state.metric;
    this.widthBy.value = state.widthBy;
    this.comparing.value = state.comparing;
    if (this.search.value !== state.query) this.search.value = state.query;
    this.regex.checked = state.regex;
    this.hide.checked = state.hide;
    this.fold.checked = state.fold;
    this.backButton.disabled = !canGoBack;
  }

  showResult(text: string, wrong: boolean): void {
    this.result.textContent = text;
    this.search.setAttribute("aria-invalid", String(wrong));
  }
}

function button(text: string, press: () => void, name?: string): HTMLButtonElement {
  return el("button", { type: "button", "aria-label": name, title: name, onclick: press }, text);
}

function choice(options: string[][], pick: (key: string) => void): HTMLSelectElement {
  return el(
    "select",
    { onchange: (event) => pick((event.target as HTMLSelectElement).value) },
    ...options.map(([value, text]) => el("option", { value: value! }, text)),
  );
}

function menu(name: string, ...children: HTMLElement[]): HTMLElement {
  const whole = el("details", { class: "menu" }, el("summary", {}, name), el("div", {}, ...children));
  whole.addEventListener("focusout", (event) => {
    const next = (event as FocusEvent).relatedTarget;
    if (next && !whole.contains(next as Node)) whole.open = false;
  });
  return whole;
}
