// Functions of numbers and rows of them under names of our own, which the build makes shorter than `Math.max`.
export const { abs, ceil, floor, max, min, round } = Math;
export const ints = (size: number): Int32Array<ArrayBuffer> => new Int32Array(size);
export const floats = (size: number): Float64Array<ArrayBuffer> => new Float64Array(size);
