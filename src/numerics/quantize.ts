// Quantization of constants while compiling: the same codes as the quantize kernel, in TypeScript.

import { LowbitError } from '../core/errors.js';
import type { CodeFormat } from './formats.js';
import { codeArray, NUMBER_FORMATS } from './formats.js';
import { forEachRun, type QuantizationGeometry } from './granularity.js';
import { chooseParameters, type ParameterOptions, type Range } from './params.js';
import { dequantizeValue, quantizeValue } from './rounding.js';

/** One scale and one zero point per tensor, channel or block of a geometry. */
export interface ParameterArrays {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
}

/**
 * Minimum and maximum under every scale of a geometry; empty ones give [0, 0].
 * Errors: ERR_BAD_ARGUMENT for NaN or infinite elements (through chooseParameters) and a wrong element count.
 */
export function rangesOf(x: Float32Array, geometry: QuantizationGeometry): Range[] {
  checkCount(x.length, geometry);
  const min = new Float64Array(geometry.scaleCount).fill(Infinity);
  const max = new Float64Array(geometry.scaleCount).fill(-Infinity);
  forEachRun(geometry, (index, start, length) => {
    let lo = min[index] as number;
    let hi = max[index] as number;
    for (let i = start; i < start + length; i++) {
      const value = x[i] as number;
      if (value < lo) lo = value;
      if (value > hi) hi = value;
      if (Number.isNaN(value)) lo = hi = Number.NaN; // every later comparison fails, so it stays
    }
    min[index] = lo;
    max[index] = hi;
  });
  return Array.from(min, (lo, index) =>
    lo === Infinity ? { min: 0, max: 0 } : { min: lo, max: max[index] as number },
  );
}

/** `chooseParameters` for every scale of a geometry. */
export function chooseParameterArrays(ranges: readonly Range[], options: ParameterOptions): ParameterArrays {
  const scale = new Float32Array(ranges.length);
  const zeroPoint = new Int32Array(ranges.length);
  ranges.forEach((range, index) => {
    const chosen = chooseParameters(range, options);
    scale[index] = chosen.scale;
    zeroPoint[index] = chosen.zeroPoint;
  });
  return { scale, zeroPoint };
}

/** codes = sat(rint(f32(x / scale)) + zeroPoint); symmetric keeps to the symmetric range of the format. */
export function quantizeArray(
  x: Float32Array,
  geometry: QuantizationGeometry,
  { scale, zeroPoint }: ParameterArrays,
  { format, symmetric }: ParameterOptions,
): Uint8Array | Int8Array | Int32Array {
  checkCount(x.length, geometry);
  const row = NUMBER_FORMATS[format];
  const qmin = symmetric ? row.symmetricQmin : row.qmin;
  const qmax = symmetric ? row.symmetricQmax : row.qmax;
  const codes = codeArray(format, x.length);
  forEachRun(geometry, (index, start, length) => {
    const s = scale[index] as number;
    const z = zeroPoint[index] as number;
    for (let i = start; i < start + length; i++) codes[i] = quantizeValue(x[i] as number, s, z, qmin, qmax);
  });
  return codes;
}

/** x = f32(f32(codes - zeroPoint) * scale) */
export function dequantizeArray(
  codes: ArrayLike<number>,
  geometry: QuantizationGeometry,
  { scale, zeroPoint }: ParameterArrays,
): Float32Array {
  checkCount(codes.length, geometry);
  const x = new Float32Array(codes.length);
  forEachRun(geometry, (index, start, length) => {
    const s = scale[index] as number;
    const z = zeroPoint[index] as number;
    for (let i = start; i < start + length; i++) x[i] = dequantizeValue(codes[i] as number, s, z);
  });
  return x;
}

/**
 * The byte to byte table of a function between two quantized values: table[byte of code] = Q(f(DQ(code))), all in float32.
 * `f` gets and gives a float32 value.
 */
export function lookupTable(
  from: { readonly format: CodeFormat; readonly scale: number; readonly zeroPoint: number },
  f: (x: number) => number,
  to: { readonly format: CodeFormat; readonly scale: number; readonly zeroPoint: number },
): Uint8Array {
  const { qmin, qmax } = NUMBER_FORMATS[from.format];
  const target = NUMBER_FORMATS[to.format];
  const table = new Uint8Array(256);
  for (let code = qmin; code <= qmax; code++) {
    const value = Math.fround(f(dequantizeValue(code, from.scale, from.zeroPoint)));
    table[code & 0xff] = quantizeValue(value, to.scale, to.zeroPoint, target.qmin, target.qmax) & 0xff;
  }
  return table;
}

function checkCount(found: number, { outer, axis, inner }: QuantizationGeometry): void {
  if (found !== outer * axis * inner) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `Found ${found} elements; the geometry wants ${outer * axis * inner}`);
  }
}
