// How much of a tensor shares one scale: the whole, one channel, or a block along an axis, all as one block shape.

import { LowbitError } from '../core/errors.js';
import { normalizeAxis, sizeOf } from '../core/shape.js';

/** `axis` may be negative. A block of size 1 along an axis still spans only one position of every other axis. */
export type Granularity =
  | { readonly kind: 'tensor' }
  | { readonly kind: 'channel'; readonly axis: number }
  | { readonly kind: 'block'; readonly axis: number; readonly size: number };

/**
 * A tensor as [outer, axis, inner] and how its scales lie over it, in the words of the plan's quantize instruction:
 * code 0 tensor (scale [1]), 1 channel (scale [axis]), 2 block (scale [outer, ceil(axis / block), inner]).
 */
export interface QuantizationGeometry {
  readonly code: 0 | 1 | 2;
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  readonly block: number;
  /** Shape of the scale tensor in a file: [] for a tensor, [axis] for channels, the blocked shape for blocks. */
  readonly scaleDims: readonly number[];
  readonly scaleCount: number;
}

/**
 * The extent of one scale in every dimension: the element at index i has the scale at floor(i / blockShape), so the scale
 * tensor has ceil(dims / blockShape) elements. The kinds differ in nothing else.
 */
export function blockShapeOf(granularity: Granularity, dims: readonly number[]): number[] {
  if (granularity.kind === 'tensor') return [...dims];
  const axis = normalizeAxis(granularity.axis, dims.length, 'granularity axis');
  if (granularity.kind === 'channel') return dims.map((dim, i) => (i === axis ? 1 : dim));
  const { size } = granularity;
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `The block size is ${size}; expected an integer of at least 1`, {
      argument: 'size',
    });
  }
  return dims.map((dim, i) => (i === axis ? Math.min(size, Math.max(dim, 1)) : 1));
}

/** The geometry of a tensor under a granularity. Errors: ERR_BAD_MODEL for an axis outside, ERR_BAD_ARGUMENT for a size. */
export function geometryOf(granularity: Granularity, dims: readonly number[]): QuantizationGeometry {
  const count = sizeOf(dims);
  if (granularity.kind === 'tensor') {
    return { code: 0, outer: 1, axis: 1, inner: count, block: 1, scaleDims: [], scaleCount: 1 };
  }
  const at = normalizeAxis(granularity.axis, dims.length, 'granularity axis');
  const shape = blockShapeOf(granularity, dims);
  const outer = sizeOf(dims.slice(0, at));
  const axis = dims[at] as number;
  const inner = sizeOf(dims.slice(at + 1));
  if (granularity.kind === 'channel') {
    return { code: 1, outer, axis, inner, block: 1, scaleDims: [axis], scaleCount: axis };
  }
  const block = shape[at] as number;
  const scaleDims = dims.map((dim, i) => (i === at ? Math.ceil(dim / block) : dim));
  return { code: 2, outer, axis, inner, block, scaleDims, scaleCount: sizeOf(scaleDims) };
}

/** Calls `visit` for every contiguous run of elements that shares a scale, with the index of that scale. */
export function forEachRun(
  geometry: QuantizationGeometry,
  visit: (scaleIndex: number, start: number, length: number) => void,
): void {
  const { code, outer, axis, inner, block } = geometry;
  if (code === 0) {
    visit(0, 0, outer * axis * inner);
    return;
  }
  const blocks = Math.ceil(axis / block);
  for (let o = 0; o < outer; o++) {
    for (let a = 0; a < axis; a++) {
      const start = (o * axis + a) * inner;
      if (code === 1) {
        visit(a, start, inner);
        continue;
      }
      const row = (o * blocks + Math.floor(a / block)) * inner;
      for (let i = 0; i < inner; i++) visit(row + i, start + i, 1);
    }
  }
}
