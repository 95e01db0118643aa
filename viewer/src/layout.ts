// Where each frame of a view is drawn: rows of boxes, computed level by level, so that a
// depth of thousands needs no recursion. Only what is wide enough and in sight is walked.
import { Opened, type View } from "./view.ts";

/** Narrower frames are drawn together as one bucket. */
export const NARROWEST = 0.5;
/** The smallest part of a frame that can be widened to the whole width. */
const SMALLEST_PART = 1e-7;

export interface Zoom {
  /** The node that fills the width, and which part of it. */
  node: number;
  from: number;
  to: number;
}

/** A part of a width, as near to where it is asked for as the width allows. */
export function moved({ from, to }: Zoom, by: number): [from: number, to: number] {
  const span = to - from;
  const left = Math.min(1 - span, Math.max(0, from + by * span));
  return [left, left + span];
}

/** A part made wider or narrower around a point of it, from 0 on its left to 1. */
export function scaled({ from, to }: Zoom, by: number, around = 0.5): [from: number, to: number] {
  const span = Math.min(1, Math.max(SMALLEST_PART, (to - from) * by));
  const left = Math.min(1 - span, Math.max(0, from + (to - from - span) * around));
  return [left, left + span];
}

export class Layout {
  readonly node: number[] = [];
  readonly x: number[] = [];
  readonly width: number[] = [];
  /** How many narrow frames a box stands for; its node is then their parent. 0 for a frame. */
  readonly bucket: number[] = [];
  /** Index of each row's first box, and one entry behind the last row. */
  readonly rowStart: number[] = [0];

  constructor(
    readonly view: View,
    readonly zoom: Zoom,
    readonly pixels: number,
  ) {
    const { node, x, width, bucket, rowStart } = this;
    const whole = view.value(zoom.node);
    if (!(whole > 0) || pixels <= 0) return;
    const scale = pixels / (zoom.to - zoom.from) / whole;
    const opened = new Opened();
    const add = (box: number, at: number, wide: number, frames: number): void => {
      if (at + wide <= 0) return;
      node.push(box);
      x.push(at);
      width.push(wide);
      bucket.push(frames);
    };
    add(zoom.node, -zoom.from * whole * scale, whole * scale, 0);
    for (let box = 0; box < node.length; ) {
      const stop = node.length;
      rowStart.push(stop);
      for (; box < stop; box++) {
        if (bucket[box]) continue;
        view.open(node[box]!, NARROWEST / scale, opened);
        const { nodes, values, count, narrow, rest } = opened;
        let at = x[box]!;
        for (let k = 0; k < count && at < pixels; k++) {
          const wide = values[k]! * scale;
          add(nodes[k]!, at, wide, 0);
          at += wide;
        }
        if (rest * scale >= NARROWEST && at < pixels) add(node[box]!, at, rest * scale, narrow);
      }
    }
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
    return this.x[box]! + this.width[box]!;
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
