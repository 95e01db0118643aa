// The way from the root to what is zoomed to; every step of it leads back there.
import { button, el, foreign } from "./dom.ts";
import { count } from "./text.ts";
import type { Zoom } from "./layout.ts";
import { pathOf, type View } from "./view.ts";

const MOST = 6;
const LONGEST_NAME = 200;

/** `name` tells what a frame is called, ROOT and HIDDEN too; `zoom` is told the path of a step. */
export const crumbs = (
  view: View,
  { node, start, end }: Zoom,
  title: string,
  name: (frame: number) => string,
  zoom: (path: number[]) => void,
): HTMLElement => {
  const frames = pathOf(view, node);
  const items: (string | HTMLElement)[] = [];
  const skipped = frames.length - MOST;
  for (let length = 0; length <= frames.length; length++) {
    if (skipped > 1 && length === 1) {
      items.push(`… ${count(skipped, "frame")} …`);
      length = skipped;
      continue;
    }
    const text = name(length ? frames[length - 1]! : view.frame(view.root));
    items.push(
      button(foreign(text), () => zoom(frames.slice(0, length)), undefined, {
        "aria-label": `${title} Zoom to ${text.slice(0, LONGEST_NAME)}`.trim(),
        "aria-current": length === frames.length && "true",
      }),
    );
  }
  if (end - start < 1) items.push(`${(100 * (end - start)).toPrecision(3)}% of its width`);
  return el("ol", { "data-title": title }, ...items.map((item) => el("li", {}, item)));
};
