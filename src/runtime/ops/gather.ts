// Gather, Expand, Tile, Split and ConstantOfShape: elements picked, repeated and cut apart.

import { bytesOf, DTYPES } from '../../core/dtype.js';
import { normalizeAxis } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, outputOf } from '../attributes.js';
import { axisOrder, broadcastStrides, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { part, type View } from '../program.js';
import { sizeOfDims } from './matrix.js';

/** Bytes of an element; refuses types of less than one. */
export function widthOf(at: Lowering, name: string): number {
  const { dtype } = at.type(name);
  const width = DTYPES[dtype].bits / 8;
  if (width < 1) at.unsupported(`elements of type ${dtype}`);
  return width;
}

/** y[o, j, i] = x[o, indices[j], i]; `sizes` are [outer, axis, inner] of x. */
export function emitGather(
  at: Lowering,
  x: View,
  indices: View,
  y: View,
  sizes: readonly [outer: number, axis: number, innerBytes: number],
  count: number,
  format: number,
): void {
  const [outer, axis, inner_bytes] = sizes;
  at.emit('gather', { x, indices, y, outer, axis, inner_bytes, count, format });
}

function gather(node: Node, at: Lowering): void {
  const [x, indices, y] = [inputOf(node, 0), inputOf(node, 1), outputOf(node)];
  const width = widthOf(at, x);
  const dims = at.dims(x);
  const axis = normalizeAxis(intOf(node, 'axis', 0), dims.length);
  const format = DTYPES[at.expectType(indices, 'int64', 'int32')].onnx;
  const sizes = [
    sizeOfDims(dims.slice(0, axis)),
    dims[axis] as number,
    sizeOfDims(dims.slice(axis + 1)) * width,
  ] as const;
  const views = [at.read(x, 'logical'), at.read(indices, 'logical'), at.write(y, 'logical')] as const;
  emitGather(at, ...views, sizes, sizeOfDims(at.dims(indices)), format);
}

/** y[index] = x[index], with a stride of 0 along every axis that x does not have. */
function expand(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  widthOf(at, x);
  const [dims, out] = [at.dims(x), at.dims(y)];
  const strides = broadcastStrides(dims, stridesIn(dims, 'logical'), out);
  const { dtype } = at.type(x);
  at.emit('transpose', at.transposeFields(at.read(x, 'logical'), at.write(y, 'logical'), dtype, out, strides));
}

/** One axis after the other, from the last: [outer, repeats, the axis and those behind it] with a stride of 0 in the middle. */
function tile(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const width = widthOf(at, x);
  const { dims, dtype } = at.type(x);
  const out = at.dims(y);
  const repeated = dims.flatMap((dim, axis) => (out[axis] === dim ? [] : [axis])).reverse();
  const size = [...dims];
  let current = at.read(x, 'logical');
  if (repeated.length === 0) at.define(y, 'logical', current);
  for (const [index, axis] of repeated.entries()) {
    const inner = sizeOfDims(size.slice(axis));
    const walk = [sizeOfDims(size.slice(0, axis)), (out[axis] as number) / (dims[axis] as number), inner];
    size[axis] = out[axis] as number;
    const last = index === repeated.length - 1;
    const to = last ? at.write(y, 'logical') : at.scratch(sizeOfDims(size) * width, `${x} repeated`);
    at.emit('transpose', at.transposeFields(current, to, dtype, walk, [inner, 0, 1]));
    current = to;
  }
}

/** Every output is a strided copy of its part, in the layout of x. */
function split(node: Node, at: Lowering): void {
  const x = inputOf(node, 0);
  widthOf(at, x);
  const { dims, dtype } = at.type(x);
  const axis = normalizeAxis(intOf(node, 'axis', 0), dims.length);
  const layout = at.layout(x);
  const strides = stridesIn(dims, layout);
  const order = axisOrder(dims.length, layout);
  const view = at.read(x, layout);
  let start = 0;
  for (const y of node.outputs) {
    if (y === '') at.unsupported('Split with an output left out');
    const out = at.dims(y);
    const offset = bytesOf(dtype, start * (strides[axis] as number));
    start += out[axis] as number;
    const to = at.write(y, layout);
    if (sizeOfDims(out) === 0) continue;
    const size = order.map((at) => out[at] as number);
    const steps = order.map((at) => strides[at] as number);
    at.emit('transpose', at.transposeFields(part(view, offset, view.bytes - offset), to, dtype, size, steps));
  }
}

/** Known while planning, as its shape is. */
function constantOfShape(node: Node, at: Lowering): void {
  const y = outputOf(node);
  const { dtype, dims } = at.type(y);
  const width = widthOf(at, y);
  const value = node.attributes.get('value');
  const element = value?.kind === 'tensor' ? value.value.data : new Uint8Array(width);
  const data = new Uint8Array(sizeOfDims(dims) * width);
  for (let byte = 0; byte < data.length; byte++) data[byte] = element[byte % width] as number;
  at.defineConstant(y, { dtype, dims, data });
}

export const GATHER_ROWS = {
  Gather: { lower: gather },
  Expand: { lower: expand, constants: [1] },
  Tile: { lower: tile, constants: [1] },
  Split: { lower: split, constants: [1] },
  ConstantOfShape: { lower: constantOfShape, constants: [0] },
} as const satisfies Record<string, LoweringRow>;
