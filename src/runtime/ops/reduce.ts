// Reductions, and LogSoftmax, which is made of them.

import { normalizeAxis } from '../../core/shape.js';
import { integersOf } from '../../core/tensor.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, intsOf, outputOf } from '../attributes.js';
import { stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { emitBinary } from './binary.js';
import { sizeOfDims } from './matrix.js';
import { emitUnary } from './unary.js';

/** The `kind` field of `reduce_f32`, and the value of a reduction over nothing. */
const KINDS = {
  Sum: { kind: 0, empty: 0 },
  Mean: { kind: 1, empty: Number.NaN },
  Max: { kind: 2, empty: Number.NEGATIVE_INFINITY },
  Min: { kind: 3, empty: Number.POSITIVE_INFINITY },
  Product: { kind: 4, empty: 1 },
  SumOfSquares: { kind: 5, empty: 0 },
  SumOfMagnitudes: { kind: 6, empty: 0 },
} as const;

/** What each operator reduces by, and what is done to the result. */
const OPERATORS = {
  ReduceSum: ['Sum'],
  ReduceMean: ['Mean'],
  ReduceMax: ['Max'],
  ReduceMin: ['Min'],
  ReduceProd: ['Product'],
  ReduceSumSquare: ['SumOfSquares'],
  ReduceL1: ['SumOfMagnitudes'],
  ReduceL2: ['SumOfSquares', 'Sqrt'],
  ReduceLogSum: ['Sum', 'Log'],
} as const satisfies Record<string, readonly [keyof typeof KINDS, ('Sqrt' | 'Log')?]>;

interface Rows {
  readonly view: View;
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

/** The axes that a node reduces over; undefined when it hands its input through. */
function axesOf(node: Node, at: Lowering): number[] | undefined {
  const rank = at.dims(inputOf(node, 0)).length;
  const name = inputOf(node, 1);
  const given = name === '' ? intsOf(node, 'axes') : integersOf(at.needConstant(name, 'the axes'));
  if (given !== undefined && given.length > 0) return given.map((axis) => normalizeAxis(axis, rank));
  return intOf(node, 'noop_with_empty_axes', 0) === 0 ? Array.from({ length: rank }, (_, axis) => axis) : undefined;
}

/** x as [outer, axis, inner] with the reduced axes in the middle; they are moved to the end where they are apart. */
function rowsOf(at: Lowering, x: string, axes: readonly number[]): Rows {
  const { dims, dtype } = at.type(x);
  const view = at.read(x, 'logical');
  const [first, last] = [Math.min(...axes), Math.max(...axes)];
  const between = dims.slice(first, last + 1).filter((_, at) => !axes.includes(first + at));
  if (sizeOfDims(between) === 1) {
    return {
      view,
      outer: sizeOfDims(dims.slice(0, first)),
      axis: sizeOfDims(dims.slice(first, last + 1)),
      inner: sizeOfDims(dims.slice(last + 1)),
    };
  }
  const kept = dims.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const order = [...kept, ...axes];
  const strides = stridesIn(dims, 'logical');
  const turned = at.scratch(view.bytes, `${x} by its reduced axes`);
  const size = order.map((axis) => dims[axis] as number);
  const steps = order.map((axis) => strides[axis] as number);
  at.emit('transpose', at.transposeFields(view, turned, dtype, size, steps));
  const outer = sizeOfDims(kept.map((axis) => dims[axis] as number));
  return { view: turned, outer, axis: sizeOfDims(axes.map((axis) => dims[axis] as number)), inner: 1 };
}

function reduce(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  const axes = axesOf(node, at);
  const [by, then] = OPERATORS[node.op as keyof typeof OPERATORS] as (typeof OPERATORS)['ReduceL2'];
  const to = at.write(y, 'logical');
  const n = sizeOfDims(at.dims(y));
  const { kind, empty } = KINDS[by];
  if (axes === undefined || axes.length === 0) {
    // One element each: only what is done to it changes it.
    emitReduce(at, { view: at.read(x, 'logical'), outer: n, axis: 1, inner: 1 }, kind, to);
  } else if (sizeOfDims(at.dims(x)) === 0) {
    const filled = at.block(new Float32Array(n).fill(empty), `${node.name} of nothing`);
    const row = { rows: 1, row_bytes: to.bytes, x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 };
    at.emit('copy_rows', { x: filled, y: to, ...row });
  } else {
    emitReduce(at, rowsOf(at, x, axes), kind, to);
  }
  if (then !== undefined) emitUnary(at, then, to, to, n);
}

function emitReduce(at: Lowering, { view, ...sizes }: Rows, kind: number, y: View): void {
  at.emit('reduce_f32', { x: view, y, kind, ...sizes });
}

const NO_CLAMP = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** z = x - max and log(sum(exp(z))) of rows; the latter and the maximum have one element for each row. */
function emitLogSum(at: Lowering, rows: Rows): { shifted: View; logarithm: View; most: View } {
  const { view, outer, axis, inner } = rows;
  const dims = [outer, axis, inner];
  const bytes = outer * inner * 4;
  const most = at.scratch(bytes, 'maximum');
  emitReduce(at, rows, KINDS.Max.kind, most);
  const shifted = at.scratch(view.bytes, 'less the maximum');
  const whole = [axis * inner, inner, 1];
  const perRow = [inner, 0, 1];
  emitBinary(at, 1, dims, { view, strides: whole }, { view: most, strides: perRow }, shifted, NO_CLAMP);
  const exponentials = at.scratch(view.bytes, 'exponentials');
  emitUnary(at, 'Exp', shifted, exponentials, sizeOfDims(dims));
  const logarithm = at.scratch(bytes, 'logarithm of the sum');
  emitReduce(at, { ...rows, view: exponentials }, KINDS.Sum.kind, logarithm);
  emitUnary(at, 'Log', logarithm, logarithm, outer * inner);
  return { shifted, logarithm, most };
}

function reduceLogSumExp(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  const axes = axesOf(node, at);
  if (axes === undefined || axes.length === 0 || sizeOfDims(at.dims(x)) === 0)
    at.unsupported(`${node.op} over nothing`);
  const { logarithm, most } = emitLogSum(at, rowsOf(at, x, axes));
  const n = sizeOfDims(at.dims(y));
  const operand = (view: View) => ({ view, strides: [1] });
  emitBinary(at, 0, [n], operand(logarithm), operand(most), at.write(y, 'logical'), NO_CLAMP);
}

/** x - max - log(sum(exp(x - max))): since opset 13 along one axis, before over all axes from `axis` on. */
function logSoftmax(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  const dims = at.dims(x);
  const coerced = at.opset < 13;
  const given = intOf(node, 'axis', coerced ? 1 : -1);
  const axis = dims.length === 0 || given === dims.length ? dims.length : normalizeAxis(given, dims.length);
  const last = coerced ? dims.length : axis + 1;
  const outer = sizeOfDims(dims.slice(0, axis));
  const rows = { outer, axis: sizeOfDims(dims.slice(axis, last)), inner: sizeOfDims(dims.slice(last)) };
  const { shifted, logarithm } = emitLogSum(at, { view: at.read(x, 'logical'), ...rows });
  const size = [rows.outer, rows.axis, rows.inner];
  const left = { view: shifted, strides: [rows.axis * rows.inner, rows.inner, 1] };
  emitBinary(at, 1, size, left, { view: logarithm, strides: [rows.inner, 0, 1] }, at.write(y, 'logical'), NO_CLAMP);
}

export const REDUCE_ROWS = {
  ReduceSum: { lower: reduce, constants: [1] },
  ReduceMean: { lower: reduce, constants: [1] },
  ReduceMax: { lower: reduce, constants: [1] },
  ReduceMin: { lower: reduce, constants: [1] },
  ReduceProd: { lower: reduce, constants: [1] },
  ReduceSumSquare: { lower: reduce, constants: [1] },
  ReduceL1: { lower: reduce, constants: [1] },
  ReduceL2: { lower: reduce, constants: [1] },
  ReduceLogSum: { lower: reduce, constants: [1] },
  ReduceLogSumExp: { lower: reduceLogSumExp, constants: [1] },
  LogSoftmax: { lower: logSoftmax },
} as const satisfies Record<string, LoweringRow>;
