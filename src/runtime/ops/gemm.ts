// Gemm, MatMul and their quantized forms.

import { broadcastDims } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { clampOf, floatOf, inputOf, outputOf, stringOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { emitBinary } from './binary.js';
import { gemmProduct, matMulProduct, type Product, sizeOfDims } from './matrix.js';
import {
  codeLimits,
  columnScales,
  columnVector,
  columnZeros,
  expectCodes,
  formatOf,
  productMultipliers,
  quantizationOf,
  requantizeMultipliers,
} from './parameters.js';
import { UNARY_KINDS } from './unary.js';

/** Neither residual nor activation behind an int8 product. */
export const NO_TAIL = { residual: undefined, activation: -1, alpha: 0, beta: 0 };

/** What an int8 product to floats ends in: the residual at an input, and the activation that an attribute names. */
export function tailOf(
  node: Node,
  at: Lowering,
  residualAt: number,
): Record<keyof typeof NO_TAIL, View | number | undefined> {
  const residual = inputOf(node, residualAt);
  const name = stringOf(node, 'activation', '');
  const kind = Object.entries(UNARY_KINDS).find(([known]) => known === name)?.[1];
  if (name !== '' && kind === undefined) at.unsupported(`the activation '${name}'`);
  const view = residual === '' ? undefined : at.read(residual, 'logical');
  const wanted = at.dims(outputOf(node)).join();
  if (residual !== '' && at.dims(residual).join() !== wanted) at.unsupported('a residual of another shape');
  return { residual: view, activation: kind ?? -1, alpha: floatOf(node, 'activation_alpha', 0), beta: 0 };
}

const NO_CLAMP = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

function emitFloat(
  at: Lowering,
  product: Product,
  y: View,
  bias: View | undefined,
  clamp: { lo: number; hi: number },
): void {
  at.emit('gemm_f32', { a: product.a, packed: product.packed, bias, y, exact: at.exact, ...product.sizes, ...clamp });
}

function matMul(node: Node, at: Lowering): void {
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  for (const name of [a, b]) at.expectType(name, 'float32');
  const product = matMulProduct(at, a, b, false);
  emitFloat(at, product, at.write(outputOf(node), 'logical'), undefined, clampOf(node));
}

/** y = clamp(alpha * A' B' + beta * C, lo, hi) */
function gemm(node: Node, at: Lowering): void {
  const [a, b, c, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2), outputOf(node)];
  for (const name of c === '' ? [a, b] : [a, b, c]) at.expectType(name, 'float32');
  const alpha = floatOf(node, 'alpha', 1);
  const beta = floatOf(node, 'beta', 1);
  const product = gemmProduct(at, node, a, b, false);
  const { m, n } = product.sizes;
  const bias = c === '' || alpha !== 1 ? undefined : biasVector(at, c, n, beta);
  if (alpha === 1 && (c === '' || beta === 0 || bias !== undefined)) {
    emitFloat(at, product, at.write(y, 'logical'), bias, clampOf(node));
    return;
  }
  const out = at.write(y, 'logical');
  emitFloat(at, product, out, undefined, NO_CLAMP);
  const scaled = (factor: number, view: View, size: number, to: View): void => {
    const scalar = at.block(Float32Array.of(factor), `${factor}`);
    emitBinary(at, 2, [size], { view, strides: [1] }, { view: scalar, strides: [0] }, to, NO_CLAMP);
  };
  if (alpha !== 1) scaled(alpha, out, m * n, out);
  let addend = at.read(c === '' ? y : c, 'logical');
  if (c === '' || beta === 0) {
    const clamp = clampOf(node);
    if (clamp.lo > NO_CLAMP.lo || clamp.hi < NO_CLAMP.hi) at.emit('clamp_f32', { x: out, y: out, n: m * n, ...clamp });
    return;
  }
  const cDims = at.dims(c);
  if (beta !== 1) {
    const copy = at.scratch(addend.bytes);
    scaled(beta, addend, sizeOfDims(cDims), copy);
    addend = copy;
  }
  const [rows, columns] = [cDims.length > 1 ? (cDims[0] as number) : 1, cDims.at(-1) ?? 1];
  const strides = [rows === 1 ? 0 : columns, columns === 1 ? 0 : 1];
  emitBinary(at, 0, [m, n], { view: out, strides: [n, 1] }, { view: addend, strides }, out, clampOf(node));
}

