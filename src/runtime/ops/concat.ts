// Concat and its quantized form.

import { DTYPES } from '../../core/dtype.js';
import { normalizeAxis } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { quantizeValue } from '../../numerics/rounding.js';
import { inputOf, intOf, outputOf } from '../attributes.js';
import { axisOrder, physicalDims } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { sizeOfDims } from './matrix.js';
import { expectCodes, quantizationOf, rangeOf } from './parameters.js';

/** Copies parts beside one another; `turn` may change the codes of a part on the way. */
function emitConcat(
  at: Lowering,
  node: Node,
  names: readonly string[],
  turn: (view: View, index: number) => View = (view) => view,
): void {
  const y = outputOf(node);
  const { dtype, dims } = at.type(y);
  const bits = DTYPES[dtype].bits;
  if (bits < 8) at.unsupported(`Concat of ${dtype}`);
  const axis = normalizeAxis(intOf(node, 'axis', 1), dims.length);
  const stored = (name: string): boolean => at.constant(name) === undefined && at.layout(name) === 'channels-last';
  const layout = names.some(stored) ? 'channels-last' : 'logical';
  const position = axisOrder(dims.length, layout).indexOf(axis);
  const rowBytes = (size: readonly number[]): number =>
    (sizeOfDims(physicalDims(size, layout).slice(position)) * bits) / 8;
  const rows = sizeOfDims(physicalDims(dims, layout).slice(0, position));
  const views = names.map((name, index) => turn(at.read(name, layout), index));
  const out = at.write(y, layout);
  let y_offset = 0;
  names.forEach((name, index) => {
    const row_bytes = rowBytes(at.dims(name));
    if (row_bytes === 0) return;
    const x = views[index];
    at.emit('copy_rows', {
      x,
      y: out,
      rows,
      row_bytes,
      x_stride: row_bytes,
      x_offset: 0,
      y_stride: rowBytes(dims),
      y_offset,
    });
    y_offset += row_bytes;
  });
}

function concat(node: Node, at: Lowering): void {
  emitConcat(at, node, node.inputs);
}

/** Inputs [y_scale, y_zero, x0, s0, z0, x1, s1, z1, …]: codes of another scale go through a table. */
function quantizedConcat(node: Node, at: Lowering): void {
  const y = outputOf(node);
  const output = quantizationOf(at, inputOf(node, 0), inputOf(node, 1), 'the output scale');
  const count = Math.floor((node.inputs.length - 2) / 3);
  const names = Array.from({ length: count }, (_, part) => inputOf(node, 2 + 3 * part));
  expectCodes(at, ...names);
  const [qmin, qmax] = rangeOf(at.type(y).dtype);
  emitConcat(at, node, names, (view, index) => {
    const name = names[index] as string;
    const input = quantizationOf(at, inputOf(node, 3 + 3 * index), inputOf(node, 4 + 3 * index), 'an input scale');
    const { dtype } = at.type(name);
    const same = dtype === at.type(y).dtype && input.scale === output.scale && input.zeroPoint === output.zeroPoint;
    if (same) return view;
    const table = Uint8Array.from({ length: 256 }, (_, byte) => {
      const code = dtype === 'int8' && byte > 127 ? byte - 256 : byte;
      const real = Math.fround((code - input.zeroPoint) * input.scale);
      return quantizeValue(real, output.scale, output.zeroPoint, qmin, qmax);
    });
    const turned = at.scratch(view.bytes, `${name} requantized`);
    at.emit('lookup_8', { x: view, table: at.block(table, `${name} table`), y: turned, n: view.bytes }, ['y', 'x']);
    return turned;
  });
}

export const CONCAT_ROWS = {
  Concat: { lower: concat },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_CONCAT_ROWS = {
  QConcat: { lower: quantizedConcat },
} as const satisfies Record<string, LoweringRow>;
