// Comparisons, logic, Where, Cast, and arithmetic on integers: what masks and positions are made with.

import { DTYPES, type DType } from '../../core/dtype.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, outputOf } from '../attributes.js';
import { broadcastStrides, collapse, padWalk, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { sizeOfDims } from './matrix.js';

/** The `kind` field of `combine`; `swap` exchanges the operands. */
const KINDS = {
  Add: { kind: 0 },
  Sub: { kind: 1 },
  Mul: { kind: 2 },
  Div: { kind: 3 },
  Pow: { kind: 4 },
  Max: { kind: 5 },
  Min: { kind: 6 },
  Equal: { kind: 7 },
  Less: { kind: 8 },
  LessOrEqual: { kind: 9 },
  Greater: { kind: 8, swap: true },
  GreaterOrEqual: { kind: 9, swap: true },
  And: { kind: 10 },
  Or: { kind: 11 },
  Xor: { kind: 12 },
} as const satisfies Record<string, { kind: number; swap?: boolean }>;

export type CombineKind = keyof typeof KINDS;

/** Types that the instructions `combine` and `cast` know. */
const PLAIN: readonly DType[] = ['float32', 'int32', 'int64', 'uint8', 'int8', 'bool'];

/** The most axes that these instructions walk. */
const AXES = 4;

/** d0..d3 of the output and the strides of the operands under their letters. */
function walkFields(at: Lowering, names: Readonly<Record<string, string>>, out: readonly number[]) {
  const letters = Object.keys(names);
  const strides = letters.map((letter) => {
    const dims = at.dims(names[letter] as string);
    return broadcastStrides(dims, stridesIn(dims, 'logical'), out);
  });
  const walk = padWalk(collapse(out, strides), AXES);
  if (walk === undefined) at.unsupported(`broadcasting over [${out.join(', ')}] needs more than ${AXES} loops`);
  const fields: Record<string, number> = {};
  for (let axis = 0; axis < AXES; axis++) {
    fields[`d${axis}`] = walk.dims[axis] as number;
    letters.forEach((letter, operand) => {
      fields[`${letter}${axis}`] = walk.strides[operand]?.[axis] as number;
    });
  }
  return fields;
}

/** y = a op b, operands and output row-major. */
export function emitCombine(at: Lowering, op: CombineKind, left: string, right: string, y: string, to?: View): void {
  const { kind, swap }: { kind: number; swap?: boolean } = KINDS[op];
  const [a, b] = swap === true ? [right, left] : [left, right];
  const dtype = at.expectType(a, ...PLAIN);
  at.expectType(b, dtype);
  const fields = walkFields(at, { a, b }, at.dims(y));
  const views = { a: at.read(a, 'logical'), b: at.read(b, 'logical'), y: to ?? at.write(y, 'logical') };
  at.emit('combine', { ...views, kind, format: DTYPES[dtype].onnx, ...fields });
}

function comparison(node: Node, at: Lowering): void {
  emitCombine(at, node.op as CombineKind, inputOf(node, 0), inputOf(node, 1), outputOf(node));
}

/** The exponent may have another type than the base. */
function pow(node: Node, at: Lowering): void {
  const [a, b, y] = [inputOf(node, 0), inputOf(node, 1), outputOf(node)];
  const dtype = at.expectType(a, 'float32', 'int32', 'int64');
  if (at.type(b).dtype === dtype) {
    emitCombine(at, 'Pow', a, b, y);
    return;
  }
  const from = at.expectType(b, ...PLAIN);
  if (dtype !== 'float32') at.unsupported(`Pow of ${dtype} by ${from}`);
  const n = sizeOfDims(at.dims(b));
  const exponent = at.scratch(n * 4, `${b} as ${dtype}`);
  emitCast(at, at.read(b, 'logical'), exponent, from, dtype, n);
  const fields = walkFields(at, { a, b }, at.dims(y));
  const views = { a: at.read(a, 'logical'), b: exponent, y: at.write(y, 'logical') };
  at.emit('combine', { ...views, kind: KINDS.Pow.kind, format: DTYPES[dtype].onnx, ...fields });
}

/** Max, Min, Sum and Mean of any number of operands, from left to right. */
function variadic(node: Node, at: Lowering): void {
  const y = outputOf(node);
  const out = at.dims(y);
  const dtype = at.expectType(node.inputs[0] as string, ...PLAIN);
  if (node.op === 'Mean') at.expectType(node.inputs[0] as string, 'float32');
  const kind = KINDS[node.op === 'Max' || node.op === 'Min' ? node.op : 'Add'].kind;
  const to = at.write(y, 'logical');
  const format = DTYPES[dtype].onnx;
  const step = (a: View, b: View, kindOfStep: number, right: readonly number[], left = at.dims(y)): void => {
    const strides = [left, right].map((dims) => broadcastStrides(dims, stridesIn(dims, 'logical'), out));
    const walk = padWalk(collapse(out, strides), AXES);
    if (walk === undefined) at.unsupported(`broadcasting over [${out.join(', ')}] needs more than ${AXES} loops`);
    const fields: Record<string, number> = {};
    for (let axis = 0; axis < AXES; axis++) {
      fields[`d${axis}`] = walk.dims[axis] as number;
      fields[`a${axis}`] = walk.strides[0]?.[axis] as number;
      fields[`b${axis}`] = walk.strides[1]?.[axis] as number;
    }
    at.emit('combine', { a, b, y: to, kind: kindOfStep, format, ...fields });
  };
  const [first = '', ...others] = node.inputs;
  const neutral = new Array<number>(out.length).fill(1);
  if (others.length === 0) {
    at.emit('copy_rows', {
      ...{ x: at.read(first, 'logical'), y: to, rows: 1, row_bytes: to.bytes },
      ...{ x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 },
    });
    return;
  }
  others.forEach((name, index) => {
    at.expectType(name, dtype);
    const left = index === 0 ? at.read(first, 'logical') : to;
    step(left, at.read(name, 'logical'), kind, at.dims(name), index === 0 ? at.dims(first) : out);
  });
  if (node.op === 'Mean') {
    step(to, at.block(Float32Array.of(node.inputs.length), `${node.name} count`), KINDS.Div.kind, neutral);
  }
}

/** not x = (x equals false) */
function not(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'bool');
  const layout = at.layout(x);
  const n = sizeOfDims(at.dims(x));
  const fields = { a: at.read(x, layout), b: at.block(Uint8Array.of(0), 'false'), y: at.write(y, layout) };
  const walk = { d0: 1, d1: 1, d2: 1, d3: n, a0: 0, a1: 0, a2: 0, a3: 1, b0: 0, b1: 0, b2: 0, b3: 0 };
  at.emit('combine', { ...fields, kind: KINDS.Equal.kind, format: DTYPES.bool.onnx, ...walk });
}