/** C as a vector of n floats times beta, when it is one number or one row; undefined otherwise. */
function biasVector(at: Lowering, c: string, n: number, beta: number): View | undefined {
  const dims = at.dims(c);
  if (broadcastDims(dims, [1, n])?.join() !== `1,${n}`) return undefined;
  if (beta === 1 && sizeOfDims(dims) === n) return at.read(c, 'logical');
  if (at.constant(c) === undefined) return undefined;
  const values = at.floats(c, 'C');
  const bias = Float32Array.from({ length: n }, (_, column) =>
    Math.fround(beta * (values[values.length === 1 ? 0 : column] as number)),
  );
  return at.block(bias, `${c} times ${beta}`);
}

interface QuantizedProduct {
  readonly a: string;
  readonly aScale: string;
  readonly aZero: string;
  readonly bScale: string;
  readonly bZero: string;
  readonly yScale: string;
  readonly yZero: string;
  readonly offset: string;
  readonly bias: string;
}

function emitQuantized(node: Node, at: Lowering, product: Product, inputs: QuantizedProduct): void {
  const y = outputOf(node);
  const { n } = product.sizes;
  const input = quantizationOf(at, inputs.aScale, inputs.aZero, 'the scale of A');
  const scales = columnScales(at, inputs.bScale, n);
  const zeros = columnZeros(at, inputs.bZero, n);
  const output = inputs.yScale === '' ? undefined : quantizationOf(at, inputs.yScale, inputs.yZero, 'the output scale');
  const multiplier =
    output === undefined
      ? productMultipliers(input.scale, scales)
      : requantizeMultipliers(input.scale, scales, output.scale);
  at.emit('gemm_i8', {
    a: product.a,
    a_scale: undefined,
    a_zero: input.zeroPoint === 0 ? undefined : at.block(Int32Array.of(input.zeroPoint), `${inputs.a} zero point`),
    packed: product.packed,
    w_zero: zeros === undefined ? undefined : at.block(zeros, `${node.name} weight zero points`),
    offset: columnVector(at, inputs.offset, 'int32', n),
    multiplier: at.block(multiplier, `${node.name} multiplier`),
    bias: columnVector(at, inputs.bias, 'float32', n),
    ...tailOf(node, at, 10),
    y: at.write(y, 'logical'),
    ...product.sizes,
    a_step: 0,
    multiplier_step: multiplier.length === 1 ? 0 : 1,
    a_format: formatOf(at, inputs.a),
    y_format: formatOf(at, y),
    y_zero_point: output?.zeroPoint ?? 0,
    ...codeLimits(at, node, y),
    ...clampOf(node),
  });
}

function qGemm(node: Node, at: Lowering): void {
  const input = (index: number): string => inputOf(node, index);
  expectCodes(at, input(0), input(3));
  const product = gemmProduct(at, node, input(0), input(3), true);
  emitQuantized(node, at, product, {
    ...{ a: input(0), aScale: input(1), aZero: input(2), bScale: input(4), bZero: input(5) },
    ...{ offset: input(6), yScale: input(7), yZero: input(8), bias: input(9) },
  });
}

function qLinearMatMul(node: Node, at: Lowering): void {
  const input = (index: number): string => inputOf(node, index);
  expectCodes(at, input(0), input(3));
  const product = matMulProduct(at, input(0), input(3), true);
  emitQuantized(node, at, product, {
    ...{ a: input(0), aScale: input(1), aZero: input(2), bScale: input(4), bZero: input(5) },
    ...{ offset: '', bias: '', yScale: input(6), yZero: input(7) },
  });
}

export const GEMM_ROWS = {
  Gemm: { lower: gemm },
  MatMul: { lower: matMul },
  QLinearMatMul: { lower: qLinearMatMul, constants: [1, 2, 4, 5, 6, 7] },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_GEMM_ROWS = {
  Gemm: { lower: gemm },
  MatMul: { lower: matMul },
  QGemm: { lower: qGemm, constants: [1, 2, 4, 5, 7, 8] },
} as const satisfies Record<string, LoweringRow>;
