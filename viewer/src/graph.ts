// The canvas: paints a scene where it is scrolled to, and tells what is pointed at, clicked,
// dragged and typed.
import type { Theme } from "./colors.ts";
import { el } from "./dom.ts";
import { FONT, paint, Ruler, type Mark } from "./paint.ts";
import { ROW, type Scene } from "./scene.ts";
import { Tooltip } from "./tooltip.ts";

/** What the graph asks of the page. */
export interface Wishes {
  zoom(band: number, node: number): void;
  /** Show a part of the zoomed node's width. */
  range(band: number, from: number, to: number): void;
  /** What a tooltip says of a box. */
  describe(mark: Mark): { title: string; place: string; facts: [string, string][] };
  focused(mark: Mark): void;
  key(event: KeyboardEvent): boolean;
  resized(): void;
}

const DRAG = 4;

export class Graph {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  scene: Scene | undefined;
  focus: Mark | undefined;
  private theme: Theme | undefined;
  private hover: Mark | undefined;
  private readonly context: CanvasRenderingContext2D;
  private readonly ruler = new Ruler();
  private readonly spacer = el("div");
  private readonly tooltip = new Tooltip();
  private drag: { x: number; band: number; from: number; to: number; moved: boolean } | undefined;
  private pending = false;

  constructor(private readonly wishes: Wishes) {
    this.canvas = el("canvas", { tabindex: 0, role: "application", "aria-roledescription": "flamegraph" });
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("this browser has no canvas");
    this.context = context;
    this.element = el("div", { class: "graph" }, this.canvas, this.spacer, this.tooltip.element);
    this.element.addEventListener("scroll", () => this.repaint());
    this.listen();
    new ResizeObserver(() => this.wishes.resized()).observe(this.element);
  }

  get width(): number {
    return this.element.clientWidth;
  }

  /** Show a scene; `reveal` is the row to bring into sight, else the scroll position is kept. */
  show(scene: Scene, theme: Theme, label: string, reveal?: number): void {
    this.scene = scene;
    this.theme = theme;
    this.hover = undefined;
    this.tooltip.hide();
    this.canvas.setAttribute("aria-label", label);
    this.fit();
    if (reveal !== undefined) {
      const top = reveal * ROW;
      const { scrollTop, clientHeight } = this.element;
      if (top < scrollTop || top + ROW > scrollTop + clientHeight) {
        this.element.scrollTop = Math.max(0, top - clientHeight / 2);
      }
    }
    this.paintNow();
  }

  scrollTo(row: number): void {
    this.element.scrollTop = row * ROW;
  }

