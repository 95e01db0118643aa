// Call trees as flat arrays in preorder, and the values of their nodes.
import { shade } from "./colors.ts";
import { abs, floats, ints, max, min } from "./numbers.ts";
import type { FrameTable, Header, MetricHeader, Payload, TreeBytes } from "./payload.ts";

const SMALL = 50_000;
/** Behind the sides: the change, and the change of shares. */
const CHANGE = 2;

/** One column of a metric: whole steps per node. Sums of them are exact. */
export class Measure {
  readonly self: Float64Array;
  readonly total: Float64Array;
  sum = 0;
  /** Added up by function, once it is asked for. */
  functions: FunctionTotals | undefined;
  /** Totals of the nodes below this one still lack something. */
  private left: number;

  constructor(
    self: Float64Array,
    private readonly parent: Int32Array,
    readonly fixes: number[] = [],
  ) {
    this.self = self;
    this.total = self.slice();
    this.left = self.length;
  }

  /** Add a portion up, from the last node to the first; true once all is done. */
  add(portion = Infinity): boolean {
    const { parent, total } = this;
    const stop = max(0, this.left - portion);
    let sum = 0;
    for (let i = this.left - 1; i >= stop; i--) {
      const up = parent[i]!;
      if (up >= 0) total[up]! += total[i]!;
      else sum += total[i]!;
    }
    this.sum += sum;
    return !(this.left = stop);
  }
}

export class Metric {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  private readonly made: Measure[] = [];

  constructor(
    readonly tree: CallTree,
    private readonly header: MetricHeader,
    private readonly columns: (() => Float64Array)[],
  ) {
    this.key = header["key"];
    this.label = header["label"];
    this.unit = header["unit"];
  }

  get sides(): number {
    return this.columns.length;
  }

  /** The values of one side: 0 is the profile, or the baseline of a diff and 1 its candidate. */
  side(number: number): Measure {
    const measure = this.begun(number);
    measure.add();
    return measure;
  }

  /** Do a part of the work for a side; true once it is there. Trees of usual size take no time worth sparing. */
  prepare(number: number, portion = 0): boolean {
    if (this.tree.size < SMALL) return true;
    return (portion > 0 || this.made[number] !== undefined) && this.begun(number).add(portion);
  }

  private begun(number: number): Measure {
    const column = (): Float64Array => (number < CHANGE ? this.columns[number]!() : this.difference(number > CHANGE));
    return (this.made[number] ??= new Measure(column(), this.tree.parent, this.header["fixes"]?.[number]));
  }

  /** How much each node's own value differs between the sides, or its share of each side's sum. */
  change(share: boolean): Measure {
    return this.side(CHANGE + +share);
  }

  private difference(share: boolean): Float64Array {
    const [before, after] = [this.side(0), this.side(1)];
    // Shares count in steps of the baseline, so that both ways give widths of one kind.
    const scale = share && after.sum > 0 && before.sum > 0 ? before.sum / after.sum : 1;
    return before.self.map((value, node) => abs(after.self[node]! * scale - value));
  }

  /** Steps in the metric's unit: seconds, bytes or a count. */
  amount(steps: number): number {
    return (steps * this.header["step"]) / this.header["per"];
  }
}

export class CallTree {
  readonly kind: string;
  readonly size: number;
  readonly frame: Int32Array;
  readonly parent: Int32Array;
  /** The first node behind each node's subtree. */
  readonly end: Int32Array;
  readonly metrics: Metric[];

  constructor(bytes: TreeBytes) {
    const size = (this.size = bytes.header["nodes"]);
    this.kind = bytes.header["kind"];
    this.frame = bytes.frames;
    const parent = (this.parent = ints(size));
    const end = (this.end = ints(size));
    const open = ints(size + 1);
    let depth = 0;
    for (let i = 0; i < size; i++) {
      for (let pops = bytes.pops[i]!; pops > 0 && depth > 0; pops--) end[open[--depth]!] = i;
      parent[i] = depth ? open[depth - 1]! : -1;
      open[depth++] = i;
    }
    while (depth > 0) end[open[--depth]!] = size;
    this.metrics = bytes.header["metrics"].map((header, k) => new Metric(this, header, bytes.sides[k]!));
  }
}

/** The distinct functions of a page. */
export class Frames {
  readonly count: number;
  /** 1 where a frame belongs to a library, the standard library or native code. */
  readonly foreign: Uint8Array;

  private readonly shades: Uint8Array;

  constructor(private readonly table: FrameTable) {
    this.count = table["functions"].length;
    this.shades = new Uint8Array(this.count);
    this.foreign = new Uint8Array(this.count);
    for (let i = 0; i < this.count; i++) {
      this.foreign[i] = this.origin(i) !== "" && this.name(i) !== "(truncated)" ? 1 : 0;
    }
  }

  /** A number below SHADES that is the same for the same function on every page. */
  shade(frame: number): number {
    // 0 is "not known yet".
    return (this.shades[frame] ||= 1 + shade(this.file(frame) + this.name(frame))) - 1;
  }

  name(frame: number): string {
    return this.table["functions"][frame]!;
  }

  file(frame: number): string {
    return this.table["files"][this.table["places"][frame]!]!;
  }

  line(frame: number): number {
    return this.table["lines"][frame]!;
  }

  /** Empty for the user's own code, else the library's name. */
  origin(frame: number): string {
    return this.table["origins"][this.table["places"][frame]!]!;
  }

  place(frame: number): string {
    const file = this.file(frame);
    const line = this.line(frame);
    return file && line ? `${file}:${line}` : file;
  }
}

export interface Model {
  header: Header;
  frames: Frames;
  trees: CallTree[];
  metrics: Metric[];
}

export const buildModel = (payload: Payload): Model => {
  const trees = payload.trees.map((tree) => new CallTree(tree));
  return {
    header: payload.header,
    frames: new Frames(payload.header),
    trees,
    metrics: trees.flatMap((tree) => tree.metrics),
  };
};

export interface FunctionTotals {
  self: Float64Array;
  total: Float64Array;
  /** Where the outermost open call of each frame ends, and how many nodes are added up. */
  ends: Int32Array;
  count: number;
}

/** Self and total of every frame, or a portion more of them; a function that is already open on a path adds no total again. */
export const functionTotals = ({ size, frame, end }: CallTree, measure: Measure, frames: number, portion = size): FunctionTotals => {
  const { fixes } = measure;
  let { functions } = measure;
  if (!functions) {
    functions = measure.functions = { self: floats(frames), total: floats(frames), ends: ints(frames), count: 0 };
    for (let k = 0; k < fixes.length; k += 3) {
      functions.self[fixes[k]!] = fixes[k + 1]!;
      functions.total[fixes[k]!] = fixes[k + 2]!;
    }
  }
  const { self, total, ends, count } = functions;
  const stop = (functions.count = min(size, count + portion));
  for (let i = count; i < stop; i++) {
    const own = frame[i]!;
    self[own]! += measure.self[i]!;
    if (i >= ends[own]!) {
      total[own]! += measure.total[i]!;
      ends[own] = end[i]!;
    }
  }
  return functions;
};
