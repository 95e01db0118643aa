// The keyboard on the graph: which frame comes next, and what a key asks for.
import type { Graph } from "./graph.ts";
import { moved, scaled } from "./layout.ts";
import { ROW, type Mark } from "./scene.ts";

export interface KeyCommands {
  range(band: number, from: number, to: number): void;
  back(): void;
  reset(): void;
  step(by: 1 | -1): void;
  search(): void;
  sandwich(band: number, node: number): void;
}

const FURTHER = 0.2;
const WIDER = 1.5;

/** True if the key meant something here. */
export const press = (event: KeyboardEvent, graph: Graph, commands: KeyCommands): boolean => {
  const { scene, element } = graph;
  if (!scene || event.altKey || event.ctrlKey || event.metaKey) return false;
  const mark = graph.focused ?? { band: scene.bands.length - 1, box: 0 };
  const { band: number, box } = mark;
  const band = scene.bands[number];
  if (!band || box >= band.layout.node.length) return false;
  const { layout } = band;
  const sideways = (by: 1 | -1): void => {
    if (event.shiftKey) return commands.range(number, ...moved(layout.zoom, by * FURTHER));
    const next = box + by;
    if (layout.node[next] !== undefined && layout.rowOf(next) === layout.rowOf(box)) graph.setFocus({ band: number, box: next });
  };
  const page = (by: 1 | -1): void => {
    element.scrollTop += by * (element.clientHeight - ROW);
  };
  const widen = (): void => commands.range(number, ...scaled(layout.zoom, 1 / WIDER));
  const enter = (): void => graph.activate(mark);
  const meanings: Record<string, () => void> = {
    "ArrowLeft": () => sideways(-1),
    "ArrowRight": () => sideways(1),
    "ArrowDown": () => upOrDown(graph, mark, band.up ? -1 : 1),
    "ArrowUp": () => upOrDown(graph, mark, band.up ? 1 : -1),
    "PageDown": () => page(1),
    "PageUp": () => page(-1),
    "Enter": enter,
    " ": enter,
    "+": widen,
    "=": widen,
    "-": () => commands.range(number, ...scaled(layout.zoom, WIDER)),
    "Backspace": commands.back,
    "Escape": commands.reset,
    "Home": () => graph.setFocus({ band: number, box: 0 }),
    "s": () => layout.bucket[box] || commands.sandwich(number, layout.node[box]!),
    "n": () => commands.step(1),
    "N": () => commands.step(-1),
    "/": commands.search,
  };
  const meaning = Object.hasOwn(meanings, event.key) && meanings[event.key];
  if (meaning) meaning();
  return !!meaning;
};

const upOrDown = (graph: Graph, { band, box }: Mark, by: 1 | -1): void => {
  const { bands } = graph.scene!;
  const { layout } = bands[band]!;
  const row = layout.rowOf(box) + by;
  // From the chosen function of a sandwich, straight on into the other half.
  if (row < 0 && bands.length > 1) graph.setFocus({ band: 1 - band, box: 0 });
  if (row < 0 || row >= layout.rows) return;
  const left = layout.x[box]!;
  const right = layout.right(box);
  let best = -1;
  for (let each = layout.rowStart[row]!; each < layout.rowStart[row + 1]!; each++) {
    const [from, to] = [layout.x[each]!, layout.right(each)];
    const middle = (from + to) / 2;
    const holds = by > 0 ? middle >= left && middle <= right : from <= left + 1e-6 && to >= right - 1e-6;
    if (holds && (best < 0 || layout.wide[each]! > layout.wide[best]!)) best = each;
  }
  if (best >= 0) graph.setFocus({ band, box: best });
};
