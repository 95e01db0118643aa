// Draws the rows of a scene that are in sight.
import { BUCKET_FILL, HIDDEN_FILL, MATCH_FILL, type Theme } from "./colors.ts";
import { ROW, type Scene } from "./scene.ts";

export const FONT = '12px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif';
const PADDING = 5;
const LEAST_TEXT = 22;
const DIMMED = 0.3;

export interface Mark {
  band: number;
  box: number;
}

/** Widths of text without asking the canvas for each one: characters are measured once. */
export class Ruler {
  private readonly widths = new Map<number, number>();
  private readonly context: CanvasRenderingContext2D | null;

  constructor() {
    this.context = document.createElement("canvas").getContext("2d");
    if (this.context) this.context.font = FONT;
  }

  /** As much of the text as fits, with an ellipsis where some is left out. */
  fit(text: string, room: number): string {
    const dots = this.width(0x2026);
    let used = 0;
    let safe = 0;
    for (let k = 0; k < text.length; ) {
      const code = text.codePointAt(k)!;
      const size = code > 0xffff ? 2 : 1;
      used += this.width(code);
      if (used > room) return safe ? `${text.slice(0, safe)}…` : "";
      k += size;
      if (used + dots <= room) safe = k;
    }
    return text;
  }

  private width(code: number): number {
    let width = this.widths.get(code);
    if (width === undefined) {
      width = this.context?.measureText(String.fromCodePoint(code)).width ?? 7;
      this.widths.set(code, width);
    }
    return width;
  }
}

export function paint(
  context: CanvasRenderingContext2D,
  scene: Scene,
  theme: Theme,
  ruler: Ruler,
  area: { top: number; width: number; height: number; ratio: number },
  hovered: Mark | undefined,
  focused: Mark | undefined,
): void {
  context.setTransform(area.ratio, 0, 0, area.ratio, 0, 0);
  context.fillStyle = theme.back;
  context.fillRect(0, 0, area.width, area.height);
  context.font = FONT;
  context.textBaseline = "middle";
  const first = Math.floor(area.top / ROW);
  const last = Math.ceil((area.top + area.height) / ROW);
  scene.bands.forEach((band, number) => {
    const { layout } = band;
    for (let row = 0; row < layout.rows; row++) {
      const place = scene.row(band, row);
      if (place < first || place > last) continue;
      const y = place * ROW - area.top;
      let style = -1;
      for (let box = layout.rowStart[row]!; box < layout.rowStart[row + 1]!; box++) {
        const left = Math.max(layout.x[box]!, -1);
        const width = Math.min(layout.x[box]! + layout.width[box]!, area.width + 1) - left;
        const fill = scene.fill(number, box);
        if (fill !== style) context.fillStyle = theme.fills[(style = fill)]!;
        const dim = scene.searching && fill !== MATCH_FILL;
        if (dim) context.globalAlpha = DIMMED;
        context.fillRect(left, y, width > 3 ? width - 1 : width, ROW - 1);
        if (fill === BUCKET_FILL || fill === HIDDEN_FILL) hatch(context, theme, left, y, width);
        if (width >= LEAST_TEXT) {
          const text = ruler.fit(scene.label(number, box), width - 2 * PADDING);
          if (text) {
            context.globalAlpha = dim ? 0.7 : 1;
            context.fillStyle = fill === MATCH_FILL ? theme.matchText : theme.text;
            context.fillText(text, Math.max(left, 0) + PADDING, y + ROW / 2);
            style = -1;
          }
        }
        if (dim) context.globalAlpha = 1;
      }
    }
  });
  for (const [mark, thick] of [[hovered, 1], [focused, 2]] as const) {
    if (mark) outline(context, scene, theme, mark, area, thick);
  }
}

// A pattern tells what is no frame from what is one, without relying on colour.
function hatch(context: CanvasRenderingContext2D, theme: Theme, x: number, y: number, width: number): void {
  if (width < 4) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width - 1, ROW - 1);
  context.clip();
  context.strokeStyle = theme.line;
  context.beginPath();
  for (let at = x - ROW; at < x + width; at += 7) {
    context.moveTo(at, y + ROW);
    context.lineTo(at + ROW, y);
  }
  context.stroke();
  context.restore();
}

function outline(
  context: CanvasRenderingContext2D,
  scene: Scene,
  theme: Theme,
  { band, box }: Mark,
  area: { top: number; width: number },
  thick: number,
): void {
  const { layout } = scene.bands[band]!;
  const y = scene.row(scene.bands[band]!, layout.rowOf(box)) * ROW - area.top;
  const left = Math.max(layout.x[box]!, 0);
  const right = Math.min(layout.x[box]! + layout.width[box]!, area.width);
  context.strokeStyle = theme.focus;
  context.lineWidth = thick;
  context.strokeRect(left + thick / 2, y + thick / 2, Math.max(1, right - left - 1 - thick), ROW - 1 - thick);
  context.lineWidth = 1;
}
