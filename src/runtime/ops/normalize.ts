// BatchNormalization with the statistics of training, where no pass has folded it into a convolution.

import { stridesOf } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { clampOf, floatOf, inputOf, intOf, outputOf } from '../attributes.js';
import { axisOrder, physicalDims } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { emitBinary } from './binary.js';

const NO_CLAMP = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** y = x * factor + shift per channel; factor = scale / sqrt(variance + epsilon), shift = bias - mean * factor. */
function batchNormalization(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  if (intOf(node, 'training_mode', 0) !== 0) at.unsupported('BatchNormalization in training mode');
  const names = ['the scale', 'the bias', 'the mean', 'the variance'];
  const [scale, bias, mean, variance] = names.map((what, index) => at.floats(inputOf(node, index + 1), what)) as Four;
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const channels = scale.length;
  const factor = new Float32Array(channels);
  const shift = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const exact = (scale[c] as number) / Math.sqrt((variance[c] as number) + epsilon);
    factor[c] = exact;
    shift[c] = (bias[c] as number) - (mean[c] as number) * exact;
  }
  const layout = at.layout(x);
  const dims = physicalDims(at.dims(x), layout);
  const own = stridesOf(dims);
  const perChannel = axisOrder(dims.length, layout).map((axis) => (axis === 1 ? 1 : 0));
  const view = at.read(x, layout);
  const out = at.write(y, layout);
  const vector = (values: Float32Array<ArrayBuffer>, what: string) => ({
    view: at.block(values, `${node.name} ${what}`),
    strides: perChannel,
  });
  emitBinary(at, 2, dims, { view, strides: own }, vector(factor, 'factor'), out, NO_CLAMP);
  emitBinary(at, 0, dims, { view: out, strides: own }, vector(shift, 'shift'), out, clampOf(node));
}

type Four = [Float32Array, Float32Array, Float32Array, Float32Array];

export const NORMALIZE_ROWS = {
  BatchNormalization: { lower: batchNormalization, constants: [1, 2, 3, 4] },
} as const satisfies Record<string, LoweringRow>;
