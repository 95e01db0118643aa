// Where each frame of a view is drawn: rows of boxes, computed level by level, so that a
// depth of thousands needs no recursion.
import type { View } from "./view.ts";

/** Narrower frames are drawn together as one bucket. */
export const NARROWEST = 0.5;

export interface Zoom {
  /** The node that fills the width, and which part of it. */
  node: number;
  from: number;
  to: number;
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
    const whole = view.value(zoom.node);
    if (!(whole > 0) || pixels <= 0) return;
    const scale = pixels / (zoom.to - zoom.from) / whole;
    this.add(zoom.node, -zoom.from * whole * scale, whole * scale, 0);
    let done = 0;
    while (done < this.node.length) {
      const stop = this.node.length;
      this.rowStart.push(stop);
      for (let box = done; box < stop; box++) {
        if (!this.bucket[box]) this.open(this.node[box]!, this.x[box]!, scale);
      }
      done = stop;
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
    return low <= high && x >= this.x[low]! && x < this.x[low]! + this.width[low]! ? low : -1;
  }

  /** The box of a node, or -1 where it is too narrow or out of sight. */
  boxOf(node: number): number {
    for (let box = 0; box < this.node.length; box++) {
      if (this.node[box] === node && !this.bucket[box]) return box;
    }
    return -1;
  }

  rowOf(box: number): number {
    let row = 0;
    while (this.rowStart[row + 1]! <= box) row++;
    return row;
  }

  private open(node: number, left: number, scale: number): void {
    const { view, pixels } = this;
    const children = view.children(node);
    let x = left;
    for (let k = 0; k < children.length; k++) {
      const child = children[k]!;
      const width = view.value(child) * scale;
      if (x >= pixels) return;
      if (width < NARROWEST) {
        // Children stand widest first: all that follow are as narrow.
        let rest = 0;
        for (let tail = k; tail < children.length; tail++) rest += view.value(children[tail]!);
        const tail = rest * scale;
        if (tail >= NARROWEST && x + tail > 0) this.add(node, x, tail, children.length - k);
        return;
      }
      if (x + width > 0) this.add(child, x, width, 0);
      x += width;
    }
  }

  private add(node: number, x: number, width: number, bucket: number): void {
    this.node.push(node);
    this.x.push(x);
    this.width.push(width);
    this.bucket.push(bucket);
  }
}
