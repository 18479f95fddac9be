// Checks of the arguments of the typed-array functions, each in words: what was expected, what was given.

import type { Backend } from '../../backend/backend.js';
import { DTYPES, type TypedArray } from '../../core/dtype.js';
import { LowbitError } from '../../core/errors.js';
import { normalizeAxis } from '../../core/shape.js';
import { codeRange } from '../../numerics/conversions.js';
import { EIGHT_BIT_FORMATS, type EightBitFormat, NUMBER_FORMATS } from '../../numerics/formats.js';

/** What the asynchronous functions take beside their own options. */
export interface CallOptions {
  /** Stops the call; its promise rejects with ERR_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** The backend to use; by default the one that LOWBIT_BACKEND or the machine decides. */
  readonly backend?: Backend | undefined;
  /** The most threads that the call may use, the calling one included; by default, and at most, as many as the process may. */
  readonly threads?: number | undefined;
}

/** One number for everything, or one per channel or block. */
export type Numbers = number | ArrayLike<number>;

export function refuse(argument: string, expected: string, received: unknown): never {
  throw new LowbitError('ERR_BAD_ARGUMENT', `Expected ${expected} for ${argument} but received ${inWords(received)}`, {
    argument,
  });
}

export function inWords(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return `an object ${value.constructor?.name ?? ''}`.trim();
  return typeof value === 'string' ? `'${value}'` : `${String(value)} of type ${typeof value}`;
}

export function wantOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) refuse('options', 'an object', options);
}

export function wantFloats(value: unknown, argument: string): asserts value is Float32Array {
  if (!(value instanceof Float32Array)) refuse(argument, 'a Float32Array', value);
}

export function wantInteger(value: unknown, argument: string, least: number, most = 2 ** 31 - 1): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  return refuse(argument, `an integer from ${least} to ${most}`, value);
}

export function wantFormat(value: unknown, argument = 'format'): EightBitFormat {
  const format = EIGHT_BIT_FORMATS.find((name) => name === value);
  return format ?? refuse(argument, `one of ${EIGHT_BIT_FORMATS.map((name) => `'${name}'`).join(', ')}`, value);
}

/** Codes of which a byte holds two, the first in its low half. */
export type FourBitFormat = 'i4' | 'u4';

export function isFourBit(format: unknown): format is FourBitFormat {
  return format === 'i4' || format === 'u4';
}

/** Floats of 16 bits. */
export type HalfFormat = 'f16' | 'bf16';

/** Their ONNX numbers, as instructions want them. */
export const HALF_NUMBERS: Readonly<Record<HalfFormat, number>> = { f16: 10, bf16: 16 };

export function isHalf(format: unknown): format is HalfFormat {
  return format === 'f16' || format === 'bf16';
}

/** The format of an array of 8-bit codes. */
export function formatOfCodes(value: unknown, argument: string): EightBitFormat {
  if (value instanceof Uint8Array) return 'u8';
  if (value instanceof Int8Array) return 'i8';
  return refuse(argument, 'a Uint8Array (u8) or an Int8Array (i8)', value);
}

/** The ONNX number of a format, as instructions want it. */
export function formatNumber(format: EightBitFormat | 'i32' | 'f32'): number {
  return DTYPES[NUMBER_FORMATS[format].dtype].onnx;
}

/** Scales as floats: `count` of them, or one. Each must be positive and finite, also after rounding to float32. */
export function wantScales(value: unknown, argument: string, count: number): Float32Array<ArrayBuffer> {
  const numbers = wantNumbers(value, argument, count);
  const scales = numbers.length === 1 ? Float32Array.of(numbers[0] as number) : Float32Array.from(numbers);
  const bad = scales.findIndex((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY));
  if (bad >= 0) refuse(`${argument}[${bad}]`, 'a positive, finite float32', scales[bad]);
  return scales;
}

/** Zero points as i32: `count` of them, or one; absent is 0. Each must be a code of the format. */
export function wantZeroPoints(
  value: unknown,
  argument: string,
  count: number,
  format: EightBitFormat | FourBitFormat | 'i32',
): Int32Array<ArrayBuffer> {
  const { qmin, qmax } = isFourBit(format) ? codeRange(format) : NUMBER_FORMATS[format];
  const numbers = value === undefined ? [0] : wantNumbers(value, argument, count);
  for (const zero of numbers) {
    if (!Number.isInteger(zero) || zero < qmin || zero > qmax)
      refuse(argument, `integers from ${qmin} to ${qmax}`, zero);
  }
  return numbers.length === 1 ? Int32Array.of(numbers[0] as number) : Int32Array.from(numbers);
}

