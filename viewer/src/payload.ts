// Reads the page's data: base64 text of gzip of a JSON header and columns of bytes.
// The keys of the header are quoted where they are read, for the build shortens all other names.
import { floats, ints } from "./numbers.ts";

/** `differs` is 1 where the numbers are the differences to the first side. */
export type Column = [overflow: number, planes: number, differs?: number];

export interface MetricHeader {
  key: string;
  label: string;
  unit: string;
  per: number;
  step: number;
  sides: Column[];
  /** For each side frames, and what their self and total lack for rounding, one after the other. */
  fixes?: number[][];
}

export interface TreeHeader {
  kind: string;
  nodes: number;
  structure: [pops: Column, frames: Column];
  metrics: MetricHeader[];
}

export interface FrameTable {
  functions: string[];
  places: number[];
  lines: number[];
  files: string[];
  origins: string[];
}

export interface Header extends FrameTable {
  version: number;
  page: "profile" | "diff";
  title: string;
  timeline: [at: number[], rss: number[]];
  trees: TreeHeader[];
}

/** The bytes of one tree, column by column; values are read when they are first asked for. */
export interface TreeBytes {
  header: TreeHeader;
  pops: Int32Array;
  frames: Int32Array;
  sides: (() => Float64Array)[][];
}

export interface Payload {
  header: Header;
  trees: TreeBytes[];
}

const VERSION = 2;
const ESCAPE = 255;

export async function readPayload(text: string): Promise<Payload> {
  return parse(await gunzip(fromBase64(text)));
}

export const parse = (bytes: Uint8Array): Payload => {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
  if (header.version !== VERSION) throw new Error(`payload version ${header.version} is not known here`);
  let at = 4 + length;
  const take = (count: number, [overflow, planes]: Column): Uint8Array => {
    const size = count + overflow * planes;
    at += size;
    return bytes.subarray(at - size, at);
  };
  const trees = header["trees"].map((tree): TreeBytes => {
    const [popColumn, frameColumn] = tree["structure"];
    const pops = decode(take(tree["nodes"], popColumn), popColumn, ints(tree["nodes"]));
    const frames = decode(take(tree["nodes"], frameColumn), frameColumn, ints(tree["nodes"]));
    const sides = tree["metrics"].map((metric) => {
      const read: (() => Float64Array)[] = [];
      for (const column of metric["sides"]) {
        const part = take(tree["nodes"], column);
        const own = (): Float64Array => decode(part, column, floats(tree["nodes"]));
        read.push(column[2] ? () => changed(read[0]!(), own()) : own);
      }
      return read;
    });
    return { header: tree, pops, frames, sides };
  });
  return { header, trees };
};

export function decode<T extends Int32Array | Float64Array>(bytes: Uint8Array, [overflow, planes]: Column, into: T): T {
  const count = into.length;
  let next = 0;
  for (let i = 0; i < count; i++) {
    let value = bytes[i]!;
    if (value === ESCAPE && next < overflow) {
      let scale = 1;
      for (let plane = 0; plane < planes; plane++, scale *= 256) {
        value += bytes[count + plane * overflow + next]! * scale;
      }
      next++;
    }
    into[i] = value;
  }
  return into;
}

/** Add up what `differences` in Python took apart: even numbers are more, odd ones less. */
const changed = (values: Float64Array, by: Float64Array): Float64Array => {
  for (let i = 0; i < by.length; i++) values[i]! += by[i]! % 2 ? (by[i]! + 1) / -2 : by[i]! / 2;
  return values;
};

const fromBase64 = (text: string): Uint8Array => {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
};

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
