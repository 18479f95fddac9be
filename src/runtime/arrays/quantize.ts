// quantize: floats to codes.

import { throwIfAborted } from '../../core/errors.js';
import type { EightBitFormat } from '../../numerics/formats.js';
import {
  type CallOptions,
  formatNumber,
  type Numbers,
  repeated,
  type SpreadOptions,
  wantFloats,
  wantFormat,
  wantOptions,
  wantOut,
  wantScales,
  wantSpread,
  wantZeroPoints,
} from './arguments.js';
import { type ArrayCall, planOf, runCall, runCallSync } from './plans.js';

/** The array that holds codes of a format. */
export type CodesOf<Format extends EightBitFormat> = Format extends 'u8' ? Uint8Array : Int8Array;

export interface QuantizeOptions<Format extends EightBitFormat = EightBitFormat> extends SpreadOptions, CallOptions {
  readonly format: Format;
  /** One, or one per channel of `axis`, or one per block: [outer, ceil(axis / blockSize), inner]. */
  readonly scale: Numbers;
  /** Shaped like `scale`, or one; 0 by default. */
  readonly zeroPoint?: Numbers | undefined;
  /** Filled and returned when given. */
  readonly out?: CodesOf<Format> | undefined;
}

/**
 * codes = saturate(rint(f32(x / scale)) + zeroPoint): ONNX QuantizeLinear, bit for bit, the same on every machine.
 * Errors: ERR_BAD_ARGUMENT, ERR_ABORTED.
 */
export async function quantize<Format extends EightBitFormat>(
  x: Float32Array,
  options: QuantizeOptions<Format>,
): Promise<CodesOf<Format>> {
  const call = prepare(x, options);
  throwIfAborted(options.signal);
  return runCall(call, options.signal);
}

/** quantize() on the calling thread. */
export function quantizeSync<Format extends EightBitFormat>(
  x: Float32Array,
  options: QuantizeOptions<Format>,
): CodesOf<Format> {
  return runCallSync(prepare(x, options));
}

function prepare<Format extends EightBitFormat>(
  x: Float32Array,
  options: QuantizeOptions<Format>,
): ArrayCall<CodesOf<Format>> {
  wantFloats(x, 'x');
  wantOptions(options);
  const format = wantFormat(options.format);
  const { count, ...spread } = wantSpread(x.length, options);
  const scale = repeated(wantScales(options.scale, 'scale', count), count);
  const zeroPoint = repeated(wantZeroPoints(options.zeroPoint, 'zeroPoint', count, format), count);
  const array = format === 'u8' ? Uint8Array : Int8Array;
  const codes = wantOut<Uint8Array | Int8Array>(options.out, 'out', array, x.length);
  const plan =
    x.length === 0
      ? undefined
      : planOf(options.backend, ['quantize', format, ...Object.values(spread)], (builder) => {
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
