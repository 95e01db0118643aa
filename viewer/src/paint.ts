// Draws the rows of a scene that are in sight.
import { BUCKET_FILL, HIDDEN_FILL, MATCH_FILL, type Theme } from "./colors.ts";
import { ceil, floor, max, min } from "./numbers.ts";
import { ROW, type Mark, type Scene } from "./scene.ts";

export const FONT = '12px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif';
export const PADDING = 5;
const HIGH = ROW - 1;
const LEAST_TEXT = 22;
const DIMMED = 0.3;

/** A part of the scene: from `top` down, in pixels; `ratio` is how many of the canvas make one of them. */
export interface Area {
  top: number;
  width: number;
  height: number;
  ratio: number;
}

/** As much of a text as fits, with an ellipsis where some is left out. */
export type Cut = (text: string, room: number) => string;

/** Cuts without asking the canvas for each text: characters are measured once. */
export const makeRuler = (context: CanvasRenderingContext2D): Cut => {
  const widths = new Map<number, number>();
  const measure = (code: number): number => {
    let width = widths.get(code);
    if (width === undefined) {
      context.font = FONT;
      widths.set(code, (width = context.measureText(String.fromCodePoint(code)).width));
    }
    return width;
  };
  return (text, room) => {
    const dots = measure(0x2026);
    let used = 0;
    let safe = 0;
    for (let k = 0; k < text.length; ) {
      const code = text.codePointAt(k)!;
      used += measure(code);
      if (used > room) return safe ? `${text.slice(0, safe)}…` : "";
      k += code > 0xffff ? 2 : 1;
      if (used + dots <= room) safe = k;
    }
    return text;
  };
};

type Draw = (x: number, y: number, width: number, fill: number, text: string, band: number, box: number) => void;

/** Every box of an area, with the text that fits into it. */
export const eachBox = (scene: Scene, { top, width, height }: Area, cut: Cut, draw: Draw): void => {
  const first = floor(top / ROW);
  const last = ceil((top + height) / ROW);
  scene.bands.forEach((band, number) => {
    const { layout } = band;
    for (let row = 0; row < layout.rows; row++) {
      const place = scene.row(band, row);
      if (place < first || place > last) continue;
      for (let box = layout.rowStart[row]!; box < layout.rowStart[row + 1]!; box++) {
        const x = max(layout.x[box]!, -1);
        const wide = min(layout.right(box), width + 1) - x;
        const text = wide >= LEAST_TEXT ? cut(scene.label(number, box), wide - 2 * PADDING) : "";
        draw(x, place * ROW - top, wide > 3 ? wide - 1 : wide, scene.fill(number, box), text, number, box);
      }
    }
  });
};

export const paint = (
  context: CanvasRenderingContext2D,
  scene: Scene,
  theme: Theme,
  cut: Cut,
  area: Area,
  hovered?: Mark,
  focused?: Mark,
): void => {
  context.setTransform(area.ratio, 0, 0, area.ratio, 0, 0);
  context.fillStyle = theme.back;
  context.fillRect(0, 0, area.width, area.height);
  context.font = FONT;
  context.textBaseline = "middle";
  let style = -1;
  eachBox(scene, area, cut, (x, y, width, fill, text) => {
    if (fill !== style) context.fillStyle = theme.fills[(style = fill)]!;
    const dim = scene.searching && fill !== MATCH_FILL;
    if (dim) context.globalAlpha = DIMMED;
    context.fillRect(x, y, width, HIGH);
    if (fill === BUCKET_FILL || fill === HIDDEN_FILL) hatch(context, theme, x, y, width);
    if (text) {
      if (dim) context.globalAlpha = 0.7;
      context.fillStyle = fill === MATCH_FILL ? theme.matchText : theme.text;
      context.fillText(text, max(x, 0) + PADDING, y + ROW / 2);
      style = -1;
    }
    if (dim) context.globalAlpha = 1;
  });
  [hovered, focused].forEach((mark, order) => {
    if (!mark) return;
    const band = scene.bands[mark.band]!;
    const thick = order + 1;
    const y = scene.row(band, band.layout.rowOf(mark.box)) * ROW - area.top;
    const left = max(band.layout.x[mark.box]!, 0);
    const right = min(band.layout.right(mark.box), area.width);
    context.strokeStyle = theme.mark;
    context.lineWidth = thick;
    context.strokeRect(left + thick / 2, y + thick / 2, max(1, right - left - 1 - thick), ROW - 1 - thick);
    context.lineWidth = 1;
  });
};

// A pattern tells what is no frame from what is one, without relying on colour.
const hatch = (context: CanvasRenderingContext2D, theme: Theme, x: number, y: number, width: number): void => {
  if (width < 4) return;
  context.strokeStyle = theme.line;
  context.beginPath();
  for (let at = x - HIGH; at < x + width; at += 7) {
    // Cut here: a clip for each box takes longer than all its lines.
    const [left, right] = [max(at, x), min(at + HIGH, x + width)];
    context.moveTo(left, y + HIGH + at - left);
    context.lineTo(right, y + HIGH + at - right);
  }
  context.stroke();
};
