// The toolbar: every control with its accessible name, and how it shows the state.
import { button, el, pairs } from "./dom.ts";
import { VIEWS, WIDTHS, type State } from "./hash.ts";
import type { Model } from "./model.ts";

export interface Commands {
  change(patch: Partial<State>): void;
  back(): void;
  reset(): void;
  step(by: 1 | -1): void;
  toggleTheme(): void;
  download(what: string): void;
}

export interface Controls {
  element: HTMLElement;
  search: HTMLInputElement;
  show(state: State, canGoBack: boolean): void;
  showResult(text: string, wrong: boolean): void;
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
const FILES = ["SVG", "PNG", "speedscope", "collapsed"];

const titled = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

export const makeControls = ({ metrics, header }: Model, commands: Commands): Controls => {
  const views = VIEWS.map((view) => button(titled(view), () => commands.change({ view })));
  const inputs: [keyof State, HTMLInputElement | HTMLSelectElement][] = [];
  const check = (key: keyof State, name?: string): HTMLInputElement => {
    const input = el("input", {
      type: "checkbox",
      "aria-label": name,
      title: name,
      onchange: () => commands.change({ [key]: input.checked }),
    });
    inputs.push([key, input]);
    return input;
  };
  const choice = (name: string, key: keyof State, options: readonly (readonly [string, string])[]): HTMLElement => {
    const input = el(
      "select",
      { onchange: () => commands.change({ [key]: input.value }) },
      ...options.map(([value, text]) => el("option", { value }, text)),
    );
    inputs.push([key, input]);
    return el("label", {}, name, input);
  };
  const search = el("input", {
    type: "search",
    "aria-label": "Search",
    placeholder: "Function or file",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => commands.change({ query: search.value }),
    onkeydown: (event) => event.key === "Enter" && commands.step(event.shiftKey ? -1 : 1),
  });
  const result = el("output", { class: "result" });
  const back = button("Back", commands.back);
  const group = (kind: string, name: string, ...children: (Node | false)[]): HTMLElement =>
    el("div", { class: kind, role: "group", "aria-label": name }, ...children);
  const diff = header.page === "diff";
  const element = group(
    "bar",
    "Controls",
    group("views", "View", ...views),
    choice("Metric ", /* @__KEY__ */ "metric", metrics.map(({ key, label }) => [key, label])),
    diff && choice("Width ", /* @__KEY__ */ "widthBy", WIDTHS.map((key) => [key, titled(key)])),
    diff && choice("Compare ", /* @__KEY__ */ "comparing", [["absolute", "Absolute"], ["share", "Share of the whole"]]),
    el(
      "div",
      { class: "find" },
      search,
      el("label", {}, check(/* @__KEY__ */ "regex", "Regular expression"), ".*"),
      button("‹", () => commands.step(-1), "Previous match"),
      button("›", () => commands.step(1), "Next match"),
      result,
    ),
    el("label", {}, check(/* @__KEY__ */ "hide"), "Hide library frames"),
    el("label", {}, check(/* @__KEY__ */ "fold"), "Fold recursion"),
    back,
    button("Reset zoom", commands.reset),
    menu("Download", ...FILES.map((what) => button(what, () => commands.download(what)))),
    menu("Keys", pairs(KEYS)),
    button("◐", commands.toggleTheme, "Theme"),
  );
  return {
    element,
    search,
    show(state, canGoBack) {
      views.forEach((each, number) => each.setAttribute("aria-pressed", String(VIEWS[number] === state.view)));
      for (const [key, input] of inputs) {
        const value = state[key];
        if (typeof value === "boolean") (input as HTMLInputElement).checked = value;
        else input.value = String(value);
      }
      if (search.value !== state.query) search.value = state.query;
      back.disabled = !canGoBack;
    },
    showResult(text, wrong) {
      result.textContent = text;
      search.setAttribute("aria-invalid", String(wrong));
    },
  };
};

const menu = (name: string, ...children: HTMLElement[]): HTMLElement => {
  const whole = el(
    "details",
    {
      class: "menu",
      onfocusout({ relatedTarget }) {
        if (relatedTarget && !whole.contains(relatedTarget)) whole.open = false;
      },
    },
    el("summary", {}, name),
    el("div", {}, ...children),
  );
  return whole;
};
