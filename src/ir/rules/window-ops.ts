// Convolutions, pools, and what else works on channels and spatial dimensions.

import type { Dim } from '../../core/shape.js';
import { CODES, FLOAT, type Known, MANY, type NodeContext, type OpRule } from '../rule.js';
import { resolveWindow } from '../window.js';

export const CONV_ATTRIBUTES = {
  auto_pad: 'string',
  dilations: 'ints',
  group: 'int',
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
} as const;

const POOL_ATTRIBUTES = {
  auto_pad: 'string',
  ceil_mode: 'int',
  count_include_pad: 'int',
  dilations: 'ints',
  kernel_shape: 'ints',
  pads: 'ints',
  storage_order: 'int',
  strides: 'ints',
} as const;

function checkedInts(
  context: NodeContext,
  name: string,
  length: number,
  least: number,
  most = MANY,
): readonly number[] | undefined {
  const ints = context.ints(name);
  if (ints === undefined) return undefined;
  if (ints.length !== length || ints.some((value) => !Number.isInteger(value) || value < least || value > most)) {
    context.fail(`${name} is [${ints.join(', ')}]; expected ${length} integers in [${least}, ${most}]`);
  }
  return ints;
}

/** Spatial output sizes; `kernel` has numbers, `input` may have names. */
function spatialDims(context: NodeContext, input: readonly Dim[], kernel: readonly number[]): Dim[] {
  const rank = input.length;
  const strides = checkedInts(context, 'strides', rank, 1);
  const dilations = checkedInts(context, 'dilations', rank, 1);
  const pads = checkedInts(context, 'pads', 2 * rank, 0);
  const autoPad = context.string('auto_pad', 'NOTSET');
  if (!['', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(autoPad)) {
    context.fail(`auto_pad is '${autoPad}'; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER`);
  }
  const ceilMode = context.int('ceil_mode', 0) !== 0;
  return input.map((size, axis): Dim => {
    const at = <T>(list: readonly T[] | undefined): T[] | undefined => list && [list[axis] as T];
    const windowOf = (length: number): number =>
      resolveWindow({
        input: [length],
        kernel: [kernel[axis] as number],
        strides: at(strides),
        dilations: at(dilations),
        pads: pads && [pads[axis] as number, pads[axis + rank] as number],
        autoPad: autoPad === '' ? 'NOTSET' : autoPad,
        ceilMode,
      }).output[0] as number;
    if (typeof size === 'string') {
      // Two probes far above any kernel: when both come back unchanged, the window keeps every size.
      return windowOf(2 ** 20) === 2 ** 20 && windowOf(2 ** 20 + 1) === 2 ** 20 + 1
        ? size
        : context.unknownDim(axis + 2);
    }
    const out = windowOf(size);
    if (size === 0 || out <= 0) {
      context.fail(`spatial dimension ${axis} of size ${size} is smaller than its window of ${kernel[axis]}`);
    }
    return out;
  });
}

/** Output dimensions of a convolution of x [n, c, …] with w [o, c / group, …]. */
export function convDims(context: NodeContext, xIndex: number, wIndex: number): readonly Dim[] | undefined {
  const x = context.ranked(xIndex, 3, MANY);
  const w = context.ranked(wIndex, 3, MANY);
  if (x === undefined || w === undefined) return undefined;
  if (x.length !== w.length) {
    context.fail(`input [${x.join(', ')}] and weights [${w.join(', ')}] differ in rank`);
  }
  const group = context.int('group', 1);
  const [channels, perGroup, outputs] = [x[1] as Dim, w[1] as Dim, w[0] as Dim];
  if (!Number.isInteger(group) || group < 1) context.fail(`group is ${group}; expected an integer >= 1`);
  if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * group) {
    context.fail(
      `the input has ${channels} channels; weights [${w.join(', ')}] in ${group} groups expect ${perGroup * group}`,
    );
  }
  if (typeof outputs === 'number' && outputs % group !== 0) {
    context.fail(`${outputs} output channels cannot be split in ${group} groups`);
  }
  const kernel = w.slice(2);
  const declared = checkedInts(context, 'kernel_shape', kernel.length, 1);
  if (declared?.some((size, axis) => typeof kernel[axis] === 'number' && size !== kernel[axis])) {
    context.fail(`kernel_shape is [${declared.join(', ')}] but the weights are [${w.join(', ')}]`);
  }
  const sizes = declared ?? kernel;
  if (!sizes.every((size): size is number => typeof size === 'number')) {
    return [x[0] as Dim, outputs, ...kernel.map((_, axis) => context.unknownDim(axis + 2))];
  }
  return [x[0] as Dim, outputs, ...spatialDims(context, x.slice(2), sizes)];
}

