// Call trees for the tests, written as nested names with their own values.
import { CallTree, Frames, Measure, type Metric } from "../src/model.ts";

export type Branch = [name: string, self: number, ...children: Branch[]];

export interface Grown {
  tree: CallTree;
  width: Measure;
  metric: Metric;
  frames: Frames;
  /** The number of a frame. */
  id(name: string): number;
}

/** A tree; names that begin with "lib" belong to a library. */
export function grow(...roots: Branch[]): Grown {
  const names: string[] = [];
  const pops: number[] = [];
  const ids: number[] = [];
  const values: number[] = [];
  let closed = 0;
  const add = ([name, self, ...children]: Branch): void => {
    if (!names.includes(name)) names.push(name);
    pops.push(closed);
    ids.push(names.indexOf(name));
    values.push(self);
    closed = 0;
    children.forEach(add);
    closed++;
  };
  roots.forEach(add);
  const tree = new CallTree({
    header: {
      kind: "cpu",
      nodes: ids.length,
      structure: [[0, 0], [0, 0]],
      metrics: [{ key: "cpu.wall_seconds", label: "Wall time", unit: "s", per: 1000, step: 1, sides: [[0, 0]] }],
    },
    pops: Int32Array.from(pops),
    frames: Int32Array.from(ids),
    sides: [[() => Float64Array.from(values)]],
  });
  const metric = tree.metrics[0]!;
  const frames = new Frames({
    functions: names,
    places: names.map((_, k) => k),
    lines: names.map((_, k) => k + 1),
    files: names.map((name) => `/app/${name}.py`),
    origins: names.map((name) => (name.startsWith("lib") ? "lib" : "")),
  });
  return { tree, metric, frames, width: metric.side(0), id: (name) => names.indexOf(name) };
}
