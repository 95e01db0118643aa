// The canvas: paints a scene where it is scrolled to, and tells what is pointed at, clicked,
// dragged and typed.
import type { Theme } from "./colors.ts";
import { boundsOf, el, on } from "./dom.ts";
import { moved, scaled } from "./layout.ts";
import { abs, max, min, round } from "./numbers.ts";
import { makeRuler, paint, type Cut } from "./paint.ts";
import { ROW, type Mark, type Scene } from "./scene.ts";
import { makeTooltip, type Details } from "./tooltip.ts";

/** What the graph asks of the page. */
export interface Wishes {
  zoom(band: number, node: number): void;
  /** Show a part of the zoomed node's width. */
  range(band: number, from: number, to: number): void;
  /** What a tooltip says of a box. */
  describe(mark: Mark): Details;
  focused(mark: Mark): void;
  key(event: KeyboardEvent): boolean;
  resized(): void;
}

export interface Graph {
  element: HTMLElement;
  canvas: HTMLCanvasElement;
  scene: Scene | undefined;
  focused: Mark | undefined;
  /** Text in the graph's font, cut to a width. */
  cut: Cut;
  /** Paper cannot be scrolled: all rows are painted at once. */
  paper: boolean;
  /** Take a scene, which is painted then; `reveal` is the row to bring into sight, else the scroll position is kept. */
  show(scene: Scene, theme: Theme, label: string, reveal?: number): void;
  paintNow(): void;
  repaint(): void;
  /** Point the keyboard at a box and bring it into sight. */
  setFocus(mark: Mark): void;
  /** What a click does: zoom to a frame, or into a bucket. */
  activate(mark: Mark): void;
  /** The whole scene as a picture, whether in sight or not. */
  picture(theme: Theme): HTMLCanvasElement;
}

const DRAG = 4;
/** Browsers refuse canvases much larger than this. */
const LARGEST = 16_000;

