// Resident memory over time, with its peak marked.
import { boundsOf, el, paragraph, svg } from "./dom.ts";
import { abs, ceil, floor, max, min } from "./numbers.ts";
import { formatValue } from "./text.ts";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [1000, 340, 76, 30, 30, 24];

export const timeline = (at: readonly number[], rss: readonly number[]): HTMLElement => {
  if (at.length < 2) {
    return paragraph("empty", "This profile holds no readings of resident memory over time.");
  }
  const end = at.at(-1)! || 1;
  let [low, high, peak] = [Infinity, 0, 0];
  rss.forEach((value, k) => {
    low = min(low, value);
    if (value > high) [high, peak] = [value, k];
  });
  const [bottom, step] = ladder(low, high);
  const top = max(bottom + step, ceil(high / step) * step);
  const x = (ms: number): number => LEFT + (ms / end) * (WIDTH - LEFT - RIGHT);
  const y = (bytes: number): number => HEIGHT - BOTTOM - ((bytes - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const line = at.map((ms, k) => `${x(ms).toFixed(1)},${y(rss[k]!).toFixed(1)}`).join(" ");
  const parts: SVGElement[] = [];
  for (let value = bottom; value <= top + step / 2; value += step) {
    parts.push(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, formatValue(value, "B")),
    );
  }
  for (let k = 0; k <= 4; k++) {
    const ms = (end * k) / 4;
    const anchor = k === 4 ? "end" : k ? "middle" : "start";
    parts.push(svg("text", { x: x(ms), y: HEIGHT - 8, "text-anchor": anchor }, formatValue(ms / 1000, "s")));
  }
  const [px, py] = [x(at[peak]!), y(high)];
  const anchor = px > WIDTH * 0.75 ? "end" : px < WIDTH * 0.25 ? "start" : "middle";
  const said = `Peak ${formatValue(high, "B")} at ${formatValue(at[peak]! / 1000, "s")}`;
  parts.push(
    svg("polygon", { class: "area", points: `${x(at[0]!)},${y(bottom)} ${line} ${x(end)},${y(bottom)}` }),
    svg("polyline", { class: "line", points: line }),
    svg("circle", { class: "peak", cx: px, cy: py, r: 5 }),
    svg("text", { class: "peak", x: px, y: py - 12, "text-anchor": anchor }, said),
  );
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, x1: -9, x2: -9 });
  const readout = el("p", { class: "readout", role: "status" }, `${said}. First ${formatValue(rss[0]!, "B")}, last ${formatValue(rss.at(-1)!, "B")}.`);
  let near = peak;
  const look = (k: number): void => {
    near = max(0, min(at.length - 1, k));
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(x(at[near]!)));
    readout.textContent = `${formatValue(at[near]! / 1000, "s")}: ${formatValue(rss[near]!, "B")}. ${said}.`;
  };
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      tabindex: 0,
      role: "img",
      "aria-label": `Resident memory over time. ${said}.`,
      onpointermove({ clientX }: PointerEvent) {
        const bounds = boundsOf(picture);
        const ms = ((((clientX - bounds.left) / bounds.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT)) * end;
        look(at.reduce((best, each, k) => (abs(each - ms) < abs(at[best]! - ms) ? k : best), 0));
      },
      onkeydown({ key, shiftKey }: KeyboardEvent) {
        const by = shiftKey ? ceil(at.length / 20) : 1;
        if (key === "ArrowLeft") look(near - by);
        if (key === "ArrowRight") look(near + by);
      },
    },
    ...parts,
    cursor,
  );
  return el("figure", { class: "timeline" }, picture, readout);
};

/** Where the scale begins and its step, both round, so that low and high lie on it. */
const ladder = (low: number, high: number): [bottom: number, step: number] => {
  // A scale that starts at zero says more, unless the changes would not be seen on it.
  const from = high - low < high * 0.2 ? low - (high - low) * 0.5 : 0;
  const rough = max(1, (high - from) / 4);
  const size = 10 ** floor(Math.log10(rough));
  const step = size * ([1, 2, 2.5, 5, 10].find((each) => each * size >= rough) ?? 10);
  return [max(0, floor(from / step) * step), step];
};
