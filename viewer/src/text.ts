// Values and names the way people read them.
import { abs, floor, round } from "./numbers.ts";

const SCALES: Record<string, [number, string][]> = {
  "s": [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]],
  "B": [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"]],
};

/** A value with its unit, as the Python side writes it: "1.25 s", "12.5 MB", "1,024". */
export const formatValue = (value: number, unit: string): string => {
  const scale = SCALES[unit];
  if (!scale) return grouped(round(value));
  const size = abs(value);
  if (unit === "s" && size >= 120) {
    const whole = round(size);
    return `${value < 0 ? "-" : ""}${floor(whole / 60)} min ${whole % 60} s`;
  }
  for (const [factor, name] of scale) if (size >= factor) return `${threeDigits(value / factor)} ${name}`;
  return unit === "B" ? `${value.toFixed(0)} B` : size ? `${(value * 1e9).toFixed(0)} ns` : "0 s";
};

const threeDigits = (value: number): string => {
  const size = abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
};

export const signed = (value: number, unit: string): string => (value > 0 ? "+" : "") + formatValue(value, unit);

// The browser's own way loads its tables of languages first: tens of milliseconds, at the first click.
export const grouped = (whole: number): string => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

/** A change of shares, given in hundredths. */
export const points = (change: number): string => {
  // What rounds to nothing has no sign.
  const rounded = round(change * 10) / 10 || 0;
  return `${rounded > 0 ? "+" : ""}${rounded.toFixed(1)} points`;
};

/** Hundredths, rounded as Python does: between two equally near ones to the even one. */
export const tenths = (share: number): string => `${(share % 1 === 0.25 ? share - 0.01 : share).toFixed(1)}%`;

export const percent = (part: number, whole: number): string => whole > 0 ? tenths((part / whole) * 100) : "–";

export const count = (number: number, one: string): string => `${grouped(number)} ${one}${number === 1 ? "" : "s"}`;

// Control and formatting characters change how all other text looks, so where text is drawn
// and cannot be isolated, they show as what they are.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The code of a text's first character. */
export const codeOf = (text: string): number => text.charCodeAt(0);

/** The text with its invisible characters spelled out. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (char) => `‹${codeOf(char).toString(16).padStart(4, "0")}›`);

/** At most so many characters, without cutting a pair of surrogates in two. */
export const elide = (text: string, most: number): string => {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 2);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 2 : most - 1) + "…";
};
