// From a range of values to a scale and a zero point.

import { LowbitError } from '../core/errors.js';
import type { CodeFormat } from './formats.js';
import { NUMBER_FORMATS } from './formats.js';
import { roundHalfEven } from './rounding.js';

/** The smallest and the largest value that was seen. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** value = (code - zeroPoint) * scale. `scale` is a float32 value, normal and positive. */
export interface QuantizationParameters {
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface ParameterOptions {
  readonly format: CodeFormat;
  readonly symmetric: boolean;
}

/** Smallest normal float32. Below it, machines that flush subnormals and machines that do not would disagree. */
export const MIN_SCALE = 2 ** -126;
/** Largest finite float32. */
const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * The parameters that map a range onto the codes of a format, in float32 arithmetic:
 *
 *     symmetric   scale = max(|min|, |max|) / symmetricQmax                  zeroPoint = symmetricZero
 *     otherwise   lo = min(0, min), hi = max(0, max), scale = (hi - lo) / (qmax - qmin)
 *                 zeroPoint = sat(rint(qmin - lo / scale))
 *
 * so that zero has a code of its own (padding, Relu). For u8 this is the rule of ONNX DynamicQuantizeLinear. A range whose
 * scale would be zero or subnormal counts as all zero: scale 1, zero point qmin (symmetric: symmetricZero).
 * Errors: ERR_BAD_ARGUMENT when a bound is NaN, infinite or beyond float32, or min > max.
 */
export function chooseParameters(range: Range, { format, symmetric }: ParameterOptions): QuantizationParameters {
  return chooseParametersFor(range, NUMBER_FORMATS[format], symmetric);
}

/** What of a format its parameters depend on; float formats have only the symmetric half, their largest value. */
export interface CodeLimits {
  readonly qmin: number;
  readonly qmax: number;
  readonly symmetricQmax: number;
  readonly symmetricZero: number;
}

/** `chooseParameters` for a format outside the table of those that kernels know. */
export function chooseParametersFor(range: Range, limits: CodeLimits, symmetric: boolean): QuantizationParameters {
  const { qmin, qmax, symmetricQmax, symmetricZero } = limits;
  checkRange(range);
  const lo = Math.min(0, Math.fround(range.min));
  const hi = Math.max(0, Math.fround(range.max));
  if (symmetric) {
    const scale = Math.fround(Math.max(-lo, hi) / (symmetricQmax - symmetricZero));
    return { scale: scale < MIN_SCALE ? 1 : scale, zeroPoint: symmetricZero };
  }
  const width = Math.fround(hi - lo);
  const scale = Math.fround((width === Infinity ? hi - lo : width) / (qmax - qmin));
  if (scale < MIN_SCALE) return { scale: 1, zeroPoint: qmin };
  const zeroPoint = roundHalfEven(Math.fround(qmin - Math.fround(lo / scale)));
  return { scale, zeroPoint: Math.min(qmax, Math.max(qmin, zeroPoint)) };
}

/** Errors: ERR_BAD_ARGUMENT when the bounds are not two finite float32 values in order. */
export function checkRange({ min, max }: Range, what = 'range'): void {
  const fits = (bound: number): boolean => Math.abs(bound) <= MAX_FLOAT32;
  if (fits(min) && fits(max) && min <= max) return;
  throw new LowbitError(
    'ERR_BAD_ARGUMENT',
    `The ${what} is [${min}, ${max}]; expected two finite float32 values, the smaller one first. ` +
      'Look for NaN or infinite values in the model or in its inputs',
    { argument: what },
  );
}

/**
 * Refuses parameters that no kernel could apply: a scale that is not a normal, positive, finite float32 value, or a zero
 * point that is not a code of the format. Errors: ERR_BAD_ARGUMENT.
 */
export function checkParameters({ scale, zeroPoint }: QuantizationParameters, format: CodeFormat): void {
  const { qmin, qmax } = NUMBER_FORMATS[format];
  if (!(scale >= MIN_SCALE && scale <= MAX_FLOAT32)) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `The scale is ${scale}; expected a positive, finite float32 value of at least 2^-126`,
      { argument: 'scale' },
    );
  }
  if (Math.fround(scale) !== scale) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `The scale ${scale} is not a float32 value; round it with Math.fround`, {
      argument: 'scale',
    });
  }
  if (!Number.isInteger(zeroPoint) || zeroPoint < qmin || zeroPoint > qmax) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `The zero point is ${zeroPoint}; expected an integer in [${qmin}, ${qmax}] for ${format}`,
      { argument: 'zeroPoint' },
    );
  }
}