export const makeGraph = (wishes: Wishes): Graph => {
  const canvas = el("canvas", { tabindex: 0, role: "application", "aria-roledescription": "flamegraph" });
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) throw new Error("this browser has no canvas");
  const spacer = el("div");
  const tooltip = makeTooltip();
  const element = el("div", { class: "graph" }, canvas, spacer, tooltip.element);
  const cut = makeRuler(context);
  let theme: Theme | undefined;
  let hover: Mark | undefined;
  let drag: { x: number; band: number; start: number; end: number; begun: boolean } | undefined;
  let pending = false;
  let width = 0;

  const hide = (): void => {
    tooltip.element.hidden = true;
  };

  const fit = (): void => {
    const height = graph.scene!.rows * ROW;
    // As high as the window leaves room, so that the last row of a flame is in sight at once.
    const room = innerHeight - boundsOf(element).top - scrollY - 10;
    const high = max(60, min(height, graph.paper ? LARGEST : round(max(room, innerHeight * 0.5))));
    element.style.height = `${high}px`;
    const ratio = devicePixelRatio || 1;
    const shown = min(height, high);
    width = element.clientWidth;
    const [across, down] = [round(width * ratio), round(shown * ratio)];
    if (canvas.width !== across || canvas.height !== down) {
      canvas.width = across;
      canvas.height = down;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${shown}px`;
    }
    spacer.style.height = `${max(0, height - shown)}px`;
  };

  const at = (event: MouseEvent): { mark: Mark | undefined; x: number; y: number } => {
    const bounds = boundsOf(canvas);
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    return { mark: graph.scene?.hit(x, y + element.scrollTop), x, y };
  };

  const point = (mark?: Mark, x = 0, y = 0): void => {
    const same = mark?.band === hover?.band && mark?.box === hover?.box;
    hover = mark;
    if (mark) tooltip.put(same && !tooltip.element.hidden ? undefined : wishes.describe(mark), x + 14, y + 18, element);
    else hide();
    canvas.style.cursor = mark ? "pointer" : "default";
    if (!same) graph.repaint();
  };

  const graph: Graph = {
    element,
    canvas,
    scene: undefined,
    focused: undefined,
    paper: false,
    cut,
    show(scene, colours, label, reveal) {
      graph.scene = scene;
      theme = colours;
      hover = undefined;
      hide();
      canvas.setAttribute("aria-label", label);
      fit();
      if (reveal !== undefined) {
        const top = reveal * ROW;
        const { scrollTop, clientHeight } = element;
        if (top < scrollTop || top + ROW > scrollTop + clientHeight) element.scrollTop = max(0, top - clientHeight / 2);
      }
    },
    paintNow() {
      if (!graph.scene || !theme) return;
      const ratio = devicePixelRatio || 1;
      const area = { top: element.scrollTop, width, height: canvas.height / ratio, ratio };
      paint(context, graph.scene, theme, cut, area, hover, document.activeElement === canvas ? graph.focused : undefined);
    },
    repaint() {
      if (pending) return;
      pending = true;
      requestAnimationFrame(() => {
        pending = false;
        graph.paintNow();
      });
    },
    setFocus(mark) {
      graph.focused = mark;
      const band = graph.scene!.bands[mark.band]!;
      const top = graph.scene!.row(band, band.layout.rowOf(mark.box)) * ROW;
      element.scrollTop = min(top, max(element.scrollTop, top + ROW - element.clientHeight));
      graph.repaint();
      wishes.focused(mark);
      tooltip.put(wishes.describe(mark), max(0, band.layout.x[mark.box]!), top - element.scrollTop + ROW, element);
    },
    activate({ band, box }) {
      const { layout } = graph.scene!.bands[band]!;
      if (!layout.bucket[box]) return wishes.zoom(band, layout.node[box]!);
      const { start, end } = layout.zoom;
      const unit = (end - start) / layout.pixels;
      wishes.range(band, max(0, start + layout.x[box]! * unit), min(1, start + layout.right(box) * unit));
    },
    picture(colours) {
      const picture = el("canvas");
      const height = min(graph.scene!.rows * ROW, LARGEST);
      const ratio = min(2, LARGEST / height);
      picture.width = width * ratio;
      picture.height = height * ratio;
      paint(picture.getContext("2d", { alpha: false })!, graph.scene!, colours, cut, { top: 0, width, height, ratio });
      return picture;
    },
  };

  on(element, { scroll: () => graph.repaint() });
  on(canvas, {
    pointerdown(event: PointerEvent) {
      if (event.button !== 0 || !graph.scene) return;
      const band = at(event).mark?.band ?? 0;
      const { start, end } = graph.scene.bands[band]!.layout.zoom;
      drag = { x: event.clientX, band, start, end, begun: false };
    },
    pointermove(event: PointerEvent) {
      if (!drag || event.buttons === 0) {
        drag = undefined;
        const { mark, x, y } = at(event);
        return point(mark, x, y);
      }
      const by = drag.x - event.clientX;
      if (!drag.begun) {
        if (abs(by) < DRAG) return;
        canvas.setPointerCapture(event.pointerId);
        drag.begun = true;
      }
      wishes.range(drag.band, ...moved({ node: 0, start: drag.start, end: drag.end }, by / width));
    },
    pointerup() {
      // The click that follows a drag must still be told from a click proper.
      if (!drag?.begun) drag = undefined;
    },
    pointercancel() {
      drag = undefined;
    },
    click(event: MouseEvent) {
      const { mark } = at(event);
      if (!drag?.begun && mark) graph.activate(mark);
      drag = undefined;
    },
    pointerleave: () => point(),
    wheel(event: WheelEvent) {
      const sideways = event.shiftKey || abs(event.deltaX) > abs(event.deltaY);
      if (!graph.scene || !(event.ctrlKey || event.metaKey || sideways)) return;
      const { mark, x } = at(event);
      const band = mark?.band ?? 0;
      const { zoom } = graph.scene.bands[band]!.layout;
      if (sideways && zoom.end - zoom.start >= 1) return;
      event.preventDefault();
      const part = sideways
        ? moved(zoom, (event.deltaX || event.deltaY) / width)
        : scaled(zoom, Math.exp(event.deltaY * 0.002), x / width);
      wishes.range(band, ...part);
    },
    focus: () => graph.repaint(),
    blur() {
      hide();
      graph.repaint();
    },
    keydown(event: KeyboardEvent) {
      if (wishes.key(event)) event.preventDefault();
    },
  });
  // Its height changes with every scene; only another width, or another window, needs another one.
  new ResizeObserver(() => element.clientWidth === width || wishes.resized()).observe(element);
  return graph;
};
