// The plans of matmul(): what its arguments become, by the kind of the weights.

import type { BufferRef } from '../../backend/plan-builder.js';
import type { EightBitFormat } from '../../numerics/formats.js';
import { groupedRowBytes } from '../packed.js';
import { formatNumber, HALF_NUMBERS, type HalfFormat, repeated } from './arguments.js';
import type { PackedContent } from './pack-weights.js';
import type { ArrayPlanBuilder } from './plans.js';

/** What rows of floats become before they are multiplied. */
export type MatmulRows = 'i8' | 'f32' | 'bf16';

/** The arguments of a product, checked. */
export interface Checked {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** 'f32', or the format of the codes in a. */
  readonly source: EightBitFormat | 'f32';
  readonly aScale: Float32Array<ArrayBuffer>;
  readonly aZero: Int32Array<ArrayBuffer>;
  readonly bias: Float32Array | Int32Array | undefined;
  readonly lo: number;
  readonly hi: number;
  /** A kind of unary_f32; -1 for none. */
  readonly unary: number;
  readonly residual: Float32Array | undefined;
  readonly output:
    | { readonly format: EightBitFormat; readonly scale: Float32Array; readonly zeroPoint: number }
    | undefined;
  readonly activations: MatmulRows;
  /** The result is the sums themselves. */
  readonly sums: boolean;
  readonly content: PackedContent;
}

/** How a product by codes of 8 bits ends. */
export interface Form {
  readonly straight: boolean;
  readonly perRow: boolean;
  readonly qlo: number;
  readonly qhi: number;
}

/** Weights of 8 bits. */
export function buildCodes(builder: ArrayPlanBuilder, checked: Checked, { straight, perRow, qlo, qhi }: Form): void {
  const { m, k, n, source, bias, lo, hi, output, sums, content } = checked;
  const { groups } = content;
  const count = groups * n;
  const step = content.scale.length > 1 || groups > 1 ? 1 : 0;
  let a = builder.input(source === 'f32' ? m * k * 4 : m * k);
  const rows = source === 'f32' || perRow ? m : 1;
  const scaleOf = (): ReturnType<ArrayPlanBuilder['input']> =>
    source === 'f32' ? builder.temporary(rows * 4) : builder.input(rows * 4);
  const a_scale = scaleOf();
  const a_zero = scaleOf();
  const added = bias === undefined ? undefined : builder.input(n * 4);
  const residual = checked.residual === undefined ? undefined : builder.input(m * n * 4);
  const parameter = output === undefined ? undefined : builder.input(straight ? content.scale.length * 4 : 4);
  const y = builder.output(output === undefined ? m * n * 4 : m * n);
  if (source === 'f32') {
    const codes = builder.temporary(m * k);
    const rule = { rows: m, columns: k, format: formatNumber('u8'), symmetric: 0 };
    builder.op('dynamic_quantize', { x: a, codes, scale: a_scale, zero_point: a_zero, ...rule });
    a = codes;
  }
  const anyZero = content.zeroPoint.some((zero) => zero !== 0);
  const viaFloat = output !== undefined && !straight;
  const product = viaFloat ? builder.temporary(m * n * 4) : y;
  builder.op('gemm_i8', {
    a,
    a_scale: straight ? undefined : a_scale,
    a_zero,
    packed: builder.constant(content.bytes),
    w_zero: anyZero ? builder.constant(repeated(content.zeroPoint, count)) : undefined,
    offset: bias instanceof Int32Array ? added : undefined,
    multiplier: straight ? parameter : builder.constant(step === 1 ? repeated(content.scale, count) : content.scale),
    bias: bias instanceof Float32Array ? added : undefined,
    y: product,
    ...{ batch: 1, b_batched: 0, m, k, n, a_step: rows === m && (source === 'f32' || perRow) ? 1 : 0 },
    multiplier_step: step,
    a_format: formatNumber(source === 'f32' ? 'u8' : source),
    y_format: sums ? formatNumber('i32') : formatNumber(straight && output !== undefined ? output.format : 'f32'),
    y_zero_point: straight ? (output?.zeroPoint ?? 0) : 0,
    ...{ qlo, qhi, lo, hi },
    ...{ residual, activation: checked.unary, alpha: 1, beta: 0 },
  });
  if (viaFloat) emitOutput(builder, checked, product, parameter, y);
}

/** Weights of 4 bits: the rows by groups, or as they are. */
export function buildGroups(builder: ArrayPlanBuilder, checked: Checked, groupSize: number): void {
  const { m, k, n, lo, hi, activations, content } = checked;
  const group_size = content.groups === 1 ? 0 : groupSize;
  buildOfFloats(builder, checked, (x, bias, y) => {
    const packed = builder.constant(content.bytes);
    const product = { packed, bias, y, bits: 4, m, k, n, group_size, exact: 0, lo, hi };
    if (activations === 'f32') {
      const rows = { a: x, a_scale: undefined, a_sum: undefined, a_format: formatNumber('f32') };
      builder.op('gemm_i4', { ...rows, ...product });
      return;
    }
    const codes = builder.temporary(m * groupedRowBytes(k));
    const [scale, sum] = [builder.temporary(content.groups * m * 4), builder.temporary(content.groups * m * 4)];
    builder.op('quantize_groups', { x, codes, scale, sum, rows: m, columns: k, group_size });
    const rows = { a: codes, a_scale: scale, a_sum: sum, a_format: formatNumber('i8') };
    builder.op('gemm_i4', { ...rows, ...product });
  });
}

/** Weights of 16 bits: floats as they are, or rounded as well. */
export function buildHalves(builder: ArrayPlanBuilder, checked: Checked, format: HalfFormat): void {
  const { m, k, n, lo, hi, activations, content } = checked;
  buildOfFloats(builder, checked, (a, bias, y) => {
    builder.op('gemm_half', {
      ...{ a, packed: builder.constant(content.bytes), bias, y, batch: 1, b_batched: 0, m, k, n },
      ...{ w_format: HALF_NUMBERS[format], a_format: activations === 'bf16' ? HALF_NUMBERS.bf16 : formatNumber('f32') },
      ...{ lo, hi },
    });
  });
}

/** A product of floats that `multiply` puts from x and the bias into y, and codes of it where there is an output. */
function buildOfFloats(
  builder: ArrayPlanBuilder,
  checked: Checked,
  multiply: (x: BufferRef, bias: BufferRef | undefined, y: BufferRef) => void,
): void {
  const { m, k, n, bias, output } = checked;
  const x = builder.input(m * k * 4);
  const added = bias === undefined ? undefined : builder.input(n * 4);
  const parameter = output === undefined ? undefined : builder.input(4);
  const y = builder.output(output === undefined ? m * n * 4 : m * n);
  const product = output === undefined ? y : builder.temporary(m * n * 4);
  multiply(x, added, product);
  if (output !== undefined) emitOutput(builder, checked, product, parameter, y);
}

/** Codes of a float result. */
function emitOutput(
  builder: ArrayPlanBuilder,
  { m, n, output }: Checked,
  product: BufferRef,
  scale: BufferRef | undefined,
  codes: BufferRef,
): void {
  if (output === undefined) return;
  builder.op('quantize', {
    ...{ x: product, scale, zero_point: builder.constant(Int32Array.of(output.zeroPoint)), codes },
    ...{ granularity: 0, outer: 1, axis: 1, inner: m * n, block: 0, format: formatNumber(output.format) },
  });
}
