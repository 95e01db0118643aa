// A picture before it is painted: bands of boxes with fills and labels, in rows of one height.
import { BUCKET_FILL, HIDDEN_FILL, LEVELS, LIBRARY, MATCH_FILL, OWN, ROOT_FILL, SAME } from "./colors.ts";
import type { Layout } from "./layout.ts";
import { abs, floor, max, min } from "./numbers.ts";
import type { Subject } from "./subject.ts";
import { count, elide, visible } from "./text.ts";
import { HIDDEN, ROOT, type View } from "./view.ts";

export const ROW = 20;
const LONGEST = 400;

/** A box of one of the bands. */
export interface Mark {
  band: number;
  box: number;
}

export interface Band {
  layout: Layout;
  /** The row in the scene where the band begins. */
  top: number;
  /** Whether its first row is the lowest. */
  up: boolean;
}

export interface Scene {
  bands: Band[];
  rows: number;
  /** Whether anything is searched for: then what does not match is dimmed. */
  searching: boolean;
  /** The scene's row of a band's row. */
  row(band: Band, row: number): number;
  hit(x: number, y: number): Mark | undefined;
  /** Number of the box's fill, and its label; found when they are first painted. */
  fill(band: number, box: number): number;
  label(band: number, box: number): string;
}

export const makeScene = (bands: Band[], subject: Subject, flags: Uint8Array | undefined): Scene => {
  const { frames, candidate } = subject;
  // 0 is "not known yet"; fills are kept one higher.
  const fills = bands.map(({ layout }) => new Uint8Array(layout.node.length));
  const labels: (string | undefined)[][] = bands.map(() => []);

  const matches = (view: View, node: number): boolean => {
    if (!flags) return false;
    const frame = view.frame(node);
    if (frame >= 0) return flags[frame] === 1;
    return [...(view.folded(node)?.frames ?? [])].some((hidden) => flags[hidden]);
  };

  const findFill = (number: number, box: number): number => {
    const { view, bucket, node: nodes } = bands[number]!.layout;
    const node = nodes[box]!;
    const frame = view.frame(node);
    if (bucket[box]) return BUCKET_FILL;
    if (matches(view, node)) return MATCH_FILL;
    if (candidate) return SAME + level(subject.change(view, node));
    if (frame === ROOT) return ROOT_FILL;
    if (frame === HIDDEN) return HIDDEN_FILL;
    return (frames.foreign[frame] ? LIBRARY : OWN) + frames.shade(frame);
  };

  const findLabel = (number: number, box: number): string => {
    const { view, bucket, node: nodes } = bands[number]!.layout;
    const node = nodes[box]!;
    if (bucket[box]) return `${count(bucket[box]!, "narrow frame")} together`;
    const name = elide(visible(subject.name(view, node)), LONGEST);
    const change = candidate && subject.change(view, node);
    return change === 1 ? `+ ${name} (added)` : change === -1 ? `− ${name} (removed)` : name;
  };

  const scene: Scene = {
    bands,
    rows: max(1, ...bands.map((band) => band.top + band.layout.rows)),
    searching: flags !== undefined,
    row: ({ up, top, layout }, row) => top + (up ? layout.rows - 1 - row : row),
    hit(x, y) {
      const row = floor(y / ROW);
      for (let number = bands.length - 1; number >= 0; number--) {
        const { layout, top, up } = bands[number]!;
        const box = layout.at(up ? top + layout.rows - 1 - row : row - top, x);
        if (box >= 0) return { band: number, box };
      }
      return;
    },
    fill: (band, box) => (fills[band]![box] ||= findFill(band, box) + 1) - 1,
    label: (band, box) => (labels[band]![box] ??= findLabel(band, box)),
  };
  return scene;
};

/** The step of the colour scale: a change below 1 % is none, and what is new or gone is the last. */
const level = (change: number): number => {
  const size = abs(change);
  if (size < 0.01) return 0;
  const step = size === 1 ? LEVELS : min(LEVELS - 1, 1 + floor((LEVELS - 1) * (size / 0.7)));
  return change < 0 ? -step : step;
};
