// MaxPool, AveragePool, GlobalAveragePool and the quantized averages.

import { DTYPES } from '../../core/dtype.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, intsOf, outputOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { CODE_TYPES, expectCodes, formatOf, quantizationOf } from './parameters.js';
import { type Window, windowFields, windowOf } from './window.js';

function kernelOf(at: Lowering, node: Node): readonly number[] {
  return intsOf(node, 'kernel_shape') ?? at.unsupported('a pool without kernel_shape');
}

function maxPool(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  if (outputOf(node, 1) !== '') at.unsupported('MaxPool with the output Indices');
  const format = DTYPES[at.expectType(x, 'float32', ...CODE_TYPES)].onnx;
  const window = windowOf(at, node, x, kernelOf(at, node));
  const fields = { x: at.read(x, 'channels-last'), ...windowFields(window), format };
  at.emit('max_pool', { ...fields, y: at.write(y, 'channels-last') });
}

/** The window of a global pool: the whole image. */
function globalWindow(at: Lowering, x: string): Window {
  const dims = at.dims(x);
  const [n, c] = dims as [number, number];
  // Any number of spatial axes is one long row.
  const w = dims.slice(2).reduce((product, dim) => product * dim, 1);
  const sizes = { n, h: 1, w, c, oh: 1, ow: 1, kh: 1, kw: w };
  const steps = { stride_h: 1, stride_w: 1, dilation_h: 1, dilation_w: 1 };
  return { ...sizes, ...steps, pad_top: 0, pad_left: 0, pad_bottom: 0, pad_right: 0 };
}

function averageWindow(at: Lowering, node: Node, x: string): Window & { readonly count_include_pad: number } {
  const global = node.op === 'GlobalAveragePool' || node.op === 'QGlobalAveragePool';
  const window = global ? globalWindow(at, x) : windowOf(at, node, x, kernelOf(at, node));
  return { ...window, count_include_pad: intOf(node, 'count_include_pad', 0) };
}

function averagePool(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(x, 'float32');
  const fields = { x: at.read(x, 'channels-last'), ...averageWindow(at, node, x) };
  at.emit('average_pool_f32', { ...fields, y: at.write(y, 'channels-last') });
}

/** Inputs [x, x_scale, x_zero, y_scale, y_zero]. */
function quantizedAveragePool(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  expectCodes(at, x);
  const input = quantizationOf(at, inputOf(node, 1), inputOf(node, 2), 'the input scale');
  const output = quantizationOf(at, inputOf(node, 3), inputOf(node, 4), 'the output scale');
  const fields = {
    x: at.read(x, 'channels-last'),
    ...averageWindow(at, node, x),
    ...{ x_format: formatOf(at, x), x_zero_point: input.zeroPoint, x_scale: input.scale },
    ...{ y_format: formatOf(at, y), y_zero_point: output.zeroPoint, y_scale: output.scale },
  };
  at.emit('average_pool_i8', { ...fields, y: at.write(y, 'channels-last') });
}

export const POOL_ROWS = {
  MaxPool: { lower: maxPool },
  AveragePool: { lower: averagePool },
  GlobalAveragePool: { lower: averagePool },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_POOL_ROWS = {
  QAveragePool: { lower: quantizedAveragePool, constants: [1, 2, 3, 4] },
  QGlobalAveragePool: { lower: quantizedAveragePool, constants: [1, 2, 3, 4] },
} as const satisfies Record<string, LoweringRow>;
