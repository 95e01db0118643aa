// Fills by number, per theme. Own code stands out from libraries; time is warm, memory is
// green; a diff goes from blue (less) over grey to orange (more), which differ for every kind
// of colour blindness and in brightness of their labels' marks as well.
import { abs, round } from "./numbers.ts";

export const SHADES = 12;
export const OWN = 0;
export const LIBRARY = OWN + SHADES;
export const ROOT_FILL = LIBRARY + SHADES;
export const HIDDEN_FILL = ROOT_FILL + 1;
export const BUCKET_FILL = ROOT_FILL + 2;
export const MATCH_FILL = ROOT_FILL + 3;
/** The middle of the diff's scale, and how many steps it has to each side. */
export const LEVELS = 8;
export const SAME = MATCH_FILL + 1 + LEVELS;

export interface Theme {
  dark: boolean;
  back: string;
  line: string;
  mark: string;
  text: string;
  matchText: string;
  fills: string[];
}

type Triple = readonly [number, number, number];

export const makeTheme = (dark: boolean, memory: boolean): Theme => {
  const fills: string[] = [];
  const hue = memory ? 160 : 28;
  for (let k = 0; k < SHADES; k++) {
    const turn = hue + ((k * 7) % SHADES) * 2.4 - 12;
    const light = dark ? 28 + (k % 4) * 2.5 : 70 + (k % 4) * 3;
    fills[OWN + k] = `hsl(${turn} ${dark ? 52 : memory ? 42 : 78}% ${light}%)`;
    fills[LIBRARY + k] = `hsl(${turn} ${dark ? 12 : 22}% ${dark ? 25 + (k % 4) * 2 : 86 + (k % 4) * 2}%)`;
  }
  fills[ROOT_FILL] = dark ? "#3b3935" : "#e4dfd6";
  fills[HIDDEN_FILL] = dark ? "#32302d" : "#efebe4";
  fills[BUCKET_FILL] = dark ? "#4a4640" : "#cfc8bc";
  fills[MATCH_FILL] = dark ? "#b455c8" : "#8e24aa";
  const same: Triple = dark ? [70, 67, 63] : [228, 224, 216];
  const less: Triple = dark ? [38, 104, 190] : [110, 170, 245];
  const more: Triple = dark ? [186, 88, 8] : [247, 148, 60];
  for (let level = -LEVELS; level <= LEVELS; level++) {
    fills[SAME + level] = blend(same, level < 0 ? less : more, abs(level) / LEVELS);
  }
  return {
    dark,
    fills,
    back: dark ? "#1b1a18" : "#fbfaf8",
    line: dark ? "#3a3733" : "#e2ddd5",
    mark: dark ? "#fff" : "#000",
    text: dark ? "#f4f0ea" : "#1d1a16",
    matchText: "#fff",
  };
};

const blend = (from: Triple, to: Triple, share: number): string =>
  `rgb(${from.map((part, k) => round(part + (to[k]! - part) * share)).join()})`;

/** A number below SHADES that is the same for the same text. */
export const shade = (text: string): number => {
  let hash = 7;
  for (let k = 0; k < text.length && k < 200; k++) hash = (hash * 31 + text.charCodeAt(k)) | 0;
  return (hash >>> 3) % SHADES;
};
