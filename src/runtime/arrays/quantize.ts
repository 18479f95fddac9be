// quantize: floats to codes.

import type { TypedArray } from '../../core/dtype.js';
import { throwIfAborted } from '../../core/errors.js';
import { type CodecOptions, type ConversionName, isBlockFormat } from '../../numerics/conversions.js';
import {
  type CallOptions,
  formatNumber,
  type Numbers,
  repeated,
  type SpreadOptions,
  wantFloats,
  wantOptions,
  wantOut,
  wantScales,
  wantSpread,
  wantZeroPoints,
} from './arguments.js';
import { encodeBlocksPlan } from './block-plans.js';
import { type ArrayOf, codeArrayOf, codesLength, wantCodecOptions, wantConversion } from './codec.js';
import { encodePlan } from './element-plans.js';
import { type ArrayCall, planOf, runCall, runCallSync } from './plans.js';

/** The array that holds codes of a format. */
export type CodesOf<Format extends ConversionName> = ArrayOf<Format>;

/**
 * `saturate`: for floats false lets what is out of range become Infinity or NaN (the default of f16 and bf16, true for the
 * others), for 4- and 2-bit integers it keeps the low bits (ONNX Cast). `rounding`: of f8e8m0, 'up' by default.
 */
export interface QuantizeOptions<Format extends ConversionName = ConversionName>
  extends SpreadOptions,
    CodecOptions,
    CallOptions {
  readonly format: Format;
  /**
   * One, or one per channel of `axis`, or one per block: [outer, ceil(axis / blockSize), inner]. Integers and nf4 (the max |x| of
   * its block) need it; for floats and for the tensor scale of nvfp4 it is 1 by default; other formats have none.
   */
  readonly scale?: Numbers | undefined;
  /** Of integers: shaped like `scale`, or one; 0 by default. */
  readonly zeroPoint?: Numbers | undefined;
  /** Filled and returned when given. */
  readonly out?: CodesOf<Format> | undefined;
}

/**
 * codes = saturate(rint(f32(x / scale)) + zeroPoint): ONNX QuantizeLinear, bit for bit, the same on every machine; for floats the
 * nearest value, ties to even (docs/numerics.md has every format). Elements below 8 bits are packed, the first one in the low bits
 * (nf4: in the high ones). Block formats (mx*, nvfp4, q*, iq4_nl) give their blocks one after the other, each with its scale; the
 * last axis must be a multiple of the block.
 * Errors: ERR_BAD_ARGUMENT (also for values that the blocks of a ggml format cannot hold), ERR_ABORTED.
 */
export async function quantize<Format extends ConversionName>(
  x: Float32Array,
  options: QuantizeOptions<Format>,
): Promise<CodesOf<Format>> {
  const call = prepare(x, options);
  throwIfAborted(options.signal);
  return runCall(call, options.signal);
}

/** quantize() on the calling thread. */
export function quantizeSync<Format extends ConversionName>(
  x: Float32Array,
  options: QuantizeOptions<Format>,
): CodesOf<Format> {
  return runCallSync(prepare(x, options));
}

function prepare<Format extends ConversionName>(
  x: Float32Array,
  options: QuantizeOptions<Format>,
): ArrayCall<CodesOf<Format>> {
  wantFloats(x, 'x');
  wantOptions(options);
  const format: ConversionName = wantConversion(options.format);
  if (format !== 'u8' && format !== 'i8') return prepareCodec(x, format, options);
  wantCodecOptions(format, options);
  const { count, ...spread } = wantSpread(x.length, options);
  const scale = repeated(wantScales(options.scale, 'scale', count), count);
  const zeroPoint = repeated(wantZeroPoints(options.zeroPoint, 'zeroPoint', count, format), count);
  const array = format === 'u8' ? Uint8Array : Int8Array;
  const codes = wantOut<Uint8Array | Int8Array>(
    options.out as Uint8Array | Int8Array | undefined,
    'out',
    array,
    x.length,
  );
  const plan =
    x.length === 0
      ? undefined
      : planOf(options, ['quantize', format, ...Object.values(spread)], (builder) => {
          builder.op('quantize', {
            x: builder.input(x.length * 4),
            scale: builder.input(count * 4),
            zero_point: builder.input(count * 4),
            codes: builder.output(x.length),
            ...spread,
            format: formatNumber(format),
          });
        });
  return { plan, inputs: [x, scale, zeroPoint], outputs: [codes], result: () => codes as CodesOf<Format> };
}

function prepareCodec<Format extends ConversionName>(
  x: Float32Array,
  format: ConversionName,
  options: QuantizeOptions<Format>,
): ArrayCall<CodesOf<Format>> {
  const { plan, parameters, refusal } = isBlockFormat(format)
    ? encodeBlocksPlan(format, x, options)
    : encodePlan(format, x.length, options);
  const codes = wantOut<TypedArray>(options.out, 'out', codeArrayOf(format), codesLength(format, x.length));
  const result = (): CodesOf<Format> => {
    refusal?.check();
    return codes as CodesOf<Format>;
  };
  return {
    plan,
    inputs: [x, ...parameters],
    outputs: refusal === undefined ? [codes] : [codes, refusal.output],
    result,
  };
}
