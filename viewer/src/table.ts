// The functions of a tree as a table: self and total for each metric.
import { el, foreign } from "./dom.ts";
import { functionTotals, type FunctionTotals } from "./model.ts";
import type { Subject } from "./subject.ts";
import { count, formatValue, percent, points, signed } from "./text.ts";

const PORTION = 200;

interface Column {
  title: string;
  value(frame: number): number;
  text(frame: number): string;
  /** Sorts by the size of the value, whichever its sign. */
  bySize?: boolean;
}

export class Table {
  readonly element = el("div", { class: "table" });
  private sorted = { title: "", descending: true };
  private shown = PORTION;
  private columns: Column[] = [];
  private frames: number[] = [];
  private subject: Subject | undefined;

  /** `choose` is told the function whose name was pressed. */
  constructor(private readonly choose: (frame: number) => void) {}

  show(subject: Subject, flags: Uint8Array | undefined, hide: boolean): void {
    const { frames } = subject;
    const fresh = this.subject?.metric !== subject.metric;
    this.subject = subject;
    this.columns = subject.candidate ? diffColumns(subject) : columns(subject);
    if (fresh || !this.columns.some((column) => column.title === this.sorted.title)) {
      this.sorted = { title: this.columns[subject.candidate ? 4 : 2]!.title, descending: true };
    }
    const used = new Uint8Array(frames.count);
    for (let node = 0; node < subject.tree.size; node++) used[subject.tree.frame[node]!] = 1;
    this.frames = [];
    for (let frame = 0; frame < frames.count; frame++) {
      if (used[frame] && (!flags || flags[frame]) && !(hide && frames.foreign[frame])) this.frames.push(frame);
    }
    this.shown = PORTION;
    this.draw();
  }

  private draw(): void {
    const { frames } = this.subject!;
    const by = this.columns.find((column) => column.title === this.sorted.title);
    const sign = this.sorted.descending ? -1 : 1;
    const key = (frame: number): number => (by!.bySize ? Math.abs(by!.value(frame)) : by!.value(frame));
    this.frames.sort(
      by
        ? (a, b) => sign * (key(a) - key(b)) || a - b
        : (a, b) => -sign * (frames.name(a) < frames.name(b) ? -1 : frames.name(a) > frames.name(b) ? 1 : a - b),
    );
    const rows = this.frames.slice(0, this.shown).map((frame) =>
      el(
        "tr",
        {},
        el(
          "th",
          { scope: "row" },
          el("button", { class: "name", onclick: () => this.choose(frame) }, foreign(frames.name(frame))),
          el("span", { class: "place" }, foreign(frames.place(frame))),
        ),
        ...this.columns.map((column) => el("td", {}, column.text(frame))),
      ),
    );
    const heads = ["Function", ...this.columns.map((column) => column.title)].map((title) => this.head(title));
    const left = this.frames.length - this.shown;
    this.element.replaceChildren(
      el(
        "table",
        { "aria-label": `Functions by ${this.subject!.metric.label}` },
        el("caption", {}, `${count(this.frames.length, "function")}. A name opens its callers and calls.`),
        el("thead", {}, el("tr", {}, ...heads)),
        el("tbody", {}, ...rows),
      ),
      ...(left > 0 ? [el("button", { onclick: () => this.more() }, `Show ${count(Math.min(left, 1000), "more")}`)] : []),
    );
  }

  private more(): void {
    this.shown += 1000;
    this.draw();
  }

  private head(title: string): HTMLElement {
    const active = this.sorted.title === title;
    const sort = active ? (this.sorted.descending ? "descending" : "ascending") : undefined;
    const press = (): void => {
      this.sorted = { title, descending: active ? !this.sorted.descending : true };
      this.draw();
      this.element.querySelector<HTMLElement>("th[aria-sort] button")?.focus();
    };
    return el("th", { scope: "col", "aria-sort": sort }, el("button", { onclick: press }, title));
  }
}

function columns(subject: Subject): Column[] {
  const { metric, tree, frames } = subject;
  const found: Column[] = [];
  const ordered = [metric, ...tree.metrics.filter((other) => other !== metric)];
  for (const each of ordered) {
    const measure = each.side(0);
    const sums = functionTotals(tree, measure, frames.count);
    const suffix = each === metric ? "" : `, ${each.label}`;
    for (const [what, values] of [["Self", sums.self], ["Total", sums.total]] as const) {
      const value = (frame: number): number => values[frame]!;
      found.push({ title: what + suffix, value, text: (frame) => formatValue(each.amount(value(frame)), each.unit) });
      if (each === metric) found.push({ title: `${what} %`, value, text: (frame) => percent(value(frame), measure.sum) });
    }
  }
  return found;
}

function diffColumns(subject: Subject): Column[] {
  const { metric, tree, frames } = subject;
  const share = subject.comparing === "share";
  const sums = [subject.baseline, subject.candidate!].map((measure) => functionTotals(tree, measure, frames.count));
  const scales = [subject.baseline, subject.candidate!].map((measure) => (share ? 100 / (measure.sum || 1) : 1));
  const say = (value: number): string => (share ? `${value.toFixed(1)}%` : formatValue(metric.amount(value), metric.unit));
  const change = (value: number): string =>
    share ? points(value) : signed(metric.amount(value), metric.unit);
  const found: Column[] = [];
  for (const what of ["Self", "Total"] as const) {
    const part = what.toLowerCase() as keyof FunctionTotals;
    const before = (frame: number): number => sums[0]![part][frame]! * scales[0]!;
    const after = (frame: number): number => sums[1]![part][frame]! * scales[1]!;
    const differs = (frame: number): number => after(frame) - before(frame);
    const mark = (frame: number): string => {
      if (sums[0]!.total[frame] === 0 && sums[1]!.total[frame]! > 0) return " (added)";
      return sums[1]!.total[frame] === 0 && sums[0]!.total[frame]! > 0 ? " (removed)" : "";
    };
    found.push(
      { title: `${what}, baseline`, value: before, text: (frame) => say(before(frame)) },
      { title: `${what}, candidate`, value: after, text: (frame) => say(after(frame)) },
      { title: `${what}, change`, value: differs, bySize: true, text: (frame) => change(differs(frame)) + mark(frame) },
    );
  }
  return [found[3]!, found[4]!, found[0]!, found[1]!, found[2]!, found[5]!];
}
