// Softmax.

import { normalizeAxis } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, outputOf } from '../attributes.js';
import { axisOrder, physicalDims } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { sizeOfDims } from './matrix.js';

/** Since opset 13 along one axis (default -1); before, over all axes from `axis` (default 1) on, as one. */
function softmax(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  const dims = at.dims(x);
  const coerced = at.opset < 13;
  const given = intOf(node, 'axis', coerced ? 1 : -1);
  const axis = dims.length === 0 || given === dims.length ? given : normalizeAxis(given, dims.length);
  const layout = coerced ? 'logical' : at.layout(x);
  const position = coerced ? axis : axisOrder(dims.length, layout).indexOf(axis);
  const stored = dims.length === 0 ? [1] : physicalDims(dims, layout);
  const at0 = Math.max(0, position);
  const last = coerced ? stored.length : at0 + 1;
  const fields = {
    outer: sizeOfDims(stored.slice(0, at0)),
    axis: sizeOfDims(stored.slice(at0, last)),
    inner: sizeOfDims(stored.slice(last)),
  };
  at.emit('softmax_f32', { x: at.read(x, layout), y: at.write(y, layout), ...fields });
}

export const SOFTMAX_ROWS = {
  Softmax: { lower: softmax },
} as const satisfies Record<string, LoweringRow>;
