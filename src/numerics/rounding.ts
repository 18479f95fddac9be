// Rounding and the scalar quantize that every kernel must agree with.

import type { CodeFormat } from './formats.js';
import { NUMBER_FORMATS } from './formats.js';

/** 1.5 * 2^52: a double of this size has a spacing of 1, so adding it rounds to an integer, half to even. */
const ROUNDING_SHIFT = 6755399441055744;
/** Up to here the sum stays inside one binade; beyond it at most one fractional bit exists. */
const SHIFT_LIMIT = 2 ** 51;

/** The nearest integer, ties to the even one (`rint`). NaN and infinities stay; -0 may come back as 0. */
export function roundHalfEven(x: number): number {
  if (x < SHIFT_LIMIT && x > -SHIFT_LIMIT) return x + ROUNDING_SHIFT - ROUNDING_SHIFT;
  const down = Math.floor(x);
  const rest = x - down;
  if (!(rest > 0)) return x;
  return down % 2 === 0 ? down : down + 1; // 2^51 <= |x| < 2^52: the rest is exactly one half
}

/**
 * code = sat(rint(f32(x / scale)) + zeroPoint): true division, the zero point added after rounding, the clamp done before the
 * conversion; NaN gives qmin (ONNX QuantizeLinear; reference rule of native/kernels/quantize).
 * Preconditions: x and scale are float32 values, scale > 0, qmin <= zeroPoint <= qmax.
 * A double quotient of two float32 values rounds to the same float32 as the exact one (53 >= 2 * 24 + 2 bits).
 */
export function quantizeValue(x: number, scale: number, zeroPoint: number, qmin: number, qmax: number): number {
  const quotient = Math.fround(x / scale);
  const low = qmin - zeroPoint;
  const high = qmax - zeroPoint;
  if (!(quotient > low)) return qmin;
  if (quotient >= high) return qmax;
  return quotient + ROUNDING_SHIFT - ROUNDING_SHIFT + zeroPoint;
}

/** value = f32(f32(code - zeroPoint) * scale) (ONNX DequantizeLinear). */
export function dequantizeValue(code: number, scale: number, zeroPoint: number): number {
  return Math.fround(Math.fround(code - zeroPoint) * scale);
}

/** `quantizeValue` over the whole range of a format. */
export function quantizeTo(format: CodeFormat, x: number, scale: number, zeroPoint: number): number {
  const { qmin, qmax } = NUMBER_FORMATS[format];
  return quantizeValue(x, scale, zeroPoint, qmin, qmax);
}