function where(node: Node, at: Lowering): void {
  const [c, a, b, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2), outputOf(node)];
  at.expectType(c, 'bool');
  const element_bytes = DTYPES[at.type(y).dtype].bits / 8;
  if (element_bytes < 1) at.unsupported(`Where of ${at.type(y).dtype}`);
  const fields = walkFields(at, { c, a, b }, at.dims(y));
  const views = { condition: at.read(c, 'logical'), a: at.read(a, 'logical'), b: at.read(b, 'logical') };
  at.emit('select', { ...views, y: at.write(y, 'logical'), element_bytes, ...fields });
}

function emitCast(at: Lowering, x: View, y: View, from: DType, to: DType, n: number): void {
  at.emit('cast', { x, y, from: DTYPES[from].onnx, to: DTYPES[to].onnx, n });
}

function cast(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const from = at.expectType(x, ...PLAIN);
  const to = at.expectType(y, ...PLAIN);
  if (intOf(node, 'to') === undefined) at.unsupported('Cast without a type');
  const layout = at.layout(x);
  emitCast(at, at.read(x, layout), at.write(y, layout), from, to, sizeOfDims(at.dims(x)));
}

export const COMBINE_ROWS = {
  Pow: { lower: pow },
  Max: { lower: variadic },
  Min: { lower: variadic },
  Sum: { lower: variadic },
  Mean: { lower: variadic },
  Equal: { lower: comparison },
  Less: { lower: comparison },
  LessOrEqual: { lower: comparison },
  Greater: { lower: comparison },
  GreaterOrEqual: { lower: comparison },
  And: { lower: comparison },
  Or: { lower: comparison },
  Xor: { lower: comparison },
  Not: { lower: not },
  Where: { lower: where },
  Cast: { lower: cast },
} as const satisfies Record<string, LoweringRow>;
