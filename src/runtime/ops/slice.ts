// Slice and Pad: strided copies of a part of a value, and of a value into a larger one.

import { bytesOf, DTYPES } from '../../core/dtype.js';
import { normalizeAxis } from '../../core/shape.js';
import { type ConstantTensor, integersOf } from '../../core/tensor.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intsOf, outputOf, stringOf } from '../attributes.js';
import { axisOrder, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { part, type View } from '../program.js';
import { sizeOfDims } from './matrix.js';

/** Integers that are an input since some opset and were an attribute before. */
function listOf(at: Lowering, node: Node, index: number, attribute: string): readonly number[] | undefined {
  const name = inputOf(node, index);
  return name === '' ? intsOf(node, attribute) : integersOf(at.needConstant(name, attribute));
}

/** y[i] = x[start + i * step] along some axes: one strided gather in the layout of x. */
function slice(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const { dims, dtype } = at.type(x);
  const out = at.dims(y);
  const starts = listOf(at, node, 1, 'starts') ?? at.unsupported('Slice without starts');
  const axes = listOf(at, node, 3, 'axes') ?? starts.map((_, axis) => axis);
  const steps = inputOf(node, 4) === '' ? starts.map(() => 1) : at.integers(inputOf(node, 4), 'the steps');
  const layout = at.layout(x);
  const strides = stridesIn(dims, layout);
  let first = 0;
  axes.forEach((given, index) => {
    const axis = normalizeAxis(given, dims.length);
    const size = dims[axis] as number;
    const step = steps[index] as number;
    const start = starts[index] as number;
    const least = step < 0 ? -1 : 0;
    const from = Math.min(Math.max(start < 0 ? start + size : start, least), step < 0 ? size - 1 : size);
    first += from * (strides[axis] as number);
    strides[axis] = (strides[axis] as number) * step;
  });
  if (strides.some((stride, axis) => stride < 0 && (out[axis] as number) > 1))
    at.unsupported('Slice with a negative step');
  const view = at.read(x, layout);
  const offset = bytesOf(dtype, first);
  const from = part(view, offset, view.bytes - offset);
  const order = axisOrder(dims.length, layout);
  const size = order.map((axis) => out[axis] as number);
  const stepsInOrder = order.map((axis) => Math.max(0, strides[axis] as number));
  at.emit('transpose', at.transposeFields(from, at.write(y, layout), dtype, size, stepsInOrder));
}

/** A value inside a larger one that is filled with a constant. */
function pad(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  if (stringOf(node, 'mode', 'constant') !== 'constant')
    at.unsupported(`Pad with mode '${stringOf(node, 'mode', '')}'`);
  const { dims, dtype } = at.type(x);
  const width = DTYPES[dtype].bits / 8;
  if (width < 1) at.unsupported(`Pad of ${dtype}`);
  const pads = listOf(at, node, 1, 'pads') ?? at.unsupported('Pad without pads');
  const given =
    listOf(at, node, 3, 'axes')?.map((axis) => normalizeAxis(axis, dims.length)) ?? dims.map((_, axis) => axis);
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  given.forEach((axis, index) => {
    begin[axis] = pads[index] as number;
    end[axis] = pads[index + given.length] as number;
  });
  if ([...begin, ...end].some((count) => count < 0)) at.unsupported('Pad with negative pads');
  const layout = at.layout(x);
  const order = axisOrder(dims.length, layout);
  const stored = order.map((axis) => dims[axis] as number);
  const before = order.map((axis) => begin[axis] as number);
  const after = order.map((axis) => end[axis] as number);
  const fill = inputOf(node, 2) === '' ? undefined : at.needConstant(inputOf(node, 2), 'the padding value');
  const view = at.read(x, layout);
  const padded = before.flatMap((count, axis) => (count + (after[axis] as number) > 0 ? [axis] : []));
  let current = { view, dims: stored };
  padded.forEach((axis, index) => {
    const size = current.dims.map((dim, other) =>
      other === axis ? dim + (before[axis] as number) + (after[axis] as number) : dim,
    );
    const bytes = sizeOfDims(size) * width;
    const to = index === padded.length - 1 ? at.write(y, layout) : at.scratch(bytes, `${x} padded`);
    padAxis(at, current, { axis, before: before[axis] as number, size, to, width }, fill);
    current = { view: to, dims: size };
  });
  if (padded.length === 0) at.define(y, layout, view);
}

interface AxisPad {
  readonly axis: number;
  readonly before: number;
  /** Dimensions after padding. */
  readonly size: readonly number[];
  readonly to: View;
  readonly width: number;
}

/** Pads one axis: rows of the axes from it on, with the filling before and behind each. */
function padAxis(
  at: Lowering,
  from: { view: View; dims: readonly number[] },
  { axis, before, size, to, width }: AxisPad,
  fill: ConstantTensor | undefined,
): void {
  const rows = sizeOfDims(size.slice(0, axis));
  const x_stride = sizeOfDims(from.dims.slice(axis)) * width;
  const y_stride = sizeOfDims(size.slice(axis)) * width;
  const head = before * sizeOfDims(size.slice(axis + 1)) * width;
  const tail = y_stride - head - x_stride;
  const filling = new Uint8Array(Math.max(head, tail));
  if (fill !== undefined)
    for (let byte = 0; byte < filling.length; byte++) filling[byte] = fill.data[byte % width] as number;
  const constant = at.block(filling, 'padding');
  const around = { x: constant, y: to, rows, x_stride: 0, x_offset: 0, y_stride };
  if (head > 0) at.emit('copy_rows', { ...around, row_bytes: head, y_offset: 0 });
  if (tail > 0) at.emit('copy_rows', { ...around, row_bytes: tail, y_offset: head + x_stride });
  const row = { rows, row_bytes: x_stride, x_stride, x_offset: 0, y_stride, y_offset: head };
  if (x_stride > 0) at.emit('copy_rows', { x: from.view, y: to, ...row });
}

export const SLICE_ROWS = {
  Slice: { lower: slice, constants: [1, 2, 3, 4] },
  Pad: { lower: pad, constants: [1, 2, 3] },
} as const satisfies Record<string, LoweringRow>;
