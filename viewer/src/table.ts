// The functions of a tree as a table: self and total for each metric.
import { button, el, foreign, placeOf } from "./dom.ts";
import { functionTotals, type FunctionTotals } from "./model.ts";
import { abs, min } from "./numbers.ts";
import type { Subject } from "./subject.ts";
import { count, formatValue, grouped, percent, points, signed, tenths } from "./text.ts";

const PORTION = 100;
const MORE = 1000;

type Of = (frame: number) => number;

interface Column {
  name: string;
  amount: Of;
  text(frame: number): string;
  /** Sorts by the size of the value, whichever its sign. */
  bySize?: boolean;
}

export interface Table {
  element: HTMLElement;
  show(subject: Subject, flags: Uint8Array | undefined, hide: boolean): void;
}

/** `choose` is told the function whose name was pressed. */
export const makeTable = (choose: (frame: number) => void): Table => {
  const element = el("div", { class: "table" });
  let by = "";
  let sign = -1;
  let shown = PORTION;
  let columns: Column[] = [];
  let listed: number[] = [];
  let subject: Subject;

  const head = (title: string): HTMLElement => {
    const active = by === title;
    const sort = (): void => {
      sign = active ? -sign : -1;
      by = title;
      draw();
      element.querySelector<HTMLElement>("th[aria-sort] button")?.focus();
    };
    return el("th", { scope: "col", "aria-sort": active && (sign < 0 ? "descending" : "ascending") }, button(title, sort));
  };

  const draw = (): void => {
    const { frames, metric } = subject;
    const column = columns.find(({ name }) => name === by);
    const key = (frame: number): number => (column!.bySize ? abs(column!.amount(frame)) : column!.amount(frame));
    const byName = (a: number, b: number): number => (frames.name(a) < frames.name(b) ? -1 : +(frames.name(a) > frames.name(b)));
    listed.sort((a, b) => (column ? sign * (key(a) - key(b)) : -sign * byName(a, b)) || a - b);
    const rows = listed.slice(0, shown).map((frame) =>
      el(
        "tr",
        {},
        el(
          "th",
          { scope: "row" },
          button(foreign(frames.name(frame)), () => choose(frame), undefined, { class: "name" }),
          placeOf(frames.place(frame)),
        ),
        ...columns.map(({ text }) => el("td", {}, text(frame))),
      ),
    );
    const more = (): void => {
      shown += MORE;
      draw();
    };
    const left = listed.length - shown;
    element.replaceChildren(
      el(
        "table",
        { "aria-label": `Functions by ${metric.label}` },
        el("caption", {}, `${count(listed.length, "function")}. A name opens its callers and calls.`),
        el("thead", {}, el("tr", {}, ...["Function", ...columns.map(({ name }) => name)].map(head))),
        el("tbody", {}, ...rows),
      ),
      left > 0 ? button(`Show ${grouped(min(left, MORE))} more`, more) : "",
    );
  };

  return {
    element,
    show(next, flags, hide) {
      const { frames, tree, candidate } = next;
      columns = candidate ? diffColumns(next) : plainColumns(next);
      if (next.metric !== subject?.metric || !columns.some(({ name }) => name === by)) {
        by = columns[candidate ? 4 : 2]!.name;
        sign = -1;
      }
      subject = next;
      const used = new Uint8Array(frames.count);
      for (let node = 0; node < tree.size; node++) used[tree.frame[node]!] = 1;
      listed = [];
      used.forEach((one, frame) => {
        if (one && (!flags || flags[frame]) && !(hide && frames.foreign[frame])) listed.push(frame);
      });
      shown = PORTION;
      draw();
    },
  };
};

const plainColumns = (subject: Subject): Column[] => {
  const { metric, tree, frames } = subject;
  const found: Column[] = [];
  const ordered = [metric, ...tree.metrics.filter((other) => other !== metric)];
  for (const each of ordered) {
    const measure = each.side(0);
    const sums = functionTotals(tree, measure, frames.count);
    const suffix = each === metric ? "" : `, ${each.label}`;
    for (const [what, values] of [["Self", sums.self], ["Total", sums.total]] as const) {
      const value = (frame: number): number => values[frame]!;
      found.push({ name: what + suffix, amount: value, text: (frame) => formatValue(each.amount(value(frame)), each.unit) });
      if (each === metric) found.push({ name: `${what} %`, amount: value, text: (frame) => percent(value(frame), measure.sum) });
    }
  }
  return found;
};

const diffColumns = (subject: Subject): Column[] => {
  const { metric, tree, frames } = subject;
  const share = subject.comparing === "share";
  const sums = [subject.baseline, subject.candidate!].map((measure) => functionTotals(tree, measure, frames.count));
  const scales = [subject.baseline, subject.candidate!].map((measure) => (share ? 100 / (measure.sum || 1) : 1));
  const say = (value: number): string => (share ? tenths(value) : formatValue(metric.amount(value), metric.unit));
  const change = (value: number): string =>
    share ? points(value) : signed(metric.amount(value), metric.unit);
  const found: Column[] = [];
  const parts: [string, (of: FunctionTotals) => Float64Array][] = [["Self", (of) => of.self], ["Total", (of) => of.total]];
  for (const [what, part] of parts) {
    const [before, after] = sums.map((of, side) => (frame: number): number => part(of)[frame]! * scales[side]!) as [Of, Of];
    const differs = (frame: number): number => after(frame) - before(frame);
    const mark = (frame: number): string => {
      const [was, is] = sums.map(({ total }) => total[frame]! > 0);
      return was === is ? "" : is ? " (added)" : " (removed)";
    };
    found.push(
      { name: `${what}, baseline`, amount: before, text: (frame) => say(before(frame)) },
      { name: `${what}, candidate`, amount: after, text: (frame) => say(after(frame)) },
      { name: `${what}, change`, amount: differs, bySize: true, text: (frame) => change(differs(frame)) + mark(frame) },
    );
  }
  return [found[3]!, found[4]!, found[0]!, found[1]!, found[2]!, found[5]!];
};