function wantNumbers(value: unknown, argument: string, count: number): number[] {
  if (typeof value === 'number') return [value];
  const list =
    typeof value === 'object' && value !== null && 'length' in value ? (value as ArrayLike<unknown>) : undefined;
  if (list === undefined || (list.length !== 1 && list.length !== count)) {
    return refuse(argument, count === 1 ? 'a number' : `a number or ${count} numbers`, value);
  }
  return Array.from(list, (entry) => (typeof entry === 'number' ? entry : refuse(argument, 'numbers', entry)));
}

/** A vector of one value repeated, or the vector itself. */
export function repeated<Vector extends Float32Array | Int32Array>(vector: Vector, count: number): Vector {
  if (vector.length === count) return vector;
  const made = vector instanceof Float32Array ? new Float32Array(count) : new Int32Array(count);
  return made.fill(vector[0] as number) as Vector;
}

/** The array that the caller wants filled, or a new one. */
export function wantOut<T extends TypedArray>(
  value: T | undefined,
  argument: string,
  made: new (length: number) => T,
  length: number,
): T {
  if (value === undefined) return new made(length);
  if (!(value instanceof made) || value.length !== length)
    refuse(argument, `a ${made.name} of ${length} elements`, value);
  return value;
}

/** How scales are spread over a tensor seen as [outer, axis, inner]. */
export interface Spread {
  readonly granularity: number;
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  readonly block: number;
  /** Number of scales. */
  readonly count: number;
}

/** What shares one scale, and one zero point: everything, a position of an axis, or a block of positions along one. */
export type ScaleGranularity = 'tensor' | 'channel' | 'block';

const GRANULARITIES: readonly ScaleGranularity[] = ['tensor', 'channel', 'block'];

export interface SpreadOptions {
  /**
   * 'channel' needs `axis`, 'block' needs `blockSize`. By default what those say: 'block' with a `blockSize`, 'channel' with an
   * `axis` alone, 'tensor' without both.
   */
  readonly granularity?: ScaleGranularity | undefined;
  /** Shape of the data, row-major; needed with `axis`, otherwise one row. */
  readonly dims?: readonly number[] | undefined;
  /** One scale per position of this axis (or per block along it); may be negative. Of blocks by default the last one. */
  readonly axis?: number | undefined;
  /** One scale per this many consecutive positions along the axis; the last block may be shorter. */
  readonly blockSize?: number | undefined;
}

/** The axis that scales lie along; undefined for one scale. */
function axisOf({ granularity, axis, blockSize }: SpreadOptions): number | undefined {
  if (granularity !== undefined && !GRANULARITIES.includes(granularity))
    refuse('granularity', GRANULARITIES.map((name) => `'${name}'`).join(', '), granularity);
  const of = granularity === undefined ? '' : ` (granularity '${granularity}')`;
  if (granularity === 'tensor' && axis !== undefined) refuse('axis', `nothing${of}`, axis);
  if ((granularity === 'tensor' || granularity === 'channel') && blockSize !== undefined)
    refuse('blockSize', `nothing${of}`, blockSize);
  if (granularity === 'channel' && axis === undefined) refuse('axis', `the axis of the channels${of}`, axis);
  if (granularity === 'block' && blockSize === undefined) refuse('blockSize', `elements per scale${of}`, blockSize);
  return blockSize === undefined ? axis : (axis ?? -1);
}

export function wantSpread(length: number, options: SpreadOptions): Spread {
  const { blockSize } = options;
  if (options.dims !== undefined) {
    if (!Array.isArray(options.dims)) refuse('dims', 'an array of integers', options.dims);
    for (const dim of options.dims) wantInteger(dim, 'dims', 0);
    const size = options.dims.reduce((product, dim) => product * dim, 1);
    if (size !== length) refuse('dims', `a shape of ${length} elements`, `[${options.dims.join(', ')}]`);
  }
  const axis = axisOf(options);
  if (axis === undefined) return { granularity: 0, outer: 1, axis: 1, inner: length, block: 0, count: 1 };
  if (options.dims === undefined && options.axis !== undefined)
    refuse('dims', 'the shape that axis is an axis of', options.dims);
  const dims = options.dims ?? [length];
  const rank = dims.length;
  const at = normalizeAxis(wantInteger(axis, 'axis', -rank, rank - 1), rank);
  const product = (list: readonly number[]): number => list.reduce((size, dim) => size * dim, 1);
  const outer = product(dims.slice(0, at));
  const inner = product(dims.slice(at + 1));
  const size = dims[at] as number;
  if (blockSize === undefined) return { granularity: 1, outer, axis: size, inner, block: 0, count: size };
  const block = wantInteger(blockSize, 'blockSize', 1);
  return { granularity: 2, outer, axis: size, inner, block, count: outer * Math.ceil(size / block) * inner };
}
