// Conv and its quantized forms.

import type { Node } from '../../ir/graph.js';
import { clampOf, inputOf, intOf, intsOf, outputOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { packedF32Bytes, packedI8Bytes } from '../packed.js';
import type { View } from '../program.js';
import {
  codeLimits,
  columnScales,
  columnVector,
  columnZeros,
  expectCodes,
  formatOf,
  productMultipliers,
  quantizationOf,
  requantizeMultipliers,
} from './parameters.js';
import { type Window, windowFields, windowOf } from './window.js';

export interface Geometry {
  readonly window: Window;
  readonly oc: number;
  readonly groups: number;
  readonly depthwise: boolean;
}

export function geometryOf(at: Lowering, node: Node, x: string, w: string): Geometry {
  const weight = at.dims(w);
  const kernel = weight.slice(2);
  const declared = intsOf(node, 'kernel_shape');
  if (declared !== undefined && declared.join() !== kernel.join()) {
    at.unsupported(`kernel_shape [${declared.join(', ')}] differs from the weights [${weight.join(', ')}]`);
  }
  const window = windowOf(at, node, x, kernel);
  const groups = intOf(node, 'group', 1);
  const oc = weight[0] as number;
  if (window.c !== (weight[1] as number) * groups || oc % groups !== 0) {
    at.unsupported(`weights [${weight.join(', ')}] of ${groups} groups over ${window.c} channels`);
  }
  return { window, oc, groups, depthwise: groups === window.c && groups === oc && groups > 1 };
}

/** Weights [oc, c/groups, kh, kw] packed per group with k = (kh, kw, c/groups). */
export function packedWeights(at: Lowering, w: string, { window, oc, groups }: Geometry, codes: boolean): View {
  const { kh, kw } = window;
  const channels = window.c / groups;
  const columns = oc / groups;
  const taps = kh * kw;
  const k = taps * channels;
  const format = codes ? { group_size: 0, format: formatOf(at, w) } : {};
  const one = codes ? packedI8Bytes(k, columns, 0) : packedF32Bytes(k, columns);
  return at.derive(w, `packed for ${groups} groups`, one * groups, codes ? 'pack_i8' : 'pack_f32', (from, to) => ({
    w: from,
    packed: to,
    batch: groups,
    batch_stride: columns * k,
    k0: kh,
    k1: kw,
    k2: channels,
    k0_stride: kw,
    k1_stride: 1,
    k2_stride: taps,
    n: columns,
    n_stride: k,
    ...format,
  }));
}

/** The most that a wider kernel may grow, for what copying every window costs. */
const MOST_GROWTH = 1.5;

/**
 * A kernel that is made wider by columns of zeros until its rows are whole groups of 4 codes (3 x 3 and 7 x 7 over the 3
 * channels of an image), so that windows can be read where they lie. What the zeros meet does not count.
 */
export function widened(
  at: Lowering,
  w: string,
  zeros: Int32Array | undefined,
  geometry: Geometry,
): { readonly w: string; readonly geometry: Geometry } {
  const { window, oc, groups } = geometry;
  const { kh, kw, c } = window;
  const wide = Array.from({ length: 4 }, (_, more) => kw + more).find((columns) => (columns * c) % 4 === 0) ?? kw;
  const tensor = at.constant(w);
  const fits = groups === 1 && kw > 1 && window.dilation_w === 1 && zeros === undefined && wide <= kw * MOST_GROWTH;
  if (wide === kw || !fits || tensor?.dtype !== 'int8') return { w, geometry };
  const name = `${w} of ${wide} columns`;
  if (at.constant(name) === undefined) {
    const data = new Uint8Array(oc * c * kh * wide);
    for (let row = 0; row < oc * c * kh; row++) data.set(tensor.data.subarray(row * kw, (row + 1) * kw), row * wide);
    at.defineConstant(name, { dtype: 'int8', dims: [oc, c, kh, wide], data });
  }
  return { w: name, geometry: { ...geometry, window: { ...window, kw: wide } } };
}

/** Weights [c, 1, kh, kw] as [kh * kw, c]. */
function depthwiseWeights(at: Lowering, w: string, { window }: Geometry): View {
  const { kh, kw, c } = window;
  const taps = kh * kw;
  const { dtype } = at.type(w);
  return at.derive(w, 'taps by channels', at.bytes(w), 'transpose', (x, y) =>
    at.transposeFields(x, y, dtype, [taps, c], [1, taps]),
  );
}

/**
 * The same for codes, as i8 with zero point 0, which is all that the instruction takes: i8 as they are, u8 around 128 moved
 * down by it. Undefined when the weights are anything else.
 */
export function depthwiseCodes(
  at: Lowering,
  w: string,
  zeros: Int32Array | undefined,
  geometry: Geometry,
): View | undefined {
  if (!geometry.depthwise) return undefined;
  if (at.type(w).dtype === 'int8') return zeros === undefined ? depthwiseWeights(at, w, geometry) : undefined;
  const tensor = at.constant(w);
  if (tensor === undefined || zeros?.every((zero) => zero === 128) !== true) return undefined;
  const { kh, kw, c } = geometry.window;
  const taps = kh * kw;
  const codes = Int8Array.from(
    { length: taps * c },
    (_, i) => (tensor.data[(i % c) * taps + Math.floor(i / c)] as number) - 128,
  );
  return at.block(codes, `${w} around zero, taps by channels`);
}

function conv(node: Node, at: Lowering): void {
  const [x, w, bias, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2), outputOf(node)];
  for (const name of [x, w]) at.expectType(name, 'float32');
  const geometry = geometryOf(at, node, x, w);
  const fields = {
    x: at.read(x, 'channels-last'),
    bias: columnVector(at, bias, 'float32', geometry.oc),
    ...windowFields(geometry.window),
    ...clampOf(node),
  };
  if (geometry.depthwise) {
    const weights = depthwiseWeights(at, w, geometry);
    at.emit('depthwise_f32', { ...fields, weights, y: at.write(y, 'channels-last') });
  } else {
    const packed = packedWeights(at, w, geometry, false);
    const { oc, groups } = geometry;
    const output = { y: at.write(y, 'channels-last'), y_stride: oc };
    at.emit('conv_f32', { ...fields, packed, oc, groups, exact: at.exact, ...output });
  }
}

