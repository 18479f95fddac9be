// LayerNormalization, RMSNormalization, and BatchNormalization where no pass has folded it into a convolution.

import { normalizeAxis, stridesOf } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { clampOf, floatOf, inputOf, intOf, outputOf } from '../attributes.js';
import { axisOrder, broadcastStrides, physicalDims, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { emitBinary } from './binary.js';
import { sizeOfDims } from './matrix.js';

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

/** A scale or bias repeated to the shape that is normalized, in logical order. */
function repeated(at: Lowering, name: string, shape: readonly number[]): View {
  at.expectType(name, 'float32');
  const dims = at.dims(name);
  const view = at.read(name, 'logical');
  const count = sizeOfDims(shape);
  if (sizeOfDims(dims) === count) return view;
  const own = dims.slice(Math.max(0, dims.length - shape.length));
  if (sizeOfDims(own) !== sizeOfDims(dims)) at.unsupported(`a scale [${dims.join(', ')}] for [${shape.join(', ')}]`);
  const strides = broadcastStrides(own, stridesIn(own, 'logical'), shape);
  return at.derive(name, `repeated to ${shape.join('x')}`, count * 4, 'transpose', (x, y) =>
    at.transposeFields(x, y, 'float32', shape, strides),
  );
}

/**
 * Over all axes from `axis` on. Inputs [x, scale, bias]; the lowered form has [x, scale, bias, addend] and normalizes
 * x + addend. Further outputs are the mean and 1 / sqrt(variance + epsilon).
 */
function layerNormalization(node: Node, at: Lowering): void {
  const [x, scale, bias, addend] = [0, 1, 2, 3].map((index) => inputOf(node, index)) as [
    string,
    string,
    string,
    string,
  ];
  for (const name of [x, addend]) if (name !== '') at.expectType(name, 'float32');
  if (intOf(node, 'stash_type', 1) !== 1) at.unsupported(`${node.op} in another precision than float32`);
  const dims = at.dims(x);
  const axis = normalizeAxis(intOf(node, 'axis', -1), dims.length);
  const shape = dims.slice(axis);
  const views = { x: at.read(x, 'logical'), addend: addend === '' ? undefined : at.read(addend, 'logical') };
  const parameters = {
    scale: repeated(at, scale, shape),
    bias: bias === '' ? undefined : repeated(at, bias, shape),
  };
  const optional = (index: number): View | undefined =>
    outputOf(node, index) === '' ? undefined : at.write(outputOf(node, index), 'logical');
  const outputs = { y: at.write(outputOf(node), 'logical'), mean: optional(1), inverse: optional(2) };
  const sizes = { rows: sizeOfDims(dims.slice(0, axis)), columns: sizeOfDims(shape) };
  const rule = { epsilon: floatOf(node, 'epsilon', 1e-5), subtract_mean: node.op === 'RMSNormalization' ? 0 : 1 };
  at.emit('layer_norm_f32', { ...views, ...parameters, ...outputs, ...sizes, ...rule }, ['y', 'x'], ['y', 'addend']);
}

export const NORMALIZE_ROWS = {
  LayerNormalization: { lower: layerNormalization },
  RMSNormalization: { lower: layerNormalization },
  BatchNormalization: { lower: batchNormalization, constants: [1, 2, 3, 4] },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_NORMALIZE_ROWS = {
  LayerNormalization: { lower: layerNormalization },
} as const satisfies Record<string, LoweringRow>;
