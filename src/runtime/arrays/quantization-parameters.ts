// quantizationParameters: the scale and the zero point that fit data.

import { LowbitError, throwIfAborted } from '../../core/errors.js';
import { CONVERSIONS, limitsOf, type ScaledFormat } from '../../numerics/conversions.js';
import { chooseParametersFor } from '../../numerics/params.js';
import {
  type CallOptions,
  refuse,
  type Spread,
  type SpreadOptions,
  wantFloats,
  wantOptions,
  wantSpread,
} from './arguments.js';
import { wantConversion } from './codec.js';
import { type ArrayCall, type ArrayPlanBuilder, planOf, runCall, runCallSync } from './plans.js';

export interface ParametersOptions extends SpreadOptions, CallOptions {
  readonly format: ScaledFormat;
  /** Equal ranges on both sides of zero: zero point 0, or the middle code (128 of u8). Floats, nf4 and nvfp4 have no other. */
  readonly symmetric: boolean;
}

/** Options of several scales, and of one. */
type PerScale = { readonly axis: number } | { readonly blockSize: number };
interface ForAll {
  readonly axis?: undefined;
  readonly blockSize?: undefined;
}

/** One scale and zero point per channel or block, in the order that quantize() takes. */
export interface ParameterArrays {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
}

/** One scale and zero point for all. */
export interface ParameterNumbers {
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * Parameters by minimum and maximum, NaN left out (`chooseParameters` has the formulas; for floats, nf4 and
 * the tensor scale of nvfp4: max |x| / the largest value of the format). With `axis` or `blockSize`: arrays, one entry per
 * channel or block; without: numbers. Errors: ERR_BAD_ARGUMENT (also for data without a finite value), ERR_ABORTED.
 */
export async function quantizationParameters(
  x: Float32Array,
  options: ParametersOptions & PerScale,
): Promise<ParameterArrays>;
export async function quantizationParameters(
  x: Float32Array,
  options: ParametersOptions & ForAll,
): Promise<ParameterNumbers>;
export async function quantizationParameters(
  x: Float32Array,
  options: ParametersOptions,
): Promise<ParameterArrays | ParameterNumbers> {
  const call = prepare(x, options);
  throwIfAborted(options.signal);
  return runCall(call, options.signal);
}

/** quantizationParameters() on the calling thread. */
export function quantizationParametersSync(x: Float32Array, options: ParametersOptions & PerScale): ParameterArrays;
export function quantizationParametersSync(x: Float32Array, options: ParametersOptions & ForAll): ParameterNumbers;
export function quantizationParametersSync(
  x: Float32Array,
  options: ParametersOptions,
): ParameterArrays | ParameterNumbers {
  return runCallSync(prepare(x, options));
}

function prepare(x: Float32Array, options: ParametersOptions): ArrayCall<ParameterArrays | ParameterNumbers> {
  wantFloats(x, 'x');
  wantOptions(options);
  const format = wantConversion(options.format);
  const limits = limitsOf(format) ?? refuse('format', 'a format that takes scales', format);
  const { symmetric } = options;
  if (typeof symmetric !== 'boolean') refuse('symmetric', 'true or false', symmetric);
  if (!symmetric && CONVERSIONS[format].kind !== 'integer')
    refuse('symmetric', `true (${format} has no zero point)`, symmetric);
  const spread = wantSpread(x.length, options);
  if (format === 'nvfp4' && spread.granularity !== 0)
    refuse(
      options.axis === undefined ? 'blockSize' : 'axis',
      'nothing (nvfp4 has one scale of the tensor)',
      options.axis,
    );
  if (x.length === 0)
    throw new LowbitError('ERR_BAD_ARGUMENT', 'Expected at least one element for x', { argument: 'x' });
  const { count, ...geometry } = spread;
  const ranges = new Float32Array(2 * count);
  const plan = planOf(options, ['parameters', ...Object.values(geometry)], (builder) => {
    observe(builder, x.length, spread);
  });
  const result = (): ParameterArrays | ParameterNumbers => {
    const scale = new Float32Array(count);
    const zeroPoint = new Int32Array(count);
    for (let index = 0; index < count; index++) {
      const row = rowOf(index, spread);
      const range = { min: ranges[2 * row] as number, max: ranges[2 * row + 1] as number };
      const chosen = chooseParametersFor(range, limits, symmetric);
      scale[index] = chosen.scale;
      zeroPoint[index] = chosen.zeroPoint;
    }
    if (spread.granularity !== 0) return { scale, zeroPoint };
    return { scale: scale[0] as number, zeroPoint: zeroPoint[0] as number };
  };
  return { plan, inputs: [x], outputs: [ranges], result };
}

/** Ranges per tensor, per channel, or per block as [outer, inner, blocks]. */
function observe(
  builder: ArrayPlanBuilder,
  length: number,
  { granularity, outer, axis, inner, block, count }: Spread,
): void {
  const x = builder.input(length * 4);
  const out = builder.output(count * 8);
  if (granularity === 0) {
    builder.op('min_max', { x, out, n: length });
    return;
  }
  if (granularity === 1) {
    builder.op('min_max_channel', { x, out, outer, axis, inner });
    return;
  }
  // Rows along the axis, each filled up with NaN (which is not counted) to whole blocks.
  const rows = outer * inner;
  const blocks = Math.ceil(axis / block);
  let along = x;
  if (inner > 1) {
    along = builder.temporary(length * 4);
    builder.op('transpose', {
      ...{ x, y: along, element_bytes: 4, d0: 1, d1: 1, d2: 1, d3: outer, d4: inner, d5: axis },
      ...{ s0: 0, s1: 0, s2: 0, s3: axis * inner, s4: 1, s5: inner },
    });
  }
  if (axis % block !== 0) {
    const width = blocks * block;
    const filled = builder.temporary(rows * width * 4);
    const none = builder.constant(new Float32Array(width - axis).fill(Number.NaN));
    const to = { y: filled, rows, x_offset: 0, y_stride: width * 4 };
    builder.op('copy_rows', { ...to, x: along, row_bytes: axis * 4, x_stride: axis * 4, y_offset: 0 });
    builder.op('copy_rows', { ...to, x: none, row_bytes: (width - axis) * 4, x_stride: 0, y_offset: axis * 4 });
    along = filled;
  }
  builder.op('min_max_channel', { x: along, out, outer: 1, axis: rows * blocks, inner: block });
}

/** Where `observe` puts the range of the scale at `index` of [outer, blocks, inner]. */
function rowOf(index: number, { granularity, axis, inner, block }: Spread): number {
  if (granularity !== 2) return index;
  const blocks = Math.ceil(axis / block);
  const position = index % inner;
  const rest = Math.floor(index / inner);
  return (Math.floor(rest / blocks) * inner + position) * blocks + (rest % blocks);
}
