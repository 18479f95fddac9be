// Products whose activations are quantized at run time: DynamicGemm, DynamicConv, DynamicQuantizeLinear.

import { DTYPES } from '../../core/dtype.js';
import type { Node } from '../../ir/graph.js';
import { clampOf, inputOf, outputOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { packedI8Bytes } from '../packed.js';
import { part, type View } from '../program.js';
import { geometryOf } from './conv.js';
import { gemmProduct, type Product, sizeOfDims } from './matrix.js';
import { columnScales, columnVector, columnZeros, expectCodes, formatOf } from './parameters.js';
import type { Window } from './window.js';

/** Codes u8 of a tensor, its scale (f32) and its zero point (i32), all known only at run time. */
interface Quantized {
  readonly codes: View;
  readonly scale: View;
  readonly zero: View;
}

function quantizeAtRunTime(at: Lowering, x: View, count: number, codes = at.scratch(count, 'codes')): Quantized {
  const scale = at.scratch(4, 'scale');
  const zero_point = at.scratch(4, 'zero point');
  const rule = { rows: 1, columns: count, format: DTYPES.uint8.onnx, symmetric: 0 };
  at.emit('dynamic_quantize', { x, codes, scale, zero_point, ...rule });
  return { codes, scale, zero: zero_point };
}

interface DynamicProduct {
  readonly wScale: string;
  readonly wZero: string;
  readonly bias: string;
  /** First column of this product among those that the scales describe, and how many there are in all. */
  readonly column: number;
  readonly columns: number;
}

/** y = clamp(f32(f32(acc) * f32(a_scale * w_scale)) + bias, lo, hi) */
function emitDynamic(
  at: Lowering,
  node: Node,
  a: Quantized,
  product: Omit<Product, 'a'>,
  { wScale, wZero, bias, column, columns }: DynamicProduct,
  y: View,
): void {
  const { n } = product.sizes;
  const scales = columnScales(at, wScale, columns);
  const zeros = columnZeros(at, wZero, columns)?.slice(column, column + n);
  const biases = columnVector(at, bias, 'float32', columns);
  const multiplier = scales.length === 1 ? Float32Array.of(scales[0] as number) : scales.slice(column, column + n);
  at.emit('gemm_i8', {
    a: a.codes,
    a_scale: a.scale,
    a_zero: a.zero,
    packed: product.packed,
    w_zero: zeros === undefined ? undefined : at.block(zeros, `${node.name} weight zero points`),
    offset: undefined,
    multiplier: at.block(multiplier, `${node.name} weight scales`),
    bias: biases === undefined ? undefined : part(biases, column * 4, n * 4),
    y,
    ...product.sizes,
    a_step: 0,
    multiplier_step: multiplier.length === 1 ? 0 : 1,
    a_format: DTYPES.uint8.onnx,
    y_format: DTYPES.float32.onnx,
    y_zero_point: 0,
    qlo: 0,
    qhi: 0,
    ...clampOf(node),
  });
}

/** Inputs [a f32, b codes, b_scale, b_zero, bias]. */
function dynamicGemm(node: Node, at: Lowering): void {
  const a = inputOf(node, 0);
  const b = inputOf(node, 1);
  at.expectType(a, 'float32');
  expectCodes(at, b);
  const product = gemmProduct(at, node, a, b, true);
  const columns = product.sizes.n;
  const quantized = quantizeAtRunTime(at, product.a, product.sizes.m * product.sizes.k);
  const weights = { wScale: inputOf(node, 2), wZero: inputOf(node, 3), bias: inputOf(node, 4), column: 0, columns };
  emitDynamic(at, node, quantized, product, weights, at.write(outputOf(node), 'logical'));
}

/**
 * Inputs [x f32, w codes, w_scale, w_zero, bias]. The zero point is known only at run time, so the padding is put around the
 * floats (a float 0 becomes the zero point, and the rule's range holds 0 anyway), and the windows become rows of a matrix.
 */
function dynamicConv(node: Node, at: Lowering): void {
  const [x, w] = [inputOf(node, 0), inputOf(node, 1)];
  at.expectType(x, 'float32');
  expectCodes(at, w);
  const { window, oc, groups } = geometryOf(at, node, x, w);
  const { n, oh, ow, kh, kw, c } = window;
  const padded = padFloats(at, at.read(x, 'channels-last'), window);
  const { h, w: width } = padded;
  const quantized = quantizeAtRunTime(at, padded.view, n * h * width * c);
  const channels = c / groups;
  const columns = oc / groups;
  const taps = kh * kw;
  const [m, k] = [n * oh * ow, taps * channels];
  const out = at.write(outputOf(node), 'channels-last');
  const direct = taps === 1 && groups === 1 && window.stride_h === 1 && window.stride_w === 1;
  const one = packedI8Bytes(k, columns, 0);
  const packed = at.derive(w, `packed for ${groups} groups`, one * groups, 'pack_i8', (from, to) => ({
    w: from,
    packed: to,
    batch: groups,
    batch_stride: columns * k,
    ...{ k0: kh, k1: kw, k2: channels, k0_stride: kw, k1_stride: 1, k2_stride: taps, n: columns, n_stride: k },
    group_size: 0,
    format: formatOf(at, w),
  }));
  for (let group = 0; group < groups; group++) {
    let codes = quantized.codes;
    if (!direct) {
      codes = at.scratch(m * k, 'windows');
      const rest = n * h * width * c - group * channels;
      const from = part(quantized.codes, group * channels, rest);
      const row = width * c;
      const strides = [
        h * row,
        window.stride_h * row,
        window.stride_w * c,
        window.dilation_h * row,
        window.dilation_w * c,
        1,
      ];
      at.emit('transpose', at.transposeFields(from, codes, 'uint8', [n, oh, ow, kh, kw, channels], strides));
    }
    const y = groups === 1 ? out : at.scratch(m * columns * 4, 'columns of a group');
    const sizes = { batch: 1, b_batched: 0, m, k, n: columns };
    const weights = { wScale: inputOf(node, 2), wZero: inputOf(node, 3), bias: inputOf(node, 4) };
    emitDynamic(
      at,
      node,
      { ...quantized, codes },
      { packed: part(packed, group * one, one), sizes },
      { ...weights, column: group * columns, columns: oc },
      y,
    );
    if (groups === 1) continue;
    at.emit('copy_rows', {
      ...{ x: y, y: out, rows: m, row_bytes: columns * 4 },
      ...{ x_stride: columns * 4, x_offset: 0, y_stride: oc * 4, y_offset: group * columns * 4 },
    });
  }
}

/** x [n, h, w, c] with zeros around it, as the window wants them. */
function padFloats(at: Lowering, x: View, window: Window): { view: View; h: number; w: number } {
  const { n, h, w, c, pad_top, pad_left, pad_bottom, pad_right } = window;
  if (pad_top + pad_left + pad_bottom + pad_right === 0) return { view: x, h, w };
  const [high, wide] = [h + pad_top + pad_bottom, w + pad_left + pad_right];
  const row = wide * c * 4;
  const view = at.scratch(n * high * row, 'padded');
  const zeros = at.block(new Float32Array(wide * c), 'zeros');
  const fill = { rows: n * high, row_bytes: row, x_stride: 0, x_offset: 0, y_stride: row, y_offset: 0 };
  at.emit('copy_rows', { x: zeros, y: view, ...fill });
  for (let image = 0; image < n; image++) {
    at.emit('copy_rows', {
      ...{ x, y: view, rows: h, row_bytes: w * c * 4, x_stride: w * c * 4, x_offset: image * h * w * c * 4 },
      ...{ y_stride: row, y_offset: (image * high + pad_top) * row + pad_left * c * 4 },
    });
  }
  return { view, h: high, w: wide };
}

/** Outputs codes u8, scale f32 and zero point u8 (the low byte of the instruction's i32). */
function dynamicQuantizeLinear(node: Node, at: Lowering): void {
  const x = inputOf(node, 0);
  at.expectType(x, 'float32');
  const layout = at.layout(x);
  const codes = at.write(outputOf(node, 0), layout);
  const result = quantizeAtRunTime(at, at.read(x, layout), sizeOfDims(at.dims(x)), codes);
  if (outputOf(node, 1) !== '') at.define(outputOf(node, 1), 'logical', result.scale);
  if (outputOf(node, 2) !== '') at.define(outputOf(node, 2), 'logical', part(result.zero, 0, 1));
}

export const DYNAMIC_ROWS = {
  DynamicQuantizeLinear: { lower: dynamicQuantizeLinear },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_DYNAMIC_ROWS = {
  DynamicGemm: { lower: dynamicGemm, constants: [2, 3] },
  DynamicConv: { lower: dynamicConv, constants: [2, 3] },
} as const satisfies Record<string, LoweringRow>;
