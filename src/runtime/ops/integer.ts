// MatMulInteger and ConvInteger by themselves: products of codes whose i32 sums are what the model wants.

import { DTYPES } from '../../core/dtype.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, outputOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { depthwiseCodes, geometryOf, packedWeights, widened } from './conv.js';
import { NO_TAIL } from './gemm.js';
import { matMulProduct, sizeOfDims } from './matrix.js';
import { columnZeros, expectCodes, formatOf, zeroPoints } from './parameters.js';
import { windowFields } from './window.js';

/** y = acc, with nothing behind the sums. */
const SUMS = {
  offset: undefined,
  multiplier: undefined,
  bias: undefined,
  multiplier_step: 0,
  y_format: DTYPES.int32.onnx,
  y_zero_point: 0,
  qlo: 0,
  qhi: 0,
  lo: Number.NEGATIVE_INFINITY,
  hi: Number.POSITIVE_INFINITY,
};

/** The zero points of the weights, one per column, as a block; undefined when they are all 0. */
function weightZeros(node: Node, at: Lowering, zeros: Int32Array<ArrayBuffer> | undefined): View | undefined {
  return zeros === undefined ? undefined : at.block(zeros, `${node.name} weight zero points`);
}

/** Y = (A - a_zero)(B - b_zero); inputs [A, B, a_zero, b_zero], a_zero one value or one per row of A, b_zero one or one per column. */
function matMulInteger(node: Node, at: Lowering): void {
  const [a, b, aZero] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2)];
  expectCodes(at, a, b);
  const { a: rows, packed, sizes } = matMulProduct(at, a, b, true);
  const zero = zeroPoints(at, aZero);
  const count = aZero === '' ? 1 : sizeOfDims(at.dims(aZero));
  if (count !== 1 && count !== sizes.batch * sizes.m) {
    at.unsupported(`${count} zero points for the ${sizes.batch * sizes.m} rows of '${a}'`);
  }
  at.emit('gemm_i8', {
    ...SUMS,
    ...NO_TAIL,
    ...sizes,
    a: rows,
    a_scale: undefined,
    a_zero: zero,
    a_step: count === 1 ? 0 : 1,
    packed,
    w_zero: weightZeros(node, at, columnZeros(at, inputOf(node, 3), sizes.n)),
    a_format: formatOf(at, a),
    y: at.write(outputOf(node), 'logical'),
  });
}

/** Inputs [X, W, x_zero, w_zero]: x_zero one value, w_zero one or one per output channel. A padded tap reads x_zero. */
function convInteger(node: Node, at: Lowering): void {
  const [x, w, xZero] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2)];
  expectCodes(at, x, w);
  const geometry = geometryOf(at, node, x, w);
  const { oc, groups, window } = geometry;
  const zeros = columnZeros(at, inputOf(node, 3), oc);
  if (xZero !== '' && sizeOfDims(at.dims(xZero)) !== 1) {
    at.unsupported(`a zero point of ${sizeOfDims(at.dims(xZero))} elements for '${x}'; one is supported here`);
  }
  const fields = {
    ...SUMS,
    ...windowFields(window),
    x: at.read(x, 'channels-last'),
    x_scale: undefined,
    x_zero: zeroPoints(at, xZero),
    x_format: formatOf(at, x),
    x_zero_point: 0,
    y: at.write(outputOf(node), 'channels-last'),
  };
  const weights = depthwiseCodes(at, w, zeros, geometry);
  if (weights !== undefined) {
    at.emit('depthwise_i8', { ...fields, weights });
    return;
  }
  const wide = widened(at, w, zeros, geometry);
  const packed = packedWeights(at, wide.w, wide.geometry, true);
  const w_zero = weightZeros(node, at, zeros);
  at.emit('conv_i8', { ...fields, kw: wide.geometry.window.kw, packed, w_zero, oc, groups, y_stride: oc });
}

export const INTEGER_ROWS = {
  MatMulInteger: { lower: matMulInteger, constants: [3] },
  ConvInteger: { lower: convInteger, constants: [3] },
} as const satisfies Record<string, LoweringRow>;
