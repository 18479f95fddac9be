// Products whose activations are quantized at run time: DynamicGemm, DynamicConv, DynamicQuantizeLinear.

import { DTYPES } from '../../core/dtype.js';
import type { Node } from '../../ir/graph.js';
import { clampOf, inputOf, outputOf } from '../attributes.js';
import { axisOrder, type Layout, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { part, type View } from '../program.js';
import { depthwiseCodes, geometryOf, packedWeights, widened } from './conv.js';
import { tailOf } from './gemm.js';
import { gemmProduct, sizeOfDims } from './matrix.js';
import { columnScales, columnVector, columnZeros, expectCodes } from './parameters.js';
import { windowFields } from './window.js';

/** Codes u8 of a tensor, its scale (f32) and its zero point (i32), all known only at run time. */
interface Quantized {
  readonly codes: View;
  readonly scale: View;
  readonly zero: View;
}

function emitQuantize(at: Lowering, x: View, count: number, codes: View): Quantized {
  const scale = at.scratch(4, 'scale');
  const zero_point = at.scratch(4, 'zero point');
  const rule = { rows: 1, columns: count, format: DTYPES.uint8.onnx, symmetric: 0 };
  at.emit('dynamic_quantize', { x, codes, scale, zero_point, ...rule });
  return { codes, scale, zero: zero_point };
}

/** A float value as codes in a layout; quantized once for all that read it, and before it is reordered. */
function quantized(at: Lowering, x: string, layout: Layout): Quantized {
  const dims = at.dims(x);
  const count = sizeOfDims(dims);
  const stored = at.layouts(x).includes(layout) ? layout : at.layout(x);
  const own = at.once(`${x} quantized ${stored}`, () =>
    emitQuantize(at, at.read(x, stored), count, at.scratch(count, `${x} codes`)),
  );
  if (stored === layout) return own;
  return at.once(`${x} quantized ${layout}`, () => {
    const codes = at.scratch(count, `${x} codes ${layout}`);
    const order = axisOrder(dims.length, layout);
    const strides = stridesIn(dims, stored);
    const size = order.map((axis) => dims[axis] as number);
    const from = order.map((axis) => strides[axis] as number);
    at.emit('transpose', at.transposeFields(own.codes, codes, 'uint8', size, from));
    return { ...own, codes };
  });
}

/** y = clamp(f32(f32(acc) * f32(x_scale * w_scale)) + bias, lo, hi): what both products have in common. */
function outputFields(at: Lowering, node: Node, columns: number) {
  const multiplier = columnScales(at, inputOf(node, 2), columns);
  return {
    offset: undefined,
    multiplier: at.block(multiplier, `${node.name} weight scales`),
    bias: columnVector(at, inputOf(node, 4), 'float32', columns),
    multiplier_step: multiplier.length === 1 ? 0 : 1,
    y_format: DTYPES.float32.onnx,
    y_zero_point: 0,
    qlo: 0,
    qhi: 0,
    ...clampOf(node),
  };
}

/** Inputs [a f32, b codes, b_scale, b_zero, bias]. */
function dynamicGemm(node: Node, at: Lowering): void {
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  at.expectType(a, 'float32');
  expectCodes(at, b);
  const { codes, scale, zero } = quantized(at, a, 'logical');
  const { packed, sizes } = gemmProduct(at, node, a, b, true);
  const zeros = columnZeros(at, inputOf(node, 3), sizes.n);
  at.emit('gemm_i8', {
    a: codes,
    a_scale: scale,
    a_zero: zero,
    packed,
    w_zero: zeros === undefined ? undefined : at.block(zeros, `${node.name} weight zero points`),
    ...outputFields(at, node, sizes.n),
    ...tailOf(node, at, 5),
    ...sizes,
    a_step: 0,
    a_format: DTYPES.uint8.onnx,
    y: at.write(outputOf(node), 'logical'),
  });
}

/** Inputs [x f32, w codes, w_scale, w_zero, bias]. */
function dynamicConv(node: Node, at: Lowering): void {
  const [x, w] = [inputOf(node, 0), inputOf(node, 1)];
  at.expectType(x, 'float32');
  expectCodes(at, w);
  const geometry = geometryOf(at, node, x, w);
  const { oc, groups, window } = geometry;
  const { codes, scale, zero } = quantized(at, x, 'channels-last');
  const zeros = columnZeros(at, inputOf(node, 3), oc);
  const fields = {
    x: codes,
    x_scale: scale,
    x_zero: zero,
    ...windowFields(window),
    x_format: DTYPES.uint8.onnx,
    x_zero_point: 0,
    ...outputFields(at, node, oc),
    y: at.write(outputOf(node), 'channels-last'),
  };
  const weights = depthwiseCodes(at, w, zeros, geometry);
  if (weights !== undefined) {
    at.emit('depthwise_i8', { ...fields, weights });
    return;
  }
  const w_zero = zeros === undefined ? undefined : at.block(zeros, `${node.name} weight zero points`);
  const wide = widened(at, w, zeros, geometry);
  const packed = packedWeights(at, wide.w, wide.geometry, true);
  at.emit('conv_i8', { ...fields, kw: wide.geometry.window.kw, packed, w_zero, oc, groups, y_stride: oc });
}

/** Outputs codes u8, scale f32 and zero point u8 (the low byte of the instruction's i32). */
function dynamicQuantizeLinear(node: Node, at: Lowering): void {
  const x = inputOf(node, 0);
  at.expectType(x, 'float32');
  const layout = at.layout(x);
  const codes = at.write(outputOf(node, 0), layout);
  const result = emitQuantize(at, at.read(x, layout), sizeOfDims(at.dims(x)), codes);
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
