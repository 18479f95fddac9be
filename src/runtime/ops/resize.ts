// Resize and Upsample: one axis at a time, as a gather (nearest) or a weighted sum (linear, cubic) by tables made here.

import { DTYPES } from '../../core/dtype.js';
import { normalizeAxis } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { type AspectPolicy, type ResizedAxis, resizedAxes } from '../../ir/resize.js';
import { floatOf, inputOf, intOf, intsOf, outputOf, stringOf } from '../attributes.js';
import { axisOrder } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import type { View } from '../program.js';
import { emitGather, widthOf } from './gather.js';
import { sizeOfDims } from './matrix.js';

/** Position in the input of output element i, by coordinate_transformation_mode. Source: ONNX, Resize-19. */
const COORDINATES: Readonly<Record<string, (i: number, from: number, axis: ResizedAxis) => number>> = {
  half_pixel: (i, _, { scale }) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, from, { size, scale }) =>
    (from / 2) * (1 - size / (scale * from)) + (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, _, { size, scale }) => (size > 1 ? (i + 0.5) / scale - 0.5 : 0),
  // By the length before it is cut to a whole one.
  align_corners: (i, from, { scale }) => (scale * from === 1 ? 0 : (i * (from - 1)) / (scale * from - 1)),
  asymmetric: (i, _, { scale }) => i / scale,
};

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weight of an input element at a distance: the linear one reaches 1 far, the cubic one 2. */
interface Filter {
  readonly reach: number;
  readonly weight: (distance: number) => number;
}

const LINEAR: Filter = { reach: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) };

/** Keys' cubic convolution with parameter a. */
function cubic(a: number): Filter {
  const weight = (distance: number): number => {
    const x = Math.abs(distance);
    if (x >= 2) return 0;
    return x > 1 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : ((a + 2) * x - (a + 3)) * x * x + 1;
  };
  return { reach: 2, weight };
}

interface Table {
  readonly taps: number;
  readonly indices: Int32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
}

interface Sampling {
  readonly filter: Filter;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
}

/** For every position the input elements around it and their weights; outside of the input its border repeats. */
function tableOf(positions: readonly number[], from: number, scale: number, sampling: Sampling): Table {
  const { filter, antialias, excludeOutside } = sampling;
  // Shrinking with antialias stretches the filter over the input elements that one output element stands for.
  const narrow = antialias ? Math.min(scale, 1) : 1;
  const before = Math.ceil(filter.reach / narrow) - 1;
  const taps = 2 * before + 2;
  const indices = new Int32Array(positions.length * taps);
  const weights = new Float32Array(positions.length * taps);
  positions.forEach((position, row) => {
    const first = Math.floor(position) - before;
    const own = Array.from({ length: taps }, (_, tap) => {
      const at = first + tap;
      return excludeOutside && (at < 0 || at >= from) ? 0 : filter.weight((at - position) * narrow);
    });
    const sum = own.reduce((total, weight) => total + weight, 0);
    own.forEach((weight, tap) => {
      indices[row * taps + tap] = Math.min(Math.max(first + tap, 0), from - 1);
      weights[row * taps + tap] = antialias || excludeOutside ? weight / sum : weight;
    });
  });
  return { taps, indices, weights };
}

interface Geometry {
  readonly axes: readonly ResizedAxis[];
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
}

function geometryOf(node: Node, at: Lowering): Geometry {
  const dims = at.dims(inputOf(node, 0));
  const old = node.op === 'Upsample' || at.opset < 11;
  const mode = stringOf(node, 'mode', 'nearest');
  const axes = intsOf(node, 'axes')?.map((axis) => normalizeAxis(axis, dims.length)) ?? dims.map((_, axis) => axis);
  const written = node.attributes.get('scales');
  const [scales, sizes] = [inputOf(node, old ? 1 : 2), old ? '' : inputOf(node, 3)];
  const scalesOf = (): readonly number[] =>
    written?.kind === 'floats' ? written.value : [...at.floats(scales, 'the scales')];
  const given =
    sizes !== '' && at.dims(sizes)[0] !== 0 ? { sizes: at.integers(sizes, 'the sizes') } : { scales: scalesOf() };
  const policy = stringOf(node, 'keep_aspect_ratio_policy', 'stretch') as AspectPolicy;
  return {
    axes: resizedAxes(dims, axes, given, policy),
    mode: mode === 'bilinear' ? 'linear' : mode,
    // Before opset 11 there was one way.
    coordinates: old ? 'asymmetric' : stringOf(node, 'coordinate_transformation_mode', 'half_pixel'),
    nearest: old ? 'floor' : stringOf(node, 'nearest_mode', 'round_prefer_floor'),
  };
}

function resize(node: Node, at: Lowering): void {
  const [x, y] = [inputOf(node, 0), outputOf(node)];
  const { axes, mode, coordinates, nearest } = geometryOf(node, at);
  const transform = COORDINATES[coordinates];
  const pick = NEAREST[nearest];
  if (transform === undefined) at.unsupported(`Resize with coordinates '${coordinates}'`);
  if (pick === undefined) at.unsupported(`Resize with nearest_mode '${nearest}'`);
  if (!['nearest', 'linear', 'cubic'].includes(mode)) at.unsupported(`Resize with mode '${mode}'`);
  if (mode !== 'nearest') at.expectType(x, 'float32');
  const width = widthOf(at, x);
  const sampling: Sampling = {
    filter: mode === 'cubic' ? cubic(floatOf(node, 'cubic_coeff_a', -0.75)) : LINEAR,
    antialias: intOf(node, 'antialias', 0) !== 0,
    excludeOutside: intOf(node, 'exclude_outside', 0) !== 0,
  };
  const dims = at.dims(x);
  const layout = at.layout(x);
  const order = axisOrder(dims.length, layout);
  const size = order.map((axis) => dims[axis] as number);
  const moved = order.flatMap((axis, place) => {
    const { size: to, scale } = axes[axis] as ResizedAxis;
    return to === dims[axis] && scale === 1 ? [] : [place];
  });
  let current = at.read(x, layout);
  if (moved.length === 0) {
    at.define(y, layout, current);
    return;
  }
  for (const [index, place] of moved.entries()) {
    const axis = axes[order[place] as number] as ResizedAxis;
    const from = size[place] as number;
    const positions = Array.from({ length: axis.size }, (_, i) => transform(i, from, axis));
    const [outer, inner] = [sizeOfDims(size.slice(0, place)), sizeOfDims(size.slice(place + 1))];
    const last = index === moved.length - 1;
    const to: View = last ? at.write(y, layout) : at.scratch(outer * axis.size * inner * width, `${x} resized`);
    if (mode === 'nearest') {
      const picked = Int32Array.from(positions, (position) => Math.min(Math.max(pick(position), 0), from - 1));
      const indices = at.block(picked, `${node.name} indices`);
      emitGather(at, current, indices, to, [outer, from, inner * width], axis.size, DTYPES.int32.onnx);
    } else {
      const { taps, indices, weights } = tableOf(positions, from, axis.scale, sampling);
      const table = {
        indices: at.block(indices, `${node.name} indices`),
        weights: at.block(weights, `${node.name} weights`),
      };
      at.emit('resample_f32', { x: current, ...table, y: to, outer, axis: from, inner, count: axis.size, taps });
    }
    size[place] = axis.size;
    current = to;
  }
}

export const RESIZE_ROWS = {
  Resize: { lower: resize, constants: [2, 3] },
  Upsample: { lower: resize, constants: [1] },
} as const satisfies Record<string, LoweringRow>;