/** A bias has one value per output channel. */
export function checkBias(context: NodeContext, index: number, outputs: Dim | undefined): void {
  if (!context.has(index) || outputs === undefined) return;
  const dims = context.ranked(index, 1);
  if (dims !== undefined && typeof dims[0] === 'number' && typeof outputs === 'number' && dims[0] !== outputs) {
    context.fail(`the bias has ${dims[0]} values for ${outputs} output channels`);
  }
}

export function poolDims(context: NodeContext, index = 0): readonly Dim[] | undefined {
  const x = context.ranked(index, 3, MANY);
  const kernel = context.ints('kernel_shape');
  if (kernel === undefined) context.fail('attribute kernel_shape is missing');
  if (x === undefined) return undefined;
  const sizes = checkedInts(context, 'kernel_shape', x.length - 2, 1) as readonly number[];
  return [x[0] as Dim, x[1] as Dim, ...spatialDims(context, x.slice(2), sizes)];
}

export function globalDims(context: NodeContext, index = 0): readonly Dim[] | undefined {
  const x = context.ranked(index, 2, MANY);
  return x?.map((dim, axis) => (axis < 2 ? dim : 1));
}

function inferConv(context: NodeContext): Known[] {
  const dims = convDims(context, 0, 1);
  checkBias(context, 2, dims?.[1]);
  return [{ dtype: context.dtype(0) ?? context.dtype(1), dims }];
}

function inferNormalization(context: NodeContext): Known[] {
  const dims = context.ranked(0, 2, MANY);
  for (let index = 1; index < 5; index++) checkBias(context, index, dims?.[1]);
  const channel = { dtype: context.dtype(1), dims: dims && [dims[1] as Dim] };
  return [{ dtype: context.dtype(0), dims }, channel, channel, channel, channel];
}

function moveBlocks(context: NodeContext, toSpace: boolean): Known[] {
  const dims = context.ranked(0, 4);
  const block = context.int('blocksize') ?? context.fail('attribute blocksize is missing');
  if (!Number.isInteger(block) || block < 1) context.fail(`blocksize is ${block}; expected an integer >= 1`);
  const factors = toSpace ? [1, 1 / (block * block), block, block] : [1, block * block, 1 / block, 1 / block];
  const out = dims?.map((dim, axis): Dim => {
    if (axis === 0) return dim;
    if (typeof dim === 'string') return context.unknownDim(axis);
    const size = Math.round(dim * (factors[axis] as number));
    const back = Math.round(size / (factors[axis] as number));
    return back === dim ? size : context.fail(`dimension ${axis} of size ${dim} cannot be split in blocks of ${block}`);
  });
  return [{ dtype: context.dtype(0), dims: out }];
}

export const WINDOW_OPS = {
  Conv: {
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: CONV_ATTRIBUTES,
    accepts: [FLOAT],
    same: [0, 1, 2],
    infer: inferConv,
  },
  MaxPool: {
    inputs: [1, 1],
    outputs: [1, 2],
    attributes: POOL_ATTRIBUTES,
    accepts: [[...FLOAT, ...CODES]],
    infer: (context) => {
      const dims = poolDims(context);
      return [
        { dtype: context.dtype(0), dims },
        { dtype: 'int64', dims },
      ];
    },
  },
  AveragePool: {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: POOL_ATTRIBUTES,
    accepts: [FLOAT],
    infer: (context) => [{ dtype: context.dtype(0), dims: poolDims(context) }],
  },
  GlobalAveragePool: {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    accepts: [FLOAT],
    infer: (context) => [{ dtype: context.dtype(0), dims: globalDims(context) }],
  },
  GlobalMaxPool: {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    accepts: [FLOAT],
    infer: (context) => [{ dtype: context.dtype(0), dims: globalDims(context) }],
  },
  BatchNormalization: {
    inputs: [5, 5],
    outputs: [1, 5],
    attributes: { epsilon: 'float', momentum: 'float', spatial: 'int', training_mode: 'int', is_test: 'int' },
    accepts: [FLOAT],
    infer: inferNormalization,
  },
  InstanceNormalization: {
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: { epsilon: 'float' },
    accepts: [FLOAT],
    same: [0, 1, 2],
    infer: (context) => [{ dtype: context.dtype(0), dims: context.dims(0) }],
  },
  DepthToSpace: {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { blocksize: 'int', mode: 'string' },
    infer: (context) => moveBlocks(context, true),
  },
  SpaceToDepth: {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { blocksize: 'int' },
    infer: (context) => moveBlocks(context, false),
  },
} as const satisfies Record<string, OpRule>;
