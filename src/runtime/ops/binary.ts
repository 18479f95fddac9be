// Add, Sub, Mul, Div and the quantized Add and Mul, with broadcasting.

import type { Node } from '../../ir/graph.js';
import { clampOf, inputOf, outputOf } from '../attributes.js';
import {
  axisOrder,
  broadcastStrides,
  collapse,
  type Layout,
  layoutsCoincide,
  padWalk,
  physicalDims,
  stridesIn,
} from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { FieldValue, View } from '../program.js';
import { emitCombine } from './combine.js';
import { codeLimits, expectCodes, formatOf, quantizationOf } from './parameters.js';

/** The `kind` field of the binary instructions. */
const KINDS = { Add: 0, Sub: 1, Mul: 2, Div: 3 } as const;

/** The most axes that a binary instruction walks. */
const BINARY_AXES = 4;

/** An operand and its stride in elements along every axis of the output, 0 where it is broadcast. */
export interface Operand {
  readonly view: View;
  readonly strides: readonly number[];
}

/** d0..d3, a0..a3, b0..b3 of a binary instruction. */
function walkFields(
  at: Lowering,
  dims: readonly number[],
  a: readonly number[],
  b: readonly number[],
): Record<string, number> {
  const walk = padWalk(collapse(dims, [a, b]), BINARY_AXES);
  if (walk === undefined) at.unsupported(`broadcasting over [${dims.join(', ')}] needs more than ${BINARY_AXES} loops`);
  const fields: Record<string, number> = {};
  for (let axis = 0; axis < BINARY_AXES; axis++) {
    fields[`d${axis}`] = walk.dims[axis] as number;
    fields[`a${axis}`] = walk.strides[0]?.[axis] as number;
    fields[`b${axis}`] = walk.strides[1]?.[axis] as number;
  }
  return fields;
}

/** One float binary instruction over a walk of the output in memory order. */
export function emitBinary(
  at: Lowering,
  kind: number,
  dims: readonly number[],
  a: Operand,
  b: Operand,
  y: View,
  clamp: { lo: number; hi: number },
): void {
  const fields = { a: a.view, b: b.view, y, kind, ...walkFields(at, dims, a.strides, b.strides), ...clamp };
  at.emit('binary_f32', fields, ...inPlacePairs(a, b, dims));
}

/** y may take the place of an operand that is not broadcast. */
function inPlacePairs(a: Operand, b: Operand, dims: readonly number[]): (readonly [string, string])[] {
  const whole = (operand: Operand): boolean => dims.every((dim, axis) => dim === 1 || operand.strides[axis] !== 0);
  const pairs: (readonly [string, string])[] = [];
  if (whole(a)) pairs.push(['y', 'a']);
  if (whole(b)) pairs.push(['y', 'b']);
  return pairs;
}

/** The layout of the output: channels-last as soon as an operand of its shape is stored so. */
function commonLayout(at: Lowering, names: readonly string[], out: readonly number[]): Layout {
  const follows = (name: string): boolean =>
    at.constant(name) === undefined && at.dims(name).join() === out.join() && at.layout(name) === 'channels-last';
  return names.some(follows) ? 'channels-last' : 'logical';
}

/** An operand as it lies in memory when the output [rank axes] is walked in the order of `layout`. */
function operandOf(at: Lowering, name: string, out: readonly number[], layout: Layout): Operand {
  const own = at.dims(name);
  const dims = [...new Array<number>(out.length - own.length).fill(1), ...own];
  const order = axisOrder(out.length, layout);
  const inOrder = (strides: readonly number[]): number[] =>
    order.map((axis) => broadcastStrides(dims, strides, out)[axis] as number);
  if (layout === 'logical' || own.length === out.length) {
    return { view: at.read(name, layout), strides: inOrder(stridesIn(dims, layout)) };
  }
  const view = at.read(name, 'logical');
  if (layoutsCoincide(dims)) return { view, strides: inOrder(stridesIn(dims, 'channels-last')) };
  const { dtype } = at.type(name);
  const size = order.map((axis) => dims[axis] as number);
  const from = order.map((axis) => stridesIn(dims, 'logical')[axis] as number);
  const turned = at.derive(name, `channels-last of rank ${out.length}`, view.bytes, 'transpose', (x, y) =>
    at.transposeFields(x, y, dtype, size, from),
  );
  return { view: turned, strides: inOrder(stridesIn(dims, 'channels-last')) };
}

function binary(node: Node, at: Lowering): void {
  const [a, b, y] = [inputOf(node, 0), inputOf(node, 1), outputOf(node)];
  if (at.type(a).dtype !== 'float32') {
    emitCombine(at, node.op as keyof typeof KINDS, a, b, y);
    return;
  }
  for (const name of [a, b]) at.expectType(name, 'float32');
  const out = at.dims(y);
  const layout = commonLayout(at, [a, b], out);
  const left = operandOf(at, a, out, layout);
  const right = operandOf(at, b, out, layout);
  const kind = KINDS[node.op as keyof typeof KINDS];
  emitBinary(at, kind, physicalDims(out, layout), left, right, at.write(y, layout), clampOf(node));
}

/** QAdd and QMul; the ratios are those of the instruction `binary_i8`. */
function quantizedBinary(node: Node, at: Lowering): void {
  const input = (index: number): string => inputOf(node, index);
  const [a, b, y] = [input(0), input(3), outputOf(node)];
  expectCodes(at, a, b);
  const out = at.dims(y);
  const layout = commonLayout(at, [a, b], out);
  const left = operandOf(at, a, out, layout);
  const right = operandOf(at, b, out, layout);
  const qa = quantizationOf(at, input(1), input(2), 'the scale of A');
  const qb = quantizationOf(at, input(4), input(5), 'the scale of B');
  const qy = quantizationOf(at, input(6), input(7), 'the output scale');
  const multiply = node.op === 'QMul';
  const a_ratio = Math.fround((multiply ? Math.fround(qa.scale * qb.scale) : qa.scale) / qy.scale);
  const dims = physicalDims(out, layout);
  const fields: Record<string, FieldValue> = {
    a: left.view,
    b: right.view,
    y: at.write(y, layout),
    kind: multiply ? KINDS.Mul : KINDS.Add,
    ...walkFields(at, dims, left.strides, right.strides),
    ...{ a_format: formatOf(at, a), b_format: formatOf(at, b), y_format: formatOf(at, y) },
    ...{ a_zero: qa.zeroPoint, b_zero: qb.zeroPoint, y_zero: qy.zeroPoint },
    a_ratio,
    b_ratio: multiply ? 1 : Math.fround(qb.scale / qy.scale),
    ...codeLimits(at, node, y),
  };
  at.emit('binary_i8', fields, ...inPlacePairs(left, right, dims));
}

export const BINARY_ROWS = {
  Add: { lower: binary },
  Sub: { lower: binary },
  Mul: { lower: binary },
  Div: { lower: binary },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_BINARY_ROWS = {
  ...BINARY_ROWS,
  QAdd: { lower: quantizedBinary, constants: [1, 2, 4, 5, 6, 7] },
  QMul: { lower: quantizedBinary, constants: [1, 2, 4, 5, 6, 7] },
} as const satisfies Record<string, LoweringRow>;
