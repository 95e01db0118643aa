// What can be taken away from the page: the picture, and the tree for other tools.
import type { Theme } from "./colors.ts";
import { download } from "./dom.ts";
import type { Graph } from "./graph.ts";
import type { Measure, Model } from "./model.ts";
import { max, round } from "./numbers.ts";
import { eachBox, PADDING, type Cut } from "./paint.ts";
import { ROW, type Scene } from "./scene.ts";
import type { Subject } from "./subject.ts";
import { codeOf } from "./text.ts";

/** Saves what is shown, or its tree, under the profile's name: "SVG", "PNG", "speedscope" or "collapsed". */
export const saver = (model: Model, subject: Subject, graph: Graph, theme: Theme): (what: string) => void => {
  const title = model.header.title.replace(/[^\w.-]+/g, "_").slice(0, 100) || "profile";
  const save = (end: string, type: string, content: BlobPart): void => download(`${title}.${end}`, type, content);
  const ways: Record<string, () => void> = {
    "SVG": () => save("svg", "image/svg+xml", sceneSvg(graph.scene!, theme, graph.element.clientWidth, graph.cut)),
    "PNG": () => graph.picture(theme).toBlob((blob) => blob && save("png", "image/png", blob)),
    "speedscope": () => save("speedscope.json", "application/json", speedscope(model)),
    "collapsed": () => save("collapsed.txt", "text/plain", collapsed(subject)),
  };
  return (what) => ways[what]!();
};

/** The scene as an SVG file. */
export const sceneSvg = (scene: Scene, theme: Theme, width: number, cut: Cut): string => {
  const height = scene.rows * ROW;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `font-family="sans-serif" font-size="12" fill="${theme.text}"><rect width="100%" height="100%" fill="${theme.back}"/>`,
  ];
  eachBox(scene, { top: 0, width, height, ratio: 1 }, cut, (x, y, wide, fill, text, band, box) => {
    const left = max(0, x);
    parts.push(
      `<g><title>${xml(scene.label(band, box))}</title><rect x="${left.toFixed(1)}" y="${y}" ` +
        `width="${(wide - left + x).toFixed(1)}" height="${ROW - 1}" fill="${theme.fills[fill]}"/>` +
        (text && `<text x="${(left + PADDING).toFixed(1)}" y="${y + 14}">${xml(text)}</text>`) +
        "</g>",
    );
  });
  return `${parts.join("\n")}\n</svg>\n`;
};

const xml = (text: string): string => {
  const allowed = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
  return allowed.replace(/[&<>"]/g, (char) => `&#${codeOf(char)};`);
};

/** Call paths with their self values: microseconds, bytes or a count. */
export const collapsed = ({ tree, frames, metric, shown }: Subject): string => {
  const scale = metric.unit === "s" ? 1e6 : 1;
  const labels = Array.from({ length: frames.count }, (_, frame) => {
    const place = frames.place(frame);
    // The format cannot quote the two characters that part frames and lines.
    return (frames.name(frame) + (place ? ` (${place})` : "")).replace(/[;\n\r]/g, (char) => encodeURIComponent(char));
  });
  const lines: string[] = [];
  const path: number[] = [];
  let carried = 0;
  for (let node = 0; node < tree.size; node++) {
    while (path.length && path.at(-1) !== tree.parent[node]) path.pop();
    path.push(node);
    const own = shown.self[node]!;
    if (!own) continue;
    // Rounding gives to the next line what it takes from one, so that the sum stays.
    const exact = metric.amount(own) * scale + carried;
    carried = exact - round(exact);
    lines.push(`${path.map((each) => labels[tree.frame[each]!]).join(";")} ${round(exact)}\n`);
  }
  return lines.join("");
};

/** All metrics of all trees for speedscope. */
export const speedscope = (model: Model): string => {
  const { frames } = model;
  const profiles: object[] = [];
  for (const metric of model.metrics) {
    for (let side = 0; side < metric.sides; side++) {
      const sides = metric.sides > 1 ? (side ? " (candidate)" : " (baseline)") : "";
      const scale = metric.unit === "s" ? 1e9 : 1;
      profiles.push({
        "type": "evented",
        "name": `${model.header.title} - ${metric.label}${sides}`,
        "unit": metric.unit === "s" ? "nanoseconds" : metric.unit === "B" ? "bytes" : "none",
        "startValue": 0,
        ...events(metric.tree, metric.side(side), (own) => round(metric.amount(own) * scale)),
      });
    }
  }
  const table = Array.from({ length: frames.count }, (_, frame) => ({
    "name": frames.name(frame), "file": frames.file(frame) || undefined, "line": frames.line(frame) || undefined,
  }));
  return JSON.stringify({
    "$schema": "https://www.speedscope.app/file-format-schema.json",
    "name": model.header.title,
    "profiles": profiles,
    "shared": { "frames": table },
  });
};

const events = (tree: Subject["tree"], measure: Measure, whole: (own: number) => number): object => {
  const found: object[] = [];
  const open: number[] = [];
  let now = 0;
  const close = (until: number): void => {
    while (open.length && open.at(-1) !== until) {
      found.push({ "type": "C", "frame": tree.frame[open.pop()!], "at": now });
    }
  };
  for (let node = 0; node < tree.size; node++) {
    close(tree.parent[node]!);
    open.push(node);
    found.push({ "type": "O", "frame": tree.frame[node], "at": now });
    now += whole(measure.self[node]!);
  }
  close(-1);
  return { "endValue": now, "events": found };
};
