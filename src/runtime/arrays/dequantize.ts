// dequantize: codes to floats.

import { throwIfAborted } from '../../core/errors.js';
import { BLOCKS } from '../../numerics/blocks.js';
import { CONVERSIONS, type ConversionName, isBlockFormat } from '../../numerics/conversions.js';
import {
  type CallOptions,
  formatNumber,
  formatOfCodes,
  type Numbers,
  refuse,
  repeated,
  type SpreadOptions,
  wantInteger,
  wantOptions,
  wantOut,
  wantScales,
  wantSpread,
  wantZeroPoints,
} from './arguments.js';
import { decodeBlocksPlan } from './block-plans.js';
import { codeArrayOf, codesLength, wantConversion } from './codec.js';
import { decodePlan } from './element-plans.js';
import { type ArrayCall, planOf, runCall, runCallSync } from './plans.js';

export interface DequantizeOptions extends SpreadOptions, CallOptions {
  /** What the codes are; by default what their array says: u8, i8, i16 or i32. Needed for all others. */
  readonly format?: ConversionName | undefined;
  /** Number of elements, for packed formats; by default the product of `dims`, or all that the codes hold. */
  readonly count?: number | undefined;
  /**
   * One, or one per channel of `axis`, or one per block: [outer, ceil(axis / blockSize), inner]. Integers and nf4 need it; for
   * floats and for the tensor scale of nvfp4 it is 1 by default; other formats have none.
   */
  readonly scale?: Numbers | undefined;
  /** Of integers: shaped like `scale`, or one; 0 by default. */
  readonly zeroPoint?: Numbers | undefined;
  /** Filled and returned when given. */
  readonly out?: Float32Array | undefined;
}

/** u8 (also packed elements and blocks), i8, u16 (also f16 and bf16), i16, or the i32 of biases and accumulators. */
export type Codes = Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array;

/**
 * x = f32(f32(codes - zeroPoint) * scale): ONNX DequantizeLinear, bit for bit, the same on every machine. Other formats are taken
 * as quantize() gives them: x = f32(value of the code * scale).
 * Errors: ERR_BAD_ARGUMENT, ERR_ABORTED.
 */
export async function dequantize(codes: Codes, options: DequantizeOptions): Promise<Float32Array> {
  const call = prepare(codes, options);
  throwIfAborted(options.signal);
  return runCall(call, options.signal);
}

/** dequantize() on the calling thread. */
export function dequantizeSync(codes: Codes, options: DequantizeOptions): Float32Array {
  return runCallSync(prepare(codes, options));
}

function prepare(codes: Codes, options: DequantizeOptions): ArrayCall<Float32Array> {
  wantOptions(options);
  const named = options.format ?? (codes instanceof Int16Array ? 'i16' : undefined);
  if (named !== undefined && named !== 'u8' && named !== 'i8')
    return prepareCodec(codes, wantConversion(named), options);
  const format = codes instanceof Int32Array ? 'i32' : formatOfCodes(codes, 'codes');
  if (named !== undefined && named !== format) wantCodes(codes, named);
  if (options.count !== undefined && options.count !== codes.length)
    refuse('count', String(codes.length), options.count);
  const { count, ...spread } = wantSpread(codes.length, options);
  const scale = repeated(wantScales(options.scale, 'scale', count), count);
  const zeroPoint = repeated(wantZeroPoints(options.zeroPoint, 'zeroPoint', count, format), count);
  const x = wantOut<Float32Array>(options.out, 'out', Float32Array, codes.length);
  const plan =
    codes.length === 0
      ? undefined
      : planOf(options, ['dequantize', format, ...Object.values(spread)], (builder) => {
          builder.op('dequantize', {
            codes: builder.input(codes.byteLength),
            scale: builder.input(count * 4),
            zero_point: builder.input(count * 4),
            x: builder.output(codes.length * 4),
            ...spread,
            format: formatNumber(format),
          });
        });
  return { plan, inputs: [codes, scale, zeroPoint], outputs: [x], result: () => x };
}

function wantCodes(codes: unknown, format: ConversionName): asserts codes is Codes {
  const array = codeArrayOf(format);
  if (!(codes instanceof array)) refuse('codes', `a ${array.name} (${format})`, codes);
}

function prepareCodec(codes: Codes, format: ConversionName, options: DequantizeOptions): ArrayCall<Float32Array> {
  wantCodes(codes, format);
  const held = isBlockFormat(format)
    ? Math.floor(codes.length / BLOCKS[format].bytes) * BLOCKS[format].block
    : codes.length * Math.max(1, Math.floor(8 / CONVERSIONS[format].bits));
  const { dims } = options;
  const count = wantInteger(
    options.count ?? (Array.isArray(dims) ? dims.reduce((product, dim) => product * dim, 1) : held),
    options.count === undefined ? 'dims' : 'count',
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const { plan, parameters } = isBlockFormat(format)
    ? decodeBlocksPlan(format, count, options)
    : decodePlan(format, count, options);
  const wanted = codesLength(format, count);
  if (codes.length !== wanted) refuse('codes', `${wanted} entries for ${count} elements of ${format}`, codes);
  const x = wantOut<Float32Array>(options.out, 'out', Float32Array, count);
  return { plan, inputs: [codes, ...parameters], outputs: [x], result: () => x };
}