  repaint(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.paintNow();
    });
  }

  /** Point the keyboard at a box and bring it into sight. */
  setFocus(mark: Mark): void {
    this.focus = mark;
    const band = this.scene!.bands[mark.band]!;
    const top = this.scene!.row(band, band.layout.rowOf(mark.box)) * ROW;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.element.scrollTop = top + ROW - clientHeight;
    this.repaint();
    this.wishes.focused(mark);
    const y = top - this.element.scrollTop + ROW;
    this.tooltip.show(this.wishes.describe(mark), Math.max(0, band.layout.x[mark.box]!), y, this.element);
  }

  /** The whole scene as a picture, whether in sight or not. */
  picture(theme: Theme): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    // Browsers refuse canvases much larger than this.
    const height = Math.min(this.scene!.rows * ROW, 16_000);
    const ratio = Math.min(2, 16_000 / height);
    canvas.width = this.width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d", { alpha: false })!;
    const area = { top: 0, width: this.width, height, ratio };
    paint(context, this.scene!, theme, this.ruler, area, undefined, undefined);
    return canvas;
  }

  /** Text in the graph's font, cut to a width. */
  cut(text: string, room: number): string {
    return this.ruler.fit(text, room);
  }

  static readonly font = FONT;

  private fit(): void {
    const height = this.scene!.rows * ROW;
    // As high as the window leaves room, so that the last row of a flame is in sight at once.
    const room = innerHeight - this.element.getBoundingClientRect().top - scrollY - 10;
    this.element.style.height = `${Math.max(60, Math.min(height, Math.max(room, innerHeight * 0.5)))}px`;
    const ratio = devicePixelRatio || 1;
    const shown = Math.min(height, this.element.clientHeight || height);
    const [wide, high] = [Math.round(this.width * ratio), Math.round(shown * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
      this.canvas.style.width = `${this.width}px`;
      this.canvas.style.height = `${shown}px`;
    }
    this.spacer.style.height = `${Math.max(0, height - shown)}px`;
  }

  private paintNow(): void {
    if (!this.scene || !this.theme) return;
    const ratio = devicePixelRatio || 1;
    const area = { top: this.element.scrollTop, width: this.width, height: this.canvas.height / ratio, ratio };
    const focused = document.activeElement === this.canvas ? this.focus : undefined;
    paint(this.context, this.scene, this.theme, this.ruler, area, this.hover, focused);
  }

  private listen(): void {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.release());
    canvas.addEventListener("pointercancel", () => (this.drag = undefined));
    canvas.addEventListener("click", (event) => this.click(event));
    canvas.addEventListener("pointerleave", () => this.point(undefined));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("focus", () => this.repaint());
    canvas.addEventListener("blur", () => {
      this.tooltip.hide();
      this.repaint();
    });
    canvas.addEventListener("keydown", (event) => {
      if (this.wishes.key(event)) event.preventDefault();
    });
  }

  private at(event: MouseEvent): { mark: Mark | undefined; x: number; y: number } {
    const bounds = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    return { mark: this.scene?.hit(x, y + this.element.scrollTop), x, y };
  }

  private press(event: PointerEvent): void {
    const { mark } = this.at(event);
    if (event.button !== 0 || !this.scene) return;
    const band = mark?.band ?? 0;
    const { from, to } = this.scene.bands[band]!.layout.zoom;
    this.drag = { x: event.clientX, band, from, to, moved: false };
  }

  private move(event: PointerEvent): void {
    const { drag } = this;
    if (!drag || event.buttons === 0) {
      this.drag = undefined;
      const { mark, x, y } = this.at(event);
      this.point(mark, x, y);
      return;
    }
    if (!drag.moved && Math.abs(event.clientX - drag.x) < DRAG) return;
    if (!drag.moved) this.canvas.setPointerCapture(event.pointerId);
    drag.moved = true;
    const span = drag.to - drag.from;
    const shift = ((drag.x - event.clientX) / this.width) * span;
    const from = Math.min(1 - span, Math.max(0, drag.from + shift));
    this.wishes.range(drag.band, from, from + span);
  }

  private release(): void {
    // The click that follows a drag must still be told from a click proper.
    if (!this.drag?.moved) this.drag = undefined;
  }

  private click(event: MouseEvent): void {
    const dragged = this.drag?.moved;
    this.drag = undefined;
    const { mark } = this.at(event);
    if (!dragged && mark) this.activate(mark);
  }

  /** What a click does: zoom to a frame, or into a bucket. */
  activate({ band, box }: Mark): void {
    const { layout } = this.scene!.bands[band]!;
    if (!layout.bucket[box]) {
      this.wishes.zoom(band, layout.node[box]!);
      return;
    }
    const { from, to } = layout.zoom;
    const unit = (to - from) / layout.pixels;
    const left = Math.max(0, from + layout.x[box]! * unit);
    this.wishes.range(band, left, Math.min(1, left + layout.width[box]! * unit));
  }

  private point(mark: Mark | undefined, x = 0, y = 0): void {
    const same = mark?.band === this.hover?.band && mark?.box === this.hover?.box;
    this.hover = mark;
    if (mark) this.tooltip.show(this.wishes.describe(mark), x + 14, y + 18, this.element, same);
    else this.tooltip.hide();
    this.canvas.style.cursor = mark ? "pointer" : "default";
    if (!same) this.repaint();
  }

  private wheel(event: WheelEvent): void {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!this.scene || !(event.ctrlKey || event.metaKey || sideways)) return;
    const { mark, x } = this.at(event);
    const band = mark?.band ?? 0;
    const { from, to } = this.scene.bands[band]!.layout.zoom;
    const span = to - from;
    if (sideways && span >= 1) return;
    event.preventDefault();
    if (sideways) {
      const shift = ((event.deltaX || event.deltaY) / this.width) * span;
      const left = Math.min(1 - span, Math.max(0, from + shift));
      this.wishes.range(band, left, left + span);
      return;
    }
    const grown = Math.min(1, Math.max(1e-7, span * Math.exp(event.deltaY * 0.002)));
    const held = from + (x / this.width) * span;
    const left = Math.min(1 - grown, Math.max(0, held - (x / this.width) * grown));
    this.wishes.range(band, left, left + grown);
  }
}
