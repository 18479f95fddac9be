// Formats of conversions and their options; those that no kernel has run in slices, so that the event loop keeps turning.

import type { TypedArray } from '../../core/dtype.js';
import { throwIfAborted } from '../../core/errors.js';
import type { BlockCodec } from '../../numerics/block.js';
import {
  BLOCK_CODECS,
  type BlockFormat,
  CONVERSION_NAMES,
  CONVERSIONS,
  type CodeArrays,
  type CodecOptions,
  type ConversionName,
  codeRange,
  type ElementFormat,
} from '../../numerics/conversions.js';
import { decodeExponent, encodeExponent, MINIFLOATS } from '../../numerics/minifloat.js';
import { type Numbers, refuse, type SpreadOptions, wantScales, wantSpread } from './arguments.js';

/** Work that can be done a slice at a time: `step` handles the units from `from` to `to`. */
export interface SlicedWork {
  readonly units: number;
  /** Units of one slice; a few milliseconds. */
  readonly slice: number;
  step(from: number, to: number): void;
}

export async function runSlices({ units, slice, step }: SlicedWork, signal: AbortSignal | undefined): Promise<void> {
  for (let from = 0; from < units; from += slice) {
    if (from > 0) await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(signal);
    step(from, Math.min(units, from + slice));
  }
}

/** Elements of a slice. */
const SLICE = 1 << 17;

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
    const { block, bytes } = BLOCK_CODECS[format as BlockFormat];
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
    if (!['up', 'down', 'nearest'].includes(rounding)) refuse('rounding', "'up', 'down' or 'nearest'", rounding);
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
function wantBlocks(
  format: BlockFormat,
  count: number,
  options: ConversionParameters,
): { codec: BlockCodec; scale: number } {
  const codec = BLOCK_CODECS[format];
  wantCodecOptions(format, options);
  if (options.zeroPoint !== undefined) refuse('zeroPoint', `nothing (${format} has none)`, options.zeroPoint);
  if (options.blockSize !== undefined && options.blockSize !== codec.block)
    refuse('blockSize', `${codec.block}, the block of ${format}`, options.blockSize);
  const { dims, axis } = options;
  wantSpread(count, dims === undefined ? {} : { dims });
  const last = dims === undefined ? count : (dims.at(-1) ?? 1);
  if (axis !== undefined && axis !== -1 && axis !== (dims?.length ?? 1) - 1)
    refuse('axis', `the last axis, along which ${format} has its blocks`, axis);
  if (last % codec.block !== 0)
    refuse(dims === undefined ? 'x' : 'dims', `a multiple of ${codec.block} elements along the last axis`, last);
  if (options.scale !== undefined && !codec.tensorScale)
    refuse('scale', `nothing (${format} has its own)`, options.scale);
  return { codec, scale: wantScales(options.scale ?? 1, 'scale', 1)[0] as number };
}

function blockWork(codec: BlockCodec, count: number, each: (block: number) => void): SlicedWork {
  return {
    units: count / codec.block,
    slice: SLICE / codec.block,
    step(from, to) {
      for (let block = from; block < to; block++) each(block);
    },
  };
}

/** f8e8m0 and the formats that come in blocks: what kernels do not convert. */
export type SlicedFormat = 'f8e8m0' | BlockFormat;

export function isSliced(format: ConversionName): format is SlicedFormat {
  return format === 'f8e8m0' || CONVERSIONS[format].kind === 'block';
}

function exponentWork(count: number, each: (i: number) => void): SlicedWork {
  return {
    units: count,
    slice: SLICE,
    step(from, to) {
      for (let i = from; i < to; i++) each(i);
    },
  };
}

/** The work of x to codes. Errors: ERR_BAD_ARGUMENT; while it runs also for blocks that the format cannot hold. */
export function encodeWork(
  format: SlicedFormat,
  x: Float32Array,
  options: ConversionParameters,
  outOf: () => TypedArray,
): SlicedWork {
  if (format === 'f8e8m0') {
    const { rounding = 'up', saturate = true } = wantCodecOptions(format, options);
    wantParameters(format, x.length, options);
    const out = outOf();
    return exponentWork(x.length, (i) => {
      out[i] = encodeExponent(x[i] as number, rounding, saturate);
    });
  }
  const { codec, scale } = wantBlocks(format, x.length, options);
  const out = outOf() as Uint8Array;
  return blockWork(codec, x.length, (block) => {
    const from = block * codec.block;
    if (codec.encode(x, from, out, block * codec.bytes, scale)) return;
    refuse(`x[${from}..${from + codec.block - 1}]`, `finite values whose scale an f16 can hold (${format})`, x);
  });
}

/** The work of codes to `count` elements x. Errors: ERR_BAD_ARGUMENT. */
export function decodeWork(
  format: SlicedFormat,
  codes: TypedArray,
  count: number,
  options: ConversionParameters,
  outOf: () => Float32Array,
): SlicedWork {
  if (format === 'f8e8m0') {
    wantParameters(format, count, options);
    const x = outOf();
    return exponentWork(count, (i) => {
      x[i] = decodeExponent(codes[i] as number);
    });
  }
  const { codec, scale } = wantBlocks(format, count, options);
  const x = outOf();
  return blockWork(codec, count, (block) => {
    codec.decode(codes as Uint8Array, block * codec.bytes, x, block * codec.block, scale);
  });
}
