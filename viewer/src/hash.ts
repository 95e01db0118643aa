// The state of the page as the address's #hash, so that a view can be shared and kept.
import { min } from "./numbers.ts";
import type { Comparing, WidthBy } from "./subject.ts";

export const VIEWS = ["icicle", "flame", "callers", "sandwich", "table", "timeline"] as const;
export const WIDTHS = ["candidate", "baseline", "change"] as const;
export const COMPARISONS = ["absolute", "share"] as const;
export type ViewName = (typeof VIEWS)[number];

/** Where a graph is zoomed to: the frames on the way down, and the part of the last one. */
export interface Place {
  path: number[];
  start: number;
  end: number;
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

export const WHOLE: Place = { path: [], start: 0, end: 1 };

export const initialState = (metric: string): State => ({
  view: "icicle", metric, places: [], query: "", regex: false, hide: false, fold: false, chosen: -1,
  widthBy: "candidate", comparing: "absolute", theme: "",
});

/** How one field of the state is written and read; what cannot be read is undefined. */
type Field = [name: string, key: keyof State, write: (value: never) => string, read: (text: string) => unknown];

const fields = (metrics: readonly string[], frames: number): Field[] => {
  const among = (known: readonly string[]): [Field[2], Field[3]] => [String, (text) => (known.includes(text) ? text : undefined)];
  const flag: [Field[2], Field[3]] = [(on: boolean) => (on ? "1" : ""), (text) => text === "1"];
  return [
    ["view", /* @__KEY__ */ "view", ...among(VIEWS)],
    ["metric", /* @__KEY__ */ "metric", ...among(metrics)],
    [
      "zoom",
      /* @__KEY__ */ "places",
      (places: Place[]) => places.map(writePlace).join("~").replace(/^~$/, ""),
      (text) => text.split("~").slice(0, 2).map(readPlace),
    ],
    ["search", /* @__KEY__ */ "query", String, String],
    ["regex", /* @__KEY__ */ "regex", ...flag],
    ["hide", /* @__KEY__ */ "hide", ...flag],
    ["fold", /* @__KEY__ */ "fold", ...flag],
    ["function", /* @__KEY__ */ "chosen", String, (text) => (/^\d+$/.test(text) && +text < frames ? +text : undefined)],
    ["width", /* @__KEY__ */ "widthBy", ...among(WIDTHS)],
    ["compare", /* @__KEY__ */ "comparing", ...among(COMPARISONS)],
    ["theme", /* @__KEY__ */ "theme", ...among(["light", "dark"])],
  ];
};

export interface Hash {
  /** Only what differs from the initial state is written. */
  write(state: State): string;
  /** The state that a hash tells; what is not understood stays as it was at first. */
  read(hash: string): State;
}

export const makeHash = (initial: State, metrics: readonly string[], frames: number): Hash => {
  const known = fields(metrics, frames);
  return {
    write: (state) =>
      known
        .map(([name, key, write]) => [name, write(state[key] as never), write(initial[key] as never)] as const)
        .filter(([, value, usual]) => value !== usual)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        .join("&"),
    read(hash) {
      const told = new Map(
        hash.replace(/^#/, "").split("&").map((field) => {
          const [name, ...value] = field.split("=");
          return [name, decode(value.join("="))];
        }),
      );
      const state: Record<string, unknown> = { ...initial };
      for (const [name, key, , read] of known) {
        const text = told.get(name);
        const value = text ? read(text) : undefined;
        if (value !== undefined) state[key] = value;
      }
      return state as unknown as State;
    },
  };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    // Nothing else can be wrong with it than how it is written.
    return text;
  }
};

const writePlace = ({ path, start, end }: Place): string => {
  const range = start === 0 && end === 1 ? "" : `@${round(start)}_${round(end)}`;
  // Runs of one frame, as in a recursion, are written once with their length.
  const parts: string[] = [];
  for (let k = 0; k < path.length; ) {
    let run = 1;
    while (path[k + run] === path[k]) run++;
    parts.push(path[k]!.toString(36) + (run > 1 ? `*${run.toString(36)}` : ""));
    k += run;
  }
  return parts.join(".") + range;
};

const readPlace = (text: string): Place => {
  const [frames = "", range = ""] = text.split("@");
  const path: number[] = [];
  for (const part of frames.split(".")) {
    const [frame, run = "1"] = part.split("*");
    const number = parseInt(frame!, 36);
    if (isNaN(number)) continue;
    for (let k = min(parseInt(run, 36) || 0, 100_000); k > 0; k--) path.push(number);
  }
  const [start, end] = range.split("_").map(Number);
  const sound = start! >= 0 && end! > start! && end! <= 1;
  return { path, start: sound ? start! : 0, end: sound ? end! : 1 };
};

const round = (value: number): string => String(+value.toPrecision(12));
