// QuantizeLinear and DequantizeLinear.

import { DTYPES, type DType } from '../../core/dtype.js';
import { normalizeAxis } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, outputOf } from '../attributes.js';
import { axisOrder, type Layout, physicalDims } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { sizeOfDims } from './matrix.js';
import { CODE_TYPES, zeroPoints } from './parameters.js';

/** The `granularity` field of the instructions. */
const GRANULARITY = { tensor: 0, channel: 1, block: 2 } as const;

interface Geometry {
  readonly granularity: number;
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  readonly block: number;
}

/** x as [outer, axis, inner] in the order in which `layout` stores it. */
function geometryOf(at: Lowering, node: Node, x: string, scale: string, layout: Layout): Geometry {
  const dims = at.dims(x);
  const scaleDims = at.dims(scale);
  const stored = physicalDims(dims, layout);
  if (sizeOfDims(scaleDims) === 1 && intOf(node, 'block_size', 0) === 0) {
    return { granularity: GRANULARITY.tensor, outer: 1, axis: 1, inner: sizeOfDims(stored), block: 0 };
  }
  const axis = normalizeAxis(intOf(node, 'axis', 1), dims.length);
  const position = axisOrder(dims.length, layout).indexOf(axis);
  const outer = sizeOfDims(stored.slice(0, position));
  const inner = sizeOfDims(stored.slice(position + 1));
  const length = stored[position] as number;
  const block = intOf(node, 'block_size', 0);
  if (block === 0) {
    if (sizeOfDims(scaleDims) !== length) {
      at.unsupported(`a scale of shape [${scaleDims.join(', ')}] for axis ${axis} of [${dims.join(', ')}]`);
    }
    return { granularity: GRANULARITY.channel, outer, axis: length, inner, block: 0 };
  }
  return { granularity: GRANULARITY.block, outer, axis: length, inner, block };
}

/** Blocks are laid out along the logical axes; anything else follows the input. */
function layoutOf(at: Lowering, node: Node, x: string): Layout {
  return intOf(node, 'block_size', 0) === 0 ? at.layout(x) : 'logical';
}

function quantize(node: Node, at: Lowering): void {
  const [x, scale, zero, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2), outputOf(node)];
  for (const name of [x, scale]) at.expectType(name, 'float32');
  at.expectType(y, ...CODE_TYPES);
  const layout = layoutOf(at, node, x);
  const fields = {
    x: at.read(x, layout),
    scale: at.read(scale, 'logical'),
    zero_point: zeroPoints(at, zero),
    ...geometryOf(at, node, x, scale, layout),
    format: DTYPES[at.type(y).dtype].onnx,
  };
  at.emit('quantize', { ...fields, codes: at.write(y, layout) });
}

function dequantize(node: Node, at: Lowering): void {
  const [x, scale, zero, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2), outputOf(node)];
  const sources: readonly DType[] = [...CODE_TYPES, 'int32'];
  const dtype = at.expectType(x, ...sources);
  for (const name of [scale, y]) at.expectType(name, 'float32');
  // A fetched value ends up in the logical layout: reorder the codes, which are a quarter of the floats.
  const layout = at.isWanted(y) ? 'logical' : layoutOf(at, node, x);
  const fields = {
    codes: at.read(x, layout),
    scale: at.read(scale, 'logical'),
    zero_point: zeroPoints(at, zero),
    ...geometryOf(at, node, x, scale, layout),
    format: DTYPES[dtype].onnx,
  };
  at.emit('dequantize', { ...fields, x: at.write(y, layout) });
}

export const QUANTIZE_ROWS = {
  QuantizeLinear: { lower: quantize, constants: [1, 2] },
  DequantizeLinear: { lower: dequantize, constants: [1, 2] },
} as const satisfies Record<string, LoweringRow>;
