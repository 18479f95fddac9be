// Inputs of the conversions: floats that are no ordinary ones, and shapes with every way in which scales lie over them.

import type { Geometry } from '../oracle/quantize.js';

export const SPECIAL_FLOATS = [
  ...[0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...[3.4e38, -3.4e38, 1e-45, -1e-45],
] as const;

export const ofTensor = (n: number): Geometry => ({ granularity: 0, outer: 1, axis: 1, inner: n, block: 1 });

/** Every way in which the geometry falls into rows and columns, with rows that begin within bytes of packed codes. */
export const SCALED_GEOMETRIES: readonly Geometry[] = [
  { granularity: 1, outer: 1, axis: 17, inner: 31, block: 1 },
  { granularity: 1, outer: 3, axis: 5, inner: 7, block: 1 },
  { granularity: 1, outer: 5, axis: 301, inner: 1, block: 1 },
  { granularity: 1, outer: 2, axis: 9, inner: 2501, block: 1 },
  { granularity: 2, outer: 3, axis: 64, inner: 1, block: 16 },
  { granularity: 2, outer: 3, axis: 70, inner: 1, block: 16 },
  { granularity: 2, outer: 1, axis: 5, inner: 1, block: 32 },
  { granularity: 2, outer: 9, axis: 999, inner: 1, block: 32 },
  { granularity: 2, outer: 2, axis: 50, inner: 33, block: 16 },
];
