// Moves elements of constants by strides: what Transpose, Slice, Expand and broadcasting have in common.

import { stridesOf } from '../core/shape.js';

/** Where each element of an output of `dims` comes from: `base` + sum of index * stride, in elements of the input. */
export function sourceIndices(dims: readonly number[], strides: readonly number[], base = 0): Int32Array {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const out = new Int32Array(size);
  const index = new Array<number>(dims.length).fill(0);
  let at = base;
  for (let i = 0; i < size; i++) {
    out[i] = at;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      at += strides[axis] as number;
      if (next < (dims[axis] as number)) {
        index[axis] = next;
        break;
      }
      at -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}

/** Strides that read `from` as if it had been broadcast to `to`. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : (strides[axis - missing] as number)));
}

/** The elements of `width` bytes at the given places. */
export function gatherBytes(data: Uint8Array, width: number, indices: Int32Array): Uint8Array {
  const out = new Uint8Array(indices.length * width);
  for (const [i, from] of indices.entries()) {
    for (let byte = 0; byte < width; byte++) out[i * width + byte] = data[from * width + byte] as number;
  }
  return out;
}
