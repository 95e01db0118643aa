// The state of the page as the address's #hash, so that a view can be shared and kept.
import type { Comparing, WidthBy } from "./subject.ts";

export const VIEWS = ["icicle", "flame", "callers", "sandwich", "table", "timeline"] as const;
export type ViewName = (typeof VIEWS)[number];

/** Where a graph is zoomed to: the frames on the way down, and the part of the last one. */
export interface Place {
  path: number[];
  from: number;
  to: number;
}

export interface State {
  view: ViewName;
  metric: string;
  /** One place a band: two in a sandwich, else one. */
  places: Place[];
  query: string;
  regex: boolean;
  hide: boolean;
  fold: boolean;
  /** The frame of the sandwich. */
  chosen: number;
  widthBy: WidthBy;
  comparing: Comparing;
  theme: "" | "light" | "dark";
}

export const WHOLE: Place = { path: [], from: 0, to: 1 };

export function initialState(metric: string): State {
  return {
    view: "icicle", metric, places: [], query: "", regex: false, hide: false, fold: false, chosen: -1,
    widthBy: "candidate", comparing: "absolute", theme: "",
  };
}

/** Only what differs from the initial state is written. */
export function writeHash(state: State, initial: State): string {
  const fields: [string, string][] = [];
  const put = (key: string, value: string, usual: string): void => {
    if (value !== usual) fields.push([key, value]);
  };
  put("view", state.view, initial.view);
  put("metric", state.metric, initial.metric);
  put("zoom", state.places.map(writePlace).join("~").replace(/^~$/, ""), "");
  put("search", state.query, "");
  for (const key of ["regex", "hide", "fold"] as const) put(key, state[key] ? "1" : "", "");
  put("function", state.chosen < 0 ? "" : String(state.chosen), "");
  put("width", state.widthBy, initial.widthBy);
  put("compare", state.comparing, initial.comparing);
  put("theme", state.theme, "");
  return fields.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
}

/** The state that a hash tells; what is not understood stays as it was at first. */
export function readHash(hash: string, initial: State, metrics: readonly string[], frames: number): State {
  const fields = new Map(
    hash.replace(/^#/, "").split("&").map((field) => {
      const [key, ...value] = field.split("=");
      return [key!, decode(value.join("="))] as const;
    }),
  );
  const among = <T extends string>(key: string, known: readonly T[], usual: T): T => {
    const value = fields.get(key) as T;
    return known.includes(value) ? value : usual;
  };
  const chosen = Number(fields.get("function") || -1);
  const zoom = fields.get("zoom");
  return {
    view: among("view", VIEWS, initial.view),
    metric: among("metric", metrics, initial.metric),
    places: zoom ? zoom.split("~").slice(0, 2).map(readPlace) : [],
    query: fields.get("search") ?? "",
    regex: fields.get("regex") === "1",
    hide: fields.get("hide") === "1",
    fold: fields.get("fold") === "1",
    chosen: Number.isInteger(chosen) && chosen < frames ? chosen : -1,
    widthBy: among("width", ["baseline", "candidate", "change"], initial.widthBy),
    comparing: among("compare", ["absolute", "share"], initial.comparing),
    theme: among("theme", ["", "light", "dark"], ""),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (problem) {
    if (problem instanceof URIError) return text;
    throw problem;
  }
}

function writePlace({ path, from, to }: Place): string {
  const range = from === 0 && to === 1 ? "" : `@${round(from)}_${round(to)}`;
  // Runs of one frame, as in a recursion, are written once with their length.
  const parts: string[] = [];
  for (let k = 0; k < path.length; ) {
    let run = 1;
    while (path[k + run] === path[k]) run++;
    parts.push(path[k]!.toString(36) + (run > 1 ? `*${run.toString(36)}` : ""));
    k += run;
  }
  return parts.join(".") + range;
}

function readPlace(text: string): Place {
  const [frames = "", range = ""] = text.split("@");
  const path: number[] = [];
  for (const part of frames.split(".")) {
    const [frame, run = "1"] = part.split("*");
    const number = parseInt(frame!, 36);
    if (Number.isNaN(number)) continue;
    for (let k = Math.min(parseInt(run, 36) || 0, 100_000); k > 0; k--) path.push(number);
  }
  const [from, to] = range.split("_").map(Number);
  const sound = from !== undefined && to !== undefined && from >= 0 && to > from && to <= 1;
  return { path, from: sound ? from : 0, to: sound ? to : 1 };
}

function round(value: number): string {
  return String(Number(value.toPrecision(12)));
}
