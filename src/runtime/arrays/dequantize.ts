// dequantize: codes to floats.

import { throwIfAborted } from '../../core/errors.js';
import {
  type CallOptions,
  formatNumber,
  formatOfCodes,
  type Numbers,
  repeated,
  type SpreadOptions,
  wantOptions,
  wantOut,
  wantScales,
  wantSpread,
  wantZeroPoints,
} from './arguments.js';
import { type ArrayCall, planOf, runCall, runCallSync } from './plans.js';

export interface DequantizeOptions extends SpreadOptions, CallOptions {
  /** One, or one per channel of `axis`, or one per block: [outer, ceil(axis / blockSize), inner]. */
  readonly scale: Numbers;
  /** Shaped like `scale`, or one; 0 by default. */
  readonly zeroPoint?: Numbers | undefined;
  /** Filled and returned when given. */
  readonly out?: Float32Array | undefined;
}

/** u8, i8, or the i32 of biases and accumulators. */
export type Codes = Uint8Array | Int8Array | Int32Array;

/**
 * x = f32(f32(codes - zeroPoint) * scale): ONNX DequantizeLinear, bit for bit, the same on every machine.
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
  const format = codes instanceof Int32Array ? 'i32' : formatOfCodes(codes, 'codes');
  wantOptions(options);
  const { count, ...spread } = wantSpread(codes.length, options);
  const scale = repeated(wantScales(options.scale, 'scale', count), count);
  const zeroPoint = repeated(wantZeroPoints(options.zeroPoint, 'zeroPoint', count, format), count);
  const x = wantOut<Float32Array>(options.out, 'out', Float32Array, codes.length);
  const plan =
    codes.length === 0
      ? undefined
      : planOf(options.backend, ['dequantize', format, ...Object.values(spread)], (builder) => {
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
