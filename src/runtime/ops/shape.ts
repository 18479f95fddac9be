// Operators that move or rename elements: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Transpose.

import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, intsOf, outputOf } from '../attributes.js';
import { collapse, type Layout, physicalDims, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';

/** The same elements under other dimensions: no instruction unless the input is stored in another order. */
function reshape(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const [from, to] = [at.dims(x), at.dims(y)];
  const known = at.constant(x);
  if (known !== undefined) {
    at.defineConstant(y, { ...known, dims: to });
    return;
  }
  // [n, c, …] to [n, c, …]: the channels-last bytes stay valid too.
  const keepsChannels = from.length >= 3 && to.length >= 3 && from[0] === to[0] && from[1] === to[1];
  if (keepsChannels && at.layout(x) === 'channels-last') {
    at.define(y, 'channels-last', at.read(x, 'channels-last'));
  } else {
    at.define(y, 'logical', at.read(x, 'logical'));
  }
}

function identity(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const layout = at.layout(x);
  at.define(y, layout, at.read(x, layout));
}

/** The dimensions of x from `start` to `end`: known while planning. */
function shape(node: Node, at: Lowering): void {
  const dims = at.dims(inputOf(node, 0));
  const part = dims.slice(intOf(node, 'start', 0), intOf(node, 'end', dims.length));
  at.define(outputOf(node), 'logical', at.block(BigInt64Array.from(part, BigInt), `shape of ${inputOf(node, 0)}`));
}

/** y[i…] = x[permuted i…]: free when the bytes already lie that way in some layout of y. */
function transpose(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const dims = at.dims(x);
  const out = at.dims(y);
  const perm = intsOf(node, 'perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
  const targets: readonly Layout[] = out.length >= 3 ? ['logical', 'channels-last'] : ['logical'];
  for (const source of at.layouts(x)) {
    const strides = perm.map((axis) => stridesIn(dims, source)[axis] as number);
    for (const target of targets) {
      const order = physicalDims(
        out.map((_, axis) => axis),
        target,
      );
      const size = order.map((axis) => out[axis] as number);
      if (
        !isDense(
          size,
          order.map((axis) => strides[axis] as number),
        )
      )
        continue;
      at.define(y, target, at.read(x, source));
      return;
    }
  }
  const source = at.layout(x);
  const strides = perm.map((axis) => stridesIn(dims, source)[axis] as number);
  const fields = at.transposeFields(at.read(x, source), at.write(y, 'logical'), at.type(x).dtype, out, strides);
  at.emit('transpose', fields);
}

/** Whether a walk visits memory in order, without gaps. */
function isDense(dims: readonly number[], strides: readonly number[]): boolean {
  const walk = collapse(dims, [strides]);
  return walk.dims.length === 0 || (walk.dims.length === 1 && walk.strides[0]?.[0] === 1);
}

export const SHAPE_ROWS = {
  Reshape: { lower: reshape, constants: [1] },
  Flatten: { lower: reshape },
  Squeeze: { lower: reshape, constants: [1] },
  Unsqueeze: { lower: reshape, constants: [1] },
  Identity: { lower: identity },
  Shape: { lower: shape },
  Transpose: { lower: transpose },
} as const satisfies Record<string, LoweringRow>;
