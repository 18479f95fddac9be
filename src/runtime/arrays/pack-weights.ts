// packWeights: a matrix of codes, or of floats of 16 bits, in the order in which matmul reads it.

import { LowbitError, throwIfAborted } from '../../core/errors.js';
import type { EightBitFormat } from '../../numerics/formats.js';
import { floatFields } from '../../numerics/minifloat.js';
import { packedGroupsBytes, packedHalfBytes, packedI8Bytes } from '../packed.js';
import {
  type CallOptions,
  type FourBitFormat,
  formatNumber,
  formatOfCodes,
  HALF_NUMBERS,
  type HalfFormat,
  isFourBit,
  isHalf,
  type Numbers,
  refuse,
  repeated,
  wantFormat,
  wantInteger,
  wantOptions,
  wantScales,
  wantZeroPoints,
} from './arguments.js';
import { type ArrayCall, ArrayPlans, planOf, runCall, runCallSync } from './plans.js';

export interface PackOptions extends CallOptions {
  /** Rows: the length of the dot products. */
  readonly k: number;
  /** Columns: the length of a row of the result. */
  readonly n: number;
  /** One, or one per column; with `groupSize`: [groups, n]. */
  readonly scale: Numbers;
  /** Shaped like `scale`, or one; 0 by default. */
  readonly zeroPoint?: Numbers | undefined;
  /** Of the codes; by default what their array says. 'i4' and 'u4' are codes of which a byte holds two, as quantize() gives them. */
  readonly format?: EightBitFormat | FourBitFormat | undefined;
  /** Rows that share a scale: a multiple of 4 (of 8 for 4-bit codes). By default all of them. */
  readonly groupSize?: number | undefined;
}

/** Floats of 16 bits: half the memory of f32, and so half the time of products that wait for their weights. */
export interface PackHalvesOptions extends CallOptions {
  /** Rows: the length of the dot products. */
  readonly k: number;
  /** Columns: the length of a row of the result. */
  readonly n: number;
  readonly format: HalfFormat;
}

/** What packed weights are made of. */
export type WeightFormat = EightBitFormat | FourBitFormat | HalfFormat;

/** What matmul() multiplies by; made by packWeights(), opaque otherwise. */
export class PackedWeights {
  readonly k: number;
  readonly n: number;
  readonly format: WeightFormat;
  /** Rows per group; k when there is one group. */
  readonly groupSize: number;
  readonly byteLength: number;
  #content: PackedContent | undefined;

  constructor(options: { k: number; n: number; format: WeightFormat; groupSize: number }, content: PackedContent) {
    this.k = options.k;
    this.n = options.n;
    this.format = options.format;
    this.groupSize = options.groupSize;
    this.byteLength = content.bytes.byteLength;
    this.#content = content;
  }

