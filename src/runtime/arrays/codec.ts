// Formats of conversions, the arrays of their codes, and checks of their options.

import { BLOCKS } from '../../numerics/blocks.js';
import {
  type BlockFormat,
  CONVERSION_NAMES,
  CONVERSIONS,
  type CodeArrays,
  type CodecOptions,
  type ConversionName,
  codeRange,
  type ElementFormat,
} from '../../numerics/conversions.js';
import { EXPONENT_ROUNDINGS, MINIFLOATS } from '../../numerics/minifloat.js';
import { type Numbers, refuse, type SpreadOptions, wantScales, wantSpread } from './arguments.js';

/** The typed array that holds codes of a format. */
export type ArrayOf<Format extends ConversionName> = CodeArrays[(typeof CONVERSIONS)[Format]['array']];

const ARRAYS = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i16: Int16Array } as const;

/** The constructor of the array that holds codes of a format. */
export function codeArrayOf(format: ConversionName): new (length: number) => CodeArrays[keyof CodeArrays] {
  return ARRAYS[CONVERSIONS[format].array];
}

export function wantConversion(value: unknown): ConversionName {
  const format = CONVERSION_NAMES.find((name) => name === value);
  return format ?? refuse('format', `one of ${CONVERSION_NAMES.map((name) => `'${name}'`).join(', ')}`, value);
}

/** Entries of the array that holds `count` elements of a format. */
export function codesLength(format: ConversionName, count: number): number {
  const { bits, kind } = CONVERSIONS[format];
  if (kind === 'block') {
    const { block, bytes } = BLOCKS[format as BlockFormat];
    return (count / block) * bytes;
  }
  return bits >= 8 ? count : Math.ceil((count * bits) / 8);
}

export interface ConversionParameters extends SpreadOptions, CodecOptions {
  readonly scale?: Numbers | undefined;
  readonly zeroPoint?: Numbers | undefined;
}

/** Checks that `saturate` and `rounding` mean something for the format. */
export function wantCodecOptions(format: ConversionName, { saturate, rounding }: CodecOptions): CodecOptions {
  const { kind, bits } = CONVERSIONS[format];
  const wraps = (kind === 'integer' && bits < 8) || kind === 'exponent';
  const overflows = kind === 'minifloat' && MINIFLOATS[format as keyof typeof MINIFLOATS].nan !== undefined;
  if (saturate !== undefined) {
    if (typeof saturate !== 'boolean') refuse('saturate', 'true or false', saturate);
    if (!saturate && !wraps && !overflows) refuse('saturate', `true (${format} has nothing else)`, saturate);
  }
  if (rounding !== undefined) {
    if (kind !== 'exponent') refuse('rounding', `nothing (${format} rounds to nearest)`, rounding);
    if (!EXPONENT_ROUNDINGS.includes(rounding)) refuse('rounding', "'up', 'down' or 'nearest'", rounding);
  }
  return { saturate, rounding };
}

/** Scales and zero points of a conversion of `count` elements, or what is wrong with them. */
export function wantParameters(format: ElementFormat, count: number, options: ConversionParameters) {
  const { kind } = CONVERSIONS[format];
  const spread = wantSpread(count, options);
  if (kind === 'exponent' && options.scale !== undefined)
    refuse('scale', `nothing (${format} has none)`, options.scale);
  const given = options.scale === undefined && (kind === 'minifloat' || kind === 'exponent') ? 1 : options.scale;
  const scale = wantScales(given, 'scale', spread.count);
  const zeroPoint = zeroPointsOf(format, options.zeroPoint, spread.count);
  return { spread, scale, zeroPoint };
}

function zeroPointsOf(format: ElementFormat, value: Numbers | undefined, count: number): Int32Array {
  if (value === undefined) return Int32Array.of(0);
  const row = CONVERSIONS[format];
  const zeros = typeof value === 'number' ? [value] : Array.from(value);
  if (zeros.length !== 1 && zeros.length !== count) refuse('zeroPoint', `a number or ${count} numbers`, value);
  const { qmin, qmax } = row.kind === 'integer' ? codeRange(format as 'u8') : { qmin: 0, qmax: 0 };
  const bad = zeros.find((zero) => !Number.isInteger(zero) || zero < qmin || zero > qmax);
  if (bad !== undefined) refuse('zeroPoint', qmin === qmax ? `0 (${format})` : `integers from ${qmin} to ${qmax}`, bad);
  return Int32Array.from(zeros);
}

/** Checks the options of a block format, and gives its scale of the tensor. */
export function wantBlocks(format: BlockFormat, count: number, options: ConversionParameters): Float32Array {
  const { block } = BLOCKS[format];
  wantCodecOptions(format, options);
  if (options.zeroPoint !== undefined) refuse('zeroPoint', `nothing (${format} has none)`, options.zeroPoint);
  if (options.blockSize !== undefined && options.blockSize !== block)
    refuse('blockSize', `${block}, the block of ${format}`, options.blockSize);
  const { dims, axis, granularity } = options;
  if (granularity !== undefined && granularity !== 'block')
    refuse('granularity', `'block', which ${format} comes in`, granularity);
  wantSpread(count, dims === undefined ? {} : { dims });
  const last = dims === undefined ? count : (dims.at(-1) ?? 1);
  if (axis !== undefined && axis !== -1 && axis !== (dims?.length ?? 1) - 1)
    refuse('axis', `the last axis, along which ${format} has its blocks`, axis);
  if (last % block !== 0)
    refuse(dims === undefined ? 'x' : 'dims', `a multiple of ${block} elements along the last axis`, last);
  if (options.scale !== undefined && format !== 'nvfp4')
    refuse('scale', `nothing (${format} has its own)`, options.scale);
  return wantScales(options.scale ?? 1, 'scale', 1);
}
