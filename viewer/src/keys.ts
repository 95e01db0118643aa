// The keyboard on the graph: which frame comes next, and what a key asks for.
import type { Graph } from "./graph.ts";
import type { Mark } from "./paint.ts";
import { ROW } from "./scene.ts";

export interface KeyCommands {
  zoom(band: number, node: number): void;
  range(band: number, from: number, to: number): void;
  back(): void;
  reset(): void;
  step(by: 1 | -1): void;
  search(): void;
  sandwich(band: number, node: number): void;
}

/** True if the key meant something here. */
export function press(event: KeyboardEvent, graph: Graph, commands: KeyCommands): boolean {
  const { scene } = graph;
  if (!scene || event.altKey || event.ctrlKey || event.metaKey) return false;
  const mark = graph.focus ?? { band: scene.bands.length - 1, box: 0 };
  const band = scene.bands[mark.band];
  if (!band || mark.box >= band.layout.node.length) return false;
  const { layout } = band;
  const { zoom } = layout;
  const span = zoom.to - zoom.from;
  const shift = (by: number): void => {
    const from = Math.min(1 - span, Math.max(0, zoom.from + by * span));
    commands.range(mark.band, from, from + span);
  };
  switch (event.key) {
    case "ArrowLeft":
    case "ArrowRight": {
      const by = event.key === "ArrowLeft" ? -1 : 1;
      if (event.shiftKey) shift(by * 0.2);
      else sideways(graph, mark, by);
      return true;
    }
    case "ArrowDown":
    case "ArrowUp":
      upOrDown(graph, mark, (event.key === "ArrowDown") !== band.up ? 1 : -1);
      return true;
    case "PageDown":
    case "PageUp":
      graph.element.scrollTop += (event.key === "PageDown" ? 1 : -1) * (graph.element.clientHeight - ROW);
      return true;
    case "Enter":
    case " ":
      graph.activate(mark);
      return true;
    case "+":
    case "=":
    case "-": {
      const grown = Math.min(1, Math.max(1e-7, event.key === "-" ? span * 1.5 : span / 1.5));
      const from = Math.min(1 - grown, Math.max(0, zoom.from + (span - grown) / 2));
      commands.range(mark.band, from, from + grown);
      return true;
    }
    case "Backspace":
      commands.back();
      return true;
    case "Escape":
      commands.reset();
      return true;
    case "Home":
      graph.setFocus({ band: mark.band, box: 0 });
      return true;
    case "s":
      if (!layout.bucket[mark.box]) commands.sandwich(mark.band, layout.node[mark.box]!);
      return true;
    case "n":
    case "N":
      commands.step(event.key === "n" ? 1 : -1);
      return true;
    case "/":
      commands.search();
      return true;
    default:
      return false;
  }
}

function sideways(graph: Graph, { band, box }: Mark, by: 1 | -1): void {
  const { layout } = graph.scene!.bands[band]!;
  const row = layout.rowOf(box);
  const next = box + by;
  if (next >= layout.rowStart[row]! && next < layout.rowStart[row + 1]!) graph.setFocus({ band, box: next });
}

function upOrDown(graph: Graph, { band, box }: Mark, by: 1 | -1): void {
  const { bands } = graph.scene!;
  const { layout } = bands[band]!;
  const row = layout.rowOf(box) + by;
  if (row < 0) {
    // From the chosen function of a sandwich, straight on into the other half.
    if (bands.length > 1) graph.setFocus({ band: 1 - band, box: 0 });
    return;
  }
  if (row >= layout.rows) return;
  const left = layout.x[box]!;
  const right = left + layout.width[box]!;
  let best = -1;
  for (let each = layout.rowStart[row]!; each < layout.rowStart[row + 1]!; each++) {
    const middle = layout.x[each]! + layout.width[each]! / 2;
    const holds = by > 0 ? middle >= left && middle <= right : layout.x[each]! <= left + 1e-6 && layout.x[each]! + layout.width[each]! >= right - 1e-6;
    if (holds && (best < 0 || layout.width[each]! > layout.width[best]!)) best = each;
  }
  if (best >= 0) graph.setFocus({ band, box: best });
}