  /** Frees the weights and the plans over them. Calling it again does nothing. */
  dispose(): void {
    this.#content?.plans.dispose();
    this.#content = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The bytes and parameters behind packed weights. Errors: ERR_BAD_ARGUMENT for anything else, ERR_DISPOSED. */
  static contentOf(weights: unknown): PackedContent {
    if (!(weights instanceof PackedWeights)) return refuse('packed', 'weights made by packWeights()', weights);
    if (weights.#content === undefined)
      throw new LowbitError('ERR_DISPOSED', 'The packed weights were used after dispose()');
    return weights.#content;
  }
}

export interface PackedContent {
  /** Of an element: 8 are packed by pack_i8; 4 by pack_i4, with their scales and zero points; 16 by pack_half. */
  readonly bits: 4 | 8 | 16;
  readonly bytes: Uint8Array;
  /** [1], [n] or [groups * n]. */
  readonly scale: Float32Array<ArrayBuffer>;
  readonly zeroPoint: Int32Array<ArrayBuffer>;
  readonly groups: number;
  /** Plans that hold these weights as constants. */
  readonly plans: ArrayPlans;
}

/** Plans per packed matrix: each holds a copy of the weights, and a program uses few sizes of m. */
const PLANS_PER_MATRIX = 4;

/**
 * Packs the row-major k x n matrix w = (codes - zeroPoint) * scale for matmul(). The codes are read before this returns.
 * Codes of 4 bits come from quantize() with `dims: [k, n]`, `axis: 0` and, for groups, `blockSize: groupSize`.
 * Weights of 16 bits are floats, rounded to the nearest (ties to even), or the codes that quantize() makes of them.
 * Errors: ERR_BAD_ARGUMENT, ERR_ABORTED.
 */
export async function packWeights(codes: Uint8Array | Int8Array, options: PackOptions): Promise<PackedWeights>;
export async function packWeights(
  values: Float32Array | Uint16Array,
  options: PackHalvesOptions,
): Promise<PackedWeights>;
export async function packWeights(values: Weights, options: PackOptions | PackHalvesOptions): Promise<PackedWeights> {
  const call = prepare(values, options);
  throwIfAborted(options.signal);
  return runCall(call, options.signal);
}

/** packWeights() on the calling thread. */
export function packWeightsSync(codes: Uint8Array | Int8Array, options: PackOptions): PackedWeights;
export function packWeightsSync(values: Float32Array | Uint16Array, options: PackHalvesOptions): PackedWeights;
export function packWeightsSync(values: Weights, options: PackOptions | PackHalvesOptions): PackedWeights {
  return runCallSync(prepare(values, options));
}

type Weights = Uint8Array | Int8Array | Float32Array | Uint16Array;

function prepare(values: Weights, options: PackOptions | PackHalvesOptions): ArrayCall<PackedWeights> {
  wantOptions(options);
  if (isHalf(options.format)) return prepareHalves(values, options, options.format);
  if (!(values instanceof Uint8Array || values instanceof Int8Array))
    refuse('codes', 'a Uint8Array or an Int8Array (or the format f16 or bf16)', values);
  return prepareCodes(values, options as PackOptions);
}

function prepareHalves(
  values: Weights,
  options: PackOptions | PackHalvesOptions,
  format: HalfFormat,
): ArrayCall<PackedWeights> {
  const k = wantInteger(options.k, 'k', 1);
  const n = wantInteger(options.n, 'n', 1);
  const coded = values instanceof Uint16Array;
  if (!coded && !(values instanceof Float32Array))
    refuse('values', `a Float32Array, or a Uint16Array of ${format} codes`, values);
  if (values.length !== k * n) refuse('values', `k * n = ${k * n} elements`, values);
  for (const argument of ['scale', 'zeroPoint', 'groupSize'] as const) {
    const given = (options as Partial<PackOptions>)[argument];
    if (given !== undefined) refuse(argument, `nothing (${format} is no quantized format)`, given);
  }
  const bytes = new Uint8Array(packedHalfBytes(k, n));
  const plan = planOf(options, ['pack', k, n, format, Number(coded)], (builder) => {
    const given = builder.input(values.byteLength);
    let w = given;
    if (coded) {
      w = builder.temporary(k * n * 4);
      const one = builder.constant(Float32Array.of(1));
      const whole = { granularity: 0, outer: 1, axis: 1, inner: k * n, block: 0 };
      builder.op('decode_float', { codes: given, scale: one, x: w, ...whole, ...floatFields(format, false) });
    }
    builder.op('pack_half', {
      ...{ w, packed: builder.output(bytes.byteLength), batch: 1, batch_stride: 0, format: HALF_NUMBERS[format] },
      ...{ k0: 1, k1: 1, k2: k, k0_stride: 0, k1_stride: 0, k2_stride: n, n, n_stride: 1 },
    });
  });
  const plans = new ArrayPlans(PLANS_PER_MATRIX);
  const unscaled = { scale: Float32Array.of(1), zeroPoint: Int32Array.of(0), groups: 1 };
  return {
    plan,
    inputs: [values],
    outputs: [bytes],
    result: () => new PackedWeights({ k, n, format, groupSize: k }, { bits: 16, bytes, ...unscaled, plans }),
  };
}

function prepareCodes(codes: Uint8Array | Int8Array, options: PackOptions): ArrayCall<PackedWeights> {
  const found = formatOfCodes(codes, 'codes');
  if (isFourBit(options.format)) return prepareFourBits(codes, options, options.format);
  const format = options.format === undefined ? found : wantFormat(options.format);
  if (format !== found) refuse('codes', format === 'u8' ? 'a Uint8Array (u8)' : 'an Int8Array (i8)', codes);
  const k = wantInteger(options.k, 'k', 1);
  const n = wantInteger(options.n, 'n', 1);
  if (codes.length !== k * n) refuse('codes', `k * n = ${k * n} codes`, codes);
  const groupSize = options.groupSize === undefined ? k : wantInteger(options.groupSize, 'groupSize', 1, k);
  if (groupSize !== k && groupSize % 4 !== 0) refuse('groupSize', 'a multiple of 4', groupSize);
  const groups = Math.ceil(k / groupSize);
  const scale = wantScales(options.scale, 'scale', groups * n);
  const zeroPoint = wantZeroPoints(options.zeroPoint, 'zeroPoint', groups * n, format);
  const bytes = new Uint8Array(packedI8Bytes(k, n, groupSize));
  const plan = planOf(options, ['pack', k, n, groupSize, format], (builder) => {
    builder.op('pack_i8', {
      w: builder.input(k * n),
      packed: builder.output(bytes.byteLength),
      ...{ batch: 1, batch_stride: 0, k0: 1, k1: 1, k2: k, k0_stride: 0, k1_stride: 0, k2_stride: n, n, n_stride: 1 },
      group_size: groups === 1 ? 0 : groupSize,
      format: formatNumber(format),
    });
  });
  const content: PackedContent = { bits: 8, bytes, scale, zeroPoint, groups, plans: new ArrayPlans(PLANS_PER_MATRIX) };
  return {
    plan,
    inputs: [codes],
    outputs: [bytes],
    result: () => new PackedWeights({ k, n, format, groupSize }, content),
  };
}

/** Codes u4 that stand for 0 where no zero point is packed. */
const MIDDLE = 8;

function prepareFourBits(
  codes: Uint8Array | Int8Array,
  options: PackOptions,
  format: FourBitFormat,
): ArrayCall<PackedWeights> {
  const k = wantInteger(options.k, 'k', 1);
  const n = wantInteger(options.n, 'n', 1);
  const stored = Math.ceil((k * n) / 2);
  if (codes.length !== stored) refuse('codes', `k * n / 2 = ${stored} bytes`, codes);
  const groupSize = options.groupSize === undefined ? k : wantInteger(options.groupSize, 'groupSize', 1, k);
  if (groupSize !== k && groupSize % 8 !== 0) refuse('groupSize', 'a multiple of 8', groupSize);
  const groups = Math.ceil(k / groupSize);
  const scale = repeated(wantScales(options.scale, 'scale', groups * n), groups * n);
  const zeroPoint = wantZeroPoints(options.zeroPoint, 'zeroPoint', groups * n, format);
  const symmetric = zeroPoint.every((zero) => zero === (format === 'u4' ? MIDDLE : 0));
  const zeros = symmetric ? [] : [Int8Array.from(repeated(zeroPoint, groups * n))];
  const bytes = new Uint8Array(packedGroupsBytes(4, k, n, groupSize, !symmetric));
  const plan = planOf(options, ['pack', k, n, groupSize, format, Number(symmetric)], (builder) => {
    const [w, scales] = [builder.input(stored), builder.input(scale.byteLength)];
    builder.op('pack_i4', {
      ...{ w, scale: scales, zero: symmetric ? undefined : builder.input(groups * n), bits: 4, k, n },
      ...{ packed: builder.output(bytes.byteLength), format: formatNumber(format === 'u4' ? 'u8' : 'i8') },
      ...{ k_stride: n, n_stride: 1, group_size: groups === 1 ? 0 : groupSize },
      ...{ scale_group_stride: n, scale_n_stride: 1, zero_bits: 8, zero_group_stride: n, zero_n_stride: 1 },
    });
  });
  const plans = new ArrayPlans(PLANS_PER_MATRIX);
  return {
    plan,
    inputs: [codes, scale, ...zeros],
    outputs: [bytes],
    result: () => new PackedWeights({ k, n, format, groupSize }, { bits: 4, bytes, scale, zeroPoint, groups, plans }),
  };
}
