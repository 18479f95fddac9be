// Relu, Clip and table lookups: one value in, one value of the same shape out.

import { DTYPES } from '../../core/dtype.js';
import { floatsOf, integersOf } from '../../core/tensor.js';
import type { Node } from '../../ir/graph.js';
import { floatOf, inputOf, outputOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { sizeOfDims } from './matrix.js';
import { CODE_TYPES, rangeOf } from './parameters.js';

/** y = clamp(x, lo, hi) in the layout of x; codes go through a table. */
function emitClamp(at: Lowering, node: Node, lo: number, hi: number): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const dtype = at.expectType(x, 'float32', ...CODE_TYPES);
  const layout = at.layout(x);
  const view = at.read(x, layout);
  const n = sizeOfDims(at.dims(x));
  // ONNX: min(max(x, lo), hi), so hi wins where the two cross.
  const least = Math.min(lo, hi);
  if (dtype === 'float32') {
    at.emit('clamp_f32', { x: view, y: at.write(y, layout), n, lo: least, hi }, ['y', 'x']);
    return;
  }
  const [qmin, qmax] = rangeOf(dtype);
  const signed = qmin < 0;
  const table = Uint8Array.from({ length: 256 }, (_, byte) => {
    const code = signed && byte > qmax ? byte - 256 : byte;
    return Math.min(Math.max(code, least), hi);
  });
  emitLookup(at, x, y, table);
}

/** y = table[x] for 8-bit codes; the table is indexed by the byte of the code. */
export function emitLookup(at: Lowering, x: string, y: string, table: Uint8Array): void {
  const layout = at.layout(x);
  const view = at.read(x, layout);
  const fields = { x: view, table: at.block(table, `${y} table`), y: at.write(y, layout), n: sizeOfDims(at.dims(x)) };
  at.emit('lookup_8', fields, ['y', 'x']);
}

function relu(node: Node, at: Lowering): void {
  emitClamp(at, node, 0, Number.POSITIVE_INFINITY);
}

/** The bounds are inputs since opset 11, attributes before. */
function clip(node: Node, at: Lowering): void {
  const bound = (index: number, attribute: string, fallback: number): number => {
    const name = inputOf(node, index);
    if (name === '') return floatOf(node, attribute, fallback);
    const tensor = at.needConstant(name, `the bound ${attribute}`);
    const values = tensor.dtype === 'float32' ? floatsOf(tensor) : integersOf(tensor);
    if (values.length !== 1) at.unsupported(`the bound ${attribute} has ${values.length} elements; one is expected`);
    return values[0] as number;
  };
  emitClamp(at, node, bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY));
}

/** Inputs [x, table uint8[256]]. */
function lookup(node: Node, at: Lowering): void {
  at.expectType(inputOf(node, 0), ...CODE_TYPES);
  const table = at.needConstant(inputOf(node, 1), 'the table');
  if (DTYPES[table.dtype].bits !== 8 || table.data.length !== 256) at.unsupported('a table that is not 256 bytes');
  emitLookup(at, inputOf(node, 0), outputOf(node), table.data);
}

export const ACTIVATION_ROWS = {
  Relu: { lower: relu },
  Clip: { lower: clip, constants: [1, 2] },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_ACTIVATION_ROWS = {
  QLookup: { lower: lookup, constants: [1] },
} as const satisfies Record<string, LoweringRow>;
