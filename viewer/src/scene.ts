// A picture before it is painted: bands of boxes with fills and labels, in rows of one height.
import { BUCKET_FILL, HIDDEN_FILL, LEVELS, LIBRARY, MATCH_FILL, OWN, ROOT_FILL, SAME } from "./colors.ts";
import type { Layout } from "./layout.ts";
import type { Subject } from "./subject.ts";
import { count, elide, visible } from "./text.ts";
import { HIDDEN, ROOT } from "./view.ts";

export const ROW = 20;
const LONGEST = 400;

export interface Band {
  layout: Layout;
  /** The row in the scene where the band begins. */
  top: number;
  /** Whether its first row is the lowest. */
  up: boolean;
}

export class Scene {
  readonly rows: number;
  /** Whether anything is searched for: then what does not match is dimmed. */
  readonly searching: boolean;
  private readonly fills: Uint8Array[];
  private readonly labels: (string | undefined)[][];

  constructor(
    readonly bands: Band[],
    readonly subject: Subject,
    private readonly flags: Uint8Array | undefined,
  ) {
    this.rows = Math.max(1, ...bands.map((band) => band.top + band.layout.rows));
    this.searching = flags !== undefined;
    this.fills = bands.map((band) => new Uint8Array(band.layout.node.length));
    this.labels = bands.map(() => []);
  }

  /** The scene's row of a band's row. */
  row(band: Band, row: number): number {
    return band.up ? band.top + band.layout.rows - 1 - row : band.top + row;
  }

  hit(x: number, y: number): { band: number; box: number } | undefined {
    const row = Math.floor(y / ROW);
    for (let number = this.bands.length - 1; number >= 0; number--) {
      const band = this.bands[number]!;
      const box = band.layout.at(band.up ? band.top + band.layout.rows - 1 - row : row - band.top, x);
      if (box >= 0) return { band: number, box };
    }
    return undefined;
  }

  matches(band: number, box: number): boolean {
    const { layout } = this.bands[band]!;
    if (!this.flags || layout.bucket[box]) return false;
    const node = layout.node[box]!;
    const frame = layout.view.frame(node);
    if (frame >= 0) return this.flags[frame] === 1;
    if (frame !== HIDDEN) return false;
    for (const hidden of layout.view.hidden(node)?.frames ?? []) if (this.flags[hidden]) return true;
    return false;
  }

  /** Number of the box's fill; computed when it is first painted. */
  fill(band: number, box: number): number {
    const known = this.fills[band]!;
    // 0 is "not known yet"; fills are kept one higher.
    if (!known[box]) known[box] = this.findFill(band, box) + 1;
    return known[box]! - 1;
  }

  label(band: number, box: number): string {
    return (this.labels[band]![box] ??= this.findLabel(band, box));
  }

  private findFill(number: number, box: number): number {
    const { layout } = this.bands[number]!;
    const { view } = layout;
    const node = layout.node[box]!;
    const frame = view.frame(node);
    if (layout.bucket[box]) return BUCKET_FILL;
    if (this.matches(number, box)) return MATCH_FILL;
    if (this.subject.candidate) return SAME + level(this.subject.change(view, node));
    if (frame === ROOT) return ROOT_FILL;
    if (frame === HIDDEN) return HIDDEN_FILL;
    const { frames } = this.subject;
    return (frames.foreign[frame] ? LIBRARY : OWN) + frames.shade(frame);
  }

  private findLabel(number: number, box: number): string {
    const { layout } = this.bands[number]!;
    const node = layout.node[box]!;
    const narrow = layout.bucket[box]!;
    if (narrow) return `${count(narrow, "narrow frame")} together`;
    const name = elide(visible(this.subject.name(layout.view, node)), LONGEST);
    if (!this.subject.candidate) return name;
    const change = this.subject.change(layout.view, node);
    return change === 1 ? `+ ${name} (added)` : change === -1 ? `− ${name} (removed)` : name;
  }
}

/** The step of the colour scale: a change below 1 % is none, and what is new or gone is the last. */
function level(change: number): number {
  const size = Math.abs(change);
  if (size < 0.01) return 0;
  const step = size === 1 ? LEVELS : Math.min(LEVELS - 1, 1 + Math.floor((LEVELS - 1) * (size / 0.7)));
  return change < 0 ? -step : step;
}