/** The inputs of a quantized convolution, '' where absent. */
interface QuantizedInputs {
  readonly x: string;
  readonly xScale: string;
  readonly xZero: string;
  readonly w: string;
  readonly wScale: string;
  readonly wZero: string;
  readonly yScale: string;
  readonly yZero: string;
  readonly offset: string;
  readonly bias: string;
}

function quantizedConv(node: Node, at: Lowering, inputs: QuantizedInputs): void {
  const { x, w } = inputs;
  const y = outputOf(node);
  expectCodes(at, x, w);
  const geometry = geometryOf(at, node, x, w);
  const { oc, groups, window } = geometry;
  const input = quantizationOf(at, inputs.xScale, inputs.xZero, 'the input scale');
  const scales = columnScales(at, inputs.wScale, oc);
  const zeros = columnZeros(at, inputs.wZero, oc);
  const output = inputs.yScale === '' ? undefined : quantizationOf(at, inputs.yScale, inputs.yZero, 'the output scale');
  const multiplier =
    output === undefined
      ? productMultipliers(input.scale, scales)
      : requantizeMultipliers(input.scale, scales, output.scale);
  const fields = {
    x: at.read(x, 'channels-last'),
    x_scale: undefined,
    x_zero: undefined,
    offset: columnVector(at, inputs.offset, 'int32', oc),
    multiplier: at.block(multiplier, `${node.name} multiplier`),
    bias: columnVector(at, inputs.bias, 'float32', oc),
    ...windowFields(window),
    multiplier_step: multiplier.length === 1 ? 0 : 1,
    x_format: formatOf(at, x),
    x_zero_point: input.zeroPoint,
    y_format: formatOf(at, y),
    y_zero_point: output?.zeroPoint ?? 0,
    ...codeLimits(at, node, y),
    ...clampOf(node),
  };
  const weights = depthwiseCodes(at, w, zeros, geometry);
  if (weights !== undefined) {
    at.emit('depthwise_i8', { ...fields, weights, y: at.write(y, 'channels-last') });
    return;
  }
  const w_zero = zeros === undefined ? undefined : at.block(zeros, `${node.name} weight zero points`);
  const wide = widened(at, w, zeros, geometry);
  const packed = packedWeights(at, wide.w, wide.geometry, true);
  const { kw } = wide.geometry.window;
  at.emit('conv_i8', { ...fields, kw, packed, w_zero, oc, groups, y_stride: oc, y: at.write(y, 'channels-last') });
}

function qConv(node: Node, at: Lowering): void {
  const [x, xScale, xZero, w, wScale, wZero] = named(node);
  const [yScale, yZero, offset, bias] = named(node, 6);
  quantizedConv(node, at, { x, xScale, xZero, w, wScale, wZero, yScale, yZero, offset, bias });
}

function qLinearConv(node: Node, at: Lowering): void {
  const [x, xScale, xZero, w, wScale, wZero] = named(node);
  const [yScale, yZero, offset] = named(node, 6);
  quantizedConv(node, at, { x, xScale, xZero, w, wScale, wZero, yScale, yZero, offset, bias: '' });
}

type Six = [string, string, string, string, string, string];

/** Six inputs from a position on. */
function named(node: Node, from = 0): Six {
  return Array.from({ length: 6 }, (_, index) => inputOf(node, from + index)) as Six;
}

export const CONV_ROWS = {
  Conv: { lower: conv },
  QLinearConv: { lower: qLinearConv, constants: [1, 2, 4, 5, 6, 7] },
} as const satisfies Record<string, LoweringRow>;

export const LOWERED_CONV_ROWS = {
  Conv: { lower: conv },
  QConv: { lower: qConv, constants: [1, 2, 4, 5, 6, 7] },
} as const satisfies Record<string, LoweringRow>;
