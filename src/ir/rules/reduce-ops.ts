// Reductions and operators that pick or spread elements.

import type { DType } from '../../core/dtype.js';
import type { Dim } from '../../core/shape.js';
import { resizedAxes } from '../resize.js';
import { ANY, FLOAT, INT64, type Known, MANY, type NodeContext, type OpRule } from '../rule.js';
import { axesOf } from './shape-ops.js';

const NUMBERS: readonly DType[] = [...FLOAT, 'int64', 'int32', 'uint64', 'uint32', 'int8', 'uint8'];

function reduction(inputSince: number): OpRule {
  return {
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: { axes: 'ints', keepdims: 'int', noop_with_empty_axes: 'int' },
    accepts: [[...NUMBERS, 'bool'], INT64],
    infer: (context) => inferReduction(context, inputSince),
  };
}

function inferReduction(context: NodeContext, inputSince: number): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  const axes = axesOf(context, inputSince);
  const keep = context.int('keepdims', 1) !== 0;
  if (x === undefined) return [{ dtype, dims: undefined }];
  if (axes === undefined) return [{ dtype, dims: keep ? x.map((_, axis) => context.unknownDim(axis)) : undefined }];
  const empty = axes === 'absent' || axes.length === 0;
  if (empty && context.int('noop_with_empty_axes', 0) !== 0) return [{ dtype, dims: x, values: context.values(0) }];
  const gone = empty ? x.map((_, axis) => axis) : context.axes(axes, x.length);
  const dims = keep
    ? x.map((dim, axis) => (gone.includes(axis) ? 1 : dim))
    : x.filter((_, axis) => !gone.includes(axis));
  const factors = context.node.op === 'ReduceProd' && x.length === 1 ? context.integers(0) : undefined;
  const values = factors && [factors.reduce((product, value) => product * value, 1)];
  return [{ dtype, dims, values }];
}

function inferArg(context: NodeContext): Known[] {
  const x = context.ranked(0, 1, MANY);
  const axis = x && context.axis(context.int('axis', 0), x.length);
  const keep = context.int('keepdims', 1) !== 0;
  const dims = x?.flatMap((dim, at): Dim[] => (at === axis ? (keep ? [1] : []) : [dim]));
  return [{ dtype: 'int64', dims }];
}

function inferRange(context: NodeContext): Known[] {
  const [start, limit, delta] = [0, 1, 2].map((index) => context.integers(index)?.[0]);
  const dtype = context.dtype(0);
  if (start === undefined || limit === undefined || delta === undefined) {
    return [{ dtype, dims: [context.unknownDim(0)] }];
  }
  if (delta === 0) context.fail('the step is 0');
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  const values = count <= 64 ? Array.from({ length: count }, (_, i) => start + i * delta) : undefined;
  return [{ dtype, dims: [count], values }];
}

function inferOneHot(context: NodeContext): Known[] {
  const x = context.dims(0);
  const depth = context.integers(1)?.[0];
  const dtype = context.dtype(2);
  if (x === undefined) return [{ dtype, dims: undefined }];
  const axis = context.axis(context.int('axis', -1), x.length + 1);
  return [{ dtype, dims: [...x.slice(0, axis), depth ?? context.unknownDim(axis), ...x.slice(axis)] }];
}

function inferResize(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  if (x === undefined) return [{ dtype, dims: undefined }];
  const upsample = context.node.op === 'Upsample' || context.opset < 11;
  const written = context.node.attributes.get('scales');
  const scales = written?.kind === 'floats' ? written.value : context.integers(upsample ? 1 : 2);
  const sizes = upsample ? undefined : context.integers(3);
  const axes = context.axes(context.ints('axes') ?? x.map((_, axis) => axis), x.length);
  const unknown = [{ dtype, dims: x.map((dim, axis) => (axes.includes(axis) ? context.unknownDim(axis) : dim)) }];
  const counts = (list: readonly number[] | undefined): list is readonly number[] =>
    list !== undefined && list.length === axes.length;
  if (!counts(scales) && !counts(sizes)) return unknown;
  const policy = context.string('keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch' && policy !== 'not_larger' && policy !== 'not_smaller') {
    context.fail(`keep_aspect_ratio_policy is '${policy}'; expected stretch, not_larger or not_smaller`);
  }
  const numbers = x.every((dim) => typeof dim === 'number') ? (x as readonly number[]) : undefined;
  if (numbers !== undefined) {
    const resized = resizedAxes(numbers, axes, counts(scales) ? { scales } : { sizes: sizes as number[] }, policy);
    return [{ dtype, dims: resized.map(({ size }) => size) }];
  }
  const dims = x.map((dim, axis): Dim => {
    const index = axes.indexOf(axis);
    if (index < 0) return dim;
    if (counts(scales)) {
      if (scales[index] === 1) return dim;
      return typeof dim === 'number' ? Math.floor(dim * (scales[index] as number)) : context.unknownDim(axis);
    }
    return policy === 'stretch' ? (sizes?.[index] as number) : context.unknownDim(axis);
  });
  return [{ dtype, dims }];
}

export const REDUCE_OPS = {
  ReduceMean: reduction(18),
  ReduceSum: reduction(13),
  ReduceMax: reduction(18),
  ReduceMin: reduction(18),
  ReduceProd: reduction(18),
  ReduceL1: reduction(18),
  ReduceL2: reduction(18),
  ReduceLogSum: reduction(18),
  ReduceLogSumExp: reduction(18),
  ReduceSumSquare: reduction(18),
  ArgMax: { inputs: [1, 1], outputs: [1, 1], attributes: { axis: 'int', keepdims: 'int' }, infer: inferArg },
  ArgMin: { inputs: [1, 1], outputs: [1, 1], attributes: { axis: 'int', keepdims: 'int' }, infer: inferArg },
  Range: { inputs: [3, 3], outputs: [1, 1], attributes: {}, same: [0, 1, 2], infer: inferRange },
  OneHot: { inputs: [3, 3], outputs: [1, 1], attributes: { axis: 'int' }, infer: inferOneHot },
  Resize: {
    inputs: [1, 4],
    outputs: [1, 1],
    attributes: {
      mode: 'string',
      axes: 'ints',
      antialias: 'int',
      coordinate_transformation_mode: 'string',
      cubic_coeff_a: 'float',
      exclude_outside: 'int',
      keep_aspect_ratio_policy: 'string',
      nearest_mode: 'string',
    },
    accepts: [ANY],
    infer: inferResize,
  },
  Upsample: { inputs: [1, 2], outputs: [1, 1], attributes: { mode: 'string', scales: 'floats' }, infer: inferResize },
} as const satisfies Record<string, OpRule>;
