// The oracle of the elementwise operations, softmax and transposes.

import { clamp, f32, toCode } from './arithmetic.js';

type Numbers = ArrayLike<number>;

/** Flat offsets of a strided view, in row-major order of its dimensions. */
export function offsetsOf(dims: readonly number[], strides: readonly number[]): number[] {
  let offsets = [0];
  for (const [i, dim] of dims.entries()) {
    const stride = strides[i] as number;
    offsets = offsets.flatMap((base) => Array.from({ length: dim }, (_, at) => base + at * stride));
  }
  return offsets;
}

/** kind 0 add, 1 subtract, 2 multiply, 3 divide; then the clamp. */
export function binaryFloat(kind: number, a: number, b: number, lo: number, hi: number): number {
  const v = kind === 0 ? a + b : kind === 1 ? a - b : kind === 2 ? a * b : a / b;
  return clamp(f32(v), lo, hi);
}

export interface BinaryCodes {
  readonly kind: number;
  readonly aZero: number;
  readonly bZero: number;
  readonly yZero: number;
  readonly aRatio: number;
  readonly bRatio: number;
  readonly lo: number;
  readonly hi: number;
}

export function binaryCode(o: BinaryCodes, a: number, b: number): number {
  const v =
    o.kind === 0
      ? f32(f32((a - o.aZero) * o.aRatio) + f32((b - o.bZero) * o.bRatio))
      : f32(f32((a - o.aZero) * (b - o.bZero)) * o.aRatio);
  return toCode(v, o.yZero, o.lo, o.hi);
}

/** Softmax of one row in float64. */
export function softmax(x: Numbers): number[] {
  const values = Array.from(x);
  const most = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - most));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / sum);
}
