// Functions of one float: exponentials, activations, rounding.

import type { Node } from '../../ir/graph.js';
import { floatOf, inputOf, outputOf, stringOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { emitBinary } from './binary.js';
import { sizeOfDims } from './matrix.js';

/** The `kind` field of `unary_f32` (native/kernels/unary/unary.h). */
export const UNARY_KINDS = {
  Exp: 0,
  Log: 1,
  Sqrt: 2,
  Reciprocal: 3,
  Neg: 4,
  Abs: 5,
  Erf: 6,
  Gelu: 7,
  GeluTanh: 8,
  Tanh: 9,
  Sigmoid: 10,
  Swish: 11,
  HardSigmoid: 12,
  HardSwish: 13,
  LeakyRelu: 14,
  Elu: 15,
  Softplus: 16,
  Softsign: 17,
  Floor: 18,
  Ceil: 19,
  Round: 20,
  Sign: 21,
  Mish: 22,
  ThresholdedRelu: 23,
} as const;

export type UnaryKind = keyof typeof UNARY_KINDS;

/** One instruction over `n` floats; y may be x. */
export function emitUnary(at: Lowering, kind: UnaryKind, x: View, y: View, n: number, alpha = 0, beta = 0): void {
  at.emit('unary_f32', { x, y, kind: UNARY_KINDS[kind], n, alpha, beta }, ['y', 'x']);
}

/** y = f(x) in the layout of x; returns the view of y. */
function lowerUnary(node: Node, at: Lowering, kind: UnaryKind, alpha = 0, beta = 0): View {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  const layout = at.layout(x);
  const from = at.read(x, layout);
  const to = at.write(y, layout);
  emitUnary(at, kind, from, to, sizeOfDims(at.dims(x)), alpha, beta);
  return to;
}

/** A row whose parameters are attributes with defaults. */
function row(kind: UnaryKind, alpha?: readonly [string, number], beta?: readonly [string, number]): LoweringRow {
  const parameterOf = (node: Node, parameter: readonly [string, number] | undefined): number =>
    parameter === undefined ? 0 : floatOf(node, ...parameter);
  return { lower: (node, at) => void lowerUnary(node, at, kind, parameterOf(node, alpha), parameterOf(node, beta)) };
}

function gelu(node: Node, at: Lowering): void {
  const approximate = stringOf(node, 'approximate', 'none');
  if (approximate !== 'none' && approximate !== 'tanh') at.unsupported(`Gelu with approximate '${approximate}'`);
  lowerUnary(node, at, approximate === 'tanh' ? 'GeluTanh' : 'Gelu');
}

/** gamma * (x < 0 ? alpha * (exp(x) - 1) : x) */
function selu(node: Node, at: Lowering): void {
  const view = lowerUnary(node, at, 'Elu', floatOf(node, 'alpha', 1.6732631921768188), 1);
  const gamma = at.block(Float32Array.of(floatOf(node, 'gamma', 1.0507010221481323)), `${node.name} gamma`);
  const size = sizeOfDims(at.dims(outputOf(node)));
  const clamp = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
  emitBinary(at, 2, [size], { view, strides: [1] }, { view: gamma, strides: [0] }, view, clamp);
}

/** max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) */
function celu(node: Node, at: Lowering): void {
  const alpha = floatOf(node, 'alpha', 1);
  if (!(alpha > 0)) at.unsupported(`Celu with alpha ${alpha}; it must be above 0`);
  lowerUnary(node, at, 'Elu', alpha, alpha);
}

export const UNARY_ROWS = {
  Exp: row('Exp'),
  Log: row('Log'),
  Sqrt: row('Sqrt'),
  Reciprocal: row('Reciprocal'),
  Neg: row('Neg'),
  Abs: row('Abs'),
  Erf: row('Erf'),
  Gelu: { lower: gelu },
  Tanh: row('Tanh'),
  Sigmoid: row('Sigmoid'),
  Swish: row('Swish', ['alpha', 1]),
  HardSigmoid: row('HardSigmoid', ['alpha', Math.fround(0.2)], ['beta', 0.5]),
  HardSwish: row('HardSwish'),
  LeakyRelu: row('LeakyRelu', ['alpha', Math.fround(0.01)]),
  Elu: { lower: (node, at) => void lowerUnary(node, at, 'Elu', floatOf(node, 'alpha', 1), 1) },
  Selu: { lower: selu },
  Celu: { lower: celu },
  Softplus: row('Softplus'),
  Softsign: row('Softsign'),
  Floor: row('Floor'),
  Ceil: row('Ceil'),
  Round: row('Round'),
  Sign: row('Sign'),
  Mish: row('Mish'),
  ThresholdedRelu: row('ThresholdedRelu', ['alpha', 1]),
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_UNARY_ROWS = {
  Gelu: { lower: gelu },
  Swish: UNARY_ROWS.Swish,
} as const satisfies Record<string, LoweringRow>;
