// What is looked at: one metric of one tree, measured in one way, and what can be said of a node.
import type { CallTree, Frames, Measure, Metric } from "./model.ts";
import { max } from "./numbers.ts";
import { count, formatValue, percent, points, signed } from "./text.ts";
import { HIDDEN, ROOT, type View } from "./view.ts";

export type WidthBy = "baseline" | "candidate" | "change";
export type Comparing = "absolute" | "share";

export class Subject {
  readonly tree: CallTree;
  /** What the widths show. */
  readonly shown: Measure;
  readonly baseline: Measure;
  /** The candidate's values in a diff. */
  readonly candidate: Measure | undefined;
  /** What the views add up: widths, and what colours tell. */
  readonly measures: readonly Measure[];

  constructor(
    readonly metric: Metric,
    readonly frames: Frames,
    readonly widthBy: WidthBy,
    readonly comparing: Comparing,
  ) {
    this.tree = metric.tree;
    this.baseline = metric.side(0);
    this.candidate = metric.sides > 1 ? metric.side(1) : undefined;
    this.shown =
      !this.candidate || widthBy === "baseline"
        ? this.baseline
        : widthBy === "candidate"
          ? this.candidate
          : metric.change(comparing === "share");
    this.measures = [...new Set([this.shown, this.baseline, this.candidate ?? this.baseline])];
  }

  format(steps: number): string {
    return formatValue(this.metric.amount(steps), this.metric.unit);
  }

  name(view: View, node: number): string {
    const frame = view.frame(node);
    if (frame >= 0) return this.frames.name(frame);
    if (frame === ROOT) return "all";
    const hidden = view.folded(node);
    return hidden ? `${count(hidden.count, "frame")} hidden (${this.libraries(hidden.frames)})` : "";
  }

  place(view: View, node: number): string {
    const frame = view.frame(node);
    return frame >= 0 ? this.frames.place(frame) : "";
  }

  /** How much a node changed: from -1, gone, to 1, new. */
  change(view: View, node: number): number {
    const [before, after] = this.pair(view, node);
    const larger = max(before, after);
    return larger > 0 ? (after - before) / larger : 0;
  }

  /** Label and value of everything that is known about a node. */
  facts(view: View, node: number, zoomed: number): [string, string][] {
    const { metric, shown, baseline, candidate } = this;
    const value = view.total(node);
    const facts: [string, string][] = [];
    if (candidate) {
      const before = view.sum(node, baseline)!;
      const after = view.sum(node, candidate)!;
      const relative = before > 0 ? (after > 0 ? `, ${(after / before).toFixed(2)} times` : ", removed") : after > 0 ? ", added" : "";
      facts.push(
        ["Baseline", this.withShare(before, baseline)],
        ["Candidate", this.withShare(after, candidate)],
        ["Change", signed(metric.amount(after - before), metric.unit) + relative],
        ["Change in share", points((100 * after) / (candidate.sum || 1) - (100 * before) / (baseline.sum || 1))],
      );
    } else facts.push([metric.label, this.format(value)], ["Of total", percent(value, shown.sum)]);
    const parent = node === view.root ? -1 : view.parent(node);
    if (parent >= 0) facts.push(["Of parent", percent(value, view.total(parent))]);
    if (zoomed !== view.root && zoomed !== node) facts.push(["Of what is shown", percent(value, view.total(zoomed))]);
    if (!candidate) {
      const own = view.self(node);
      if (own !== undefined) facts.push(["Self", this.withShare(own, shown)]);
      for (const other of this.tree.metrics) {
        // Nothing waits for the other metrics of a large tree; they are read soon after the page shows.
        if (other === metric || !other.prepare(0)) continue;
        const measure = other.side(0);
        const sum = view.sum(node, measure);
        if (sum === undefined) continue;
        facts.push([other.label, `${formatValue(other.amount(sum), other.unit)} (${percent(sum, measure.sum)})`]);
      }
    }
    const frame = view.frame(node);
    if (frame >= 0 && this.frames.origin(frame)) facts.push(["Library", this.frames.origin(frame)]);
    if (frame === HIDDEN) facts.push(["Libraries", this.libraries(view.folded(node)?.frames ?? [], 12)]);
    return facts;
  }

  private pair(view: View, node: number): [number, number] {
    const before = view.sum(node, this.baseline)!;
    const after = this.candidate ? view.sum(node, this.candidate)! : before;
    if (this.comparing === "absolute" || !this.candidate) return [before, after];
    return [before / (this.baseline.sum || 1), after / (this.candidate.sum || 1)];
  }

  private withShare(value: number, of: Measure): string {
    return `${this.format(value)} (${percent(value, of.sum)})`;
  }

  private libraries(frames: number[], most = 3): string {
    const names = new Map<string, number>();
    for (const frame of frames) {
      const name = this.frames.origin(frame);
      names.set(name, (names.get(name) ?? 0) + 1);
    }
    const sorted = [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    return sorted.length > most ? `${sorted.slice(0, most).join(", ")}, …` : sorted.join(", ");
  }
}
