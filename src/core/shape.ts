// Arithmetic on shapes: sizes, strides, broadcasting.

import { LowbitError } from './errors.js';

/** A dimension is a number, or the name of one that only a run decides. */
export type Dim = number | string;

/** Largest element count that is accepted: offsets and byte sizes stay exact in a double and in the plan's int32 words. */
export const MAX_ELEMENTS = 2 ** 31 - 1;

/** Number of elements; throws ERR_BAD_MODEL when a dimension is negative, fractional, or the product exceeds MAX_ELEMENTS. */
export function sizeOf(dims: readonly number[], what = 'tensor'): number {
  let size = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new LowbitError('ERR_BAD_MODEL', `Dimensions [${dims.join(', ')}] of ${what}: expected integers >= 0`);
    }
    size *= dim;
  }
  if (size > MAX_ELEMENTS) {
    throw new LowbitError(
      'ERR_BAD_MODEL',
      `Dimensions [${dims.join(', ')}] of ${what} make ${size} elements; at most ${MAX_ELEMENTS} are supported`,
    );
  }
  return size;
}

/** Row-major strides in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let step = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= dims[axis] as number;
  }
  return strides;
}

/** The axis as a number in [0, rank); throws ERR_BAD_MODEL outside [-rank, rank). */
export function normalizeAxis(axis: number, rank: number, what = 'axis'): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new LowbitError('ERR_BAD_MODEL', `${what} is ${axis}; expected an integer in [${-rank}, ${rank - 1}]`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** NumPy's broadcasting of two shapes (ONNX, "Multidirectional Broadcasting"); undefined when they do not fit. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out[i] = x === 1 ? y : x;
  }
  return out;
}
