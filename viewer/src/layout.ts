// Where each frame of a view is drawn: rows of boxes, computed level by level, so that a
// depth of thousands needs no recursion. Only what is wide enough and in sight is walked.
import { floor, max, min } from "./numbers.ts";
import type { View } from "./view.ts";

/** Narrower frames are drawn together as one bucket; in pixels. */
const NARROWEST = 0.5;
// A picture that is dense all over is no clearer for its narrowest frames, and takes too long to paint: they
// have to be twice as wide for each so many boxes beyond what most rows have.
const MANY = 2048;
const MANY_A_ROW = 64;
/** The smallest part of a frame that can be widened to the whole width. */
const SMALLEST_PART = 1e-7;

export interface Zoom {
  /** The node that fills the width, and which part of it. */
  node: number;
  start: number;
  end: number;
}

/** A part of a width, as near to where it is asked for as the width allows. */
export const moved = ({ start, end }: Zoom, by: number): [start: number, end: number] => {
  const span = end - start;
  const left = min(1 - span, max(0, start + by * span));
  return [left, left + span];
};

/** A part made wider or narrower around a point of it, from 0 on its left to 1. */
export const scaled = ({ start, end }: Zoom, by: number, around = 0.5): [start: number, end: number] => {
  const span = min(1, max(SMALLEST_PART, (end - start) * by));
  const left = min(1 - span, max(0, start + (end - start - span) * around));
  return [left, left + span];
};

export class Layout {
  readonly node: number[] = [];
  readonly x: number[] = [];
  readonly wide: number[] = [];
  /** How many narrow frames a box stands for; its node is then their parent. 0 for a frame. */
  readonly bucket: number[] = [];
  /** Index of each row's first box, and one entry behind the last row. */
  readonly rowStart: number[] = [0];
  /** Pixels for each unit of value. */
  private readonly scale: number;
  private walked = 0;

  /** Nothing but the first box is there until the layout is continued. */
  constructor(
    readonly view: View,
    readonly zoom: Zoom,
    readonly pixels: number,
  ) {
    const whole = view.total(zoom.node);
    const wide = pixels / (zoom.end - zoom.start);
    this.scale = wide / whole;
    if (!(whole > 0) || pixels <= 0) return;
    this.add(zoom.node, -zoom.start * wide, wide, 0);
    this.rowStart.push(1);
  }

  private add(box: number, at: number, wide: number, frames: number): void {
    if (at + wide <= 0) return;
    this.node.push(box);
    this.x.push(at);
    this.wide.push(wide);
    this.bucket.push(frames);
  }

  /** Add rows, below nodes of some weight; true once all are there, false where the time of this step is over. */
  proceed(light = 0): boolean {
    const { view, node, x, bucket, rowStart, pixels, scale } = this;
    let at = 0;
    let least = 0;
    const use = (child: number, value: number, narrow: number): void => {
      const wide = value * scale;
      if (at < pixels && (!narrow || value >= least)) this.add(child, at, wide, narrow);
      at += wide;
    };
    for (; this.walked < node.length; this.walked++) {
      const box = this.walked;
      // With the last box of a row, the next row is complete.
      if (box === rowStart.at(-1)) rowStart.push(node.length);
      if (bucket[box] || view.weight(node[box]!) < light) continue;
      const dense = max(0, node.length - MANY_A_ROW * this.rows) / MANY;
      least = (NARROWEST * 2 ** floor(dense)) / scale;
      at = x[box]!;
      if (!view.open(node[box]!, least, (pixels - at) / scale, use)) return false;
    }
    return true;
  }

  get rows(): number {
    return this.rowStart.length - 1;
  }

  /** The box at a place, or -1. */
  at(row: number, x: number): number {
    if (row < 0 || row >= this.rows) return -1;
    let low = this.rowStart[row]!;
    let high = this.rowStart[row + 1]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.x[middle]! <= x) low = middle;
      else high = middle - 1;
    }
    return x >= this.x[low]! && x < this.right(low) ? low : -1;
  }

  right(box: number): number {
    return this.x[box]! + this.wide[box]!;
  }

  /** The box of a node, or -1 where it is too narrow or out of sight. */
  boxOf(node: number): number {
    return this.node.findIndex((each, box) => each === node && !this.bucket[box]);
  }

  rowOf(box: number): number {
    let row = 0;
    while (this.rowStart[row + 1]! <= box) row++;
    return row;
  }
}
