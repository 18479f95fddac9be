// Operators that move, cut and join tensors, and the arithmetic on shapes.

import { type DType, dtypeOfOnnx } from '../../core/dtype.js';
import type { Dim } from '../../core/shape.js';
import { ANY, INDEX, INT64, type Known, MANY, type NodeContext, type OpRule, productOf } from '../rule.js';
import { knownOf } from '../values.js';

function inferReshape(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  const shape = context.opset < 5 ? context.ints('shape') : context.values(1);
  if (shape === undefined) {
    const rank = context.ranked(1, 1)?.[0];
    if (typeof rank !== 'number' || rank > 64) return [{ dtype, dims: undefined }];
    return [{ dtype, dims: Array.from({ length: rank }, (_, axis) => context.unknownDim(axis)) }];
  }
  const text = `shape [${shape.join(', ')}]`;
  if (shape.some((dim) => typeof dim === 'number' && dim < -1)) context.fail(`${text} has a dimension below -1`);
  const wild = shape.indexOf(-1);
  if (wild !== shape.lastIndexOf(-1)) context.fail(`${text} has more than one -1`);
  const copyZero = context.int('allowzero', 0) === 0;
  const out = shape.map((dim, axis): Dim => {
    if (dim !== 0 || !copyZero) return dim;
    if (x === undefined) return context.unknownDim(axis);
    return x[axis] ?? context.fail(`${text} copies dimension ${axis}, which the input [${x.join(', ')}] does not have`);
  });
  if (x === undefined) {
    return [{ dtype, dims: wild < 0 ? out : out.with(wild, context.unknownDim(wild)) }];
  }
  // Equal names on both sides cancel; what is left of the input goes to the -1.
  const rest: Dim[] = [...x];
  const others: Dim[] = [];
  for (const [axis, dim] of out.entries()) {
    if (axis === wild) continue;
    const at = typeof dim === 'string' ? rest.indexOf(dim) : -1;
    if (at >= 0) rest.splice(at, 1);
    else others.push(dim);
  }
  const [from, to] = [productOf(rest), productOf(others)];
  if (wild < 0) {
    if (typeof from === 'number' && typeof to === 'number' && from !== to) {
      context.fail(`${text} does not hold the elements of the input [${x.join(', ')}]`);
    }
    return [{ dtype, dims: out, values: context.values(0) }];
  }
  let size: Dim = context.unknownDim(wild);
  if (typeof to === 'number') {
    // [N, 10] in rows of 10 are N rows.
    const names = rest.filter((dim) => typeof dim === 'string');
    const numbers = productOf(rest.filter((dim) => typeof dim === 'number'));
    if (names.length === 1 && numbers === to) size = names[0] as Dim;
    if (typeof from === 'number') {
      size = to === 0 ? 0 : from / to;
      if (!Number.isInteger(size)) context.fail(`${text} does not divide the elements of the input [${x.join(', ')}]`);
    }
  }
  return [{ dtype, dims: out.with(wild, size), values: context.values(0) }];
}

function inferFlatten(context: NodeContext): Known[] {
  const x = context.dims(0);
  if (x === undefined) return [{ dtype: context.dtype(0), dims: [context.unknownDim(0), context.unknownDim(1)] }];
  const given = context.int('axis', 1);
  const axis = given === x.length ? given : context.axis(given, Math.max(x.length, 1));
  const dims = [x.slice(0, axis), x.slice(axis)].map((part, at) => productOf(part) ?? context.unknownDim(at));
  return [{ dtype: context.dtype(0), dims }];
}

function inferTranspose(context: NodeContext): Known[] {
  const x = context.dims(0);
  if (x === undefined) return [{ dtype: context.dtype(0), dims: undefined }];
  const perm = context.ints('perm') ?? x.map((_, axis) => x.length - 1 - axis);
  if (perm.length !== x.length || [...perm].sort((a, b) => a - b).some((axis, at) => axis !== at)) {
    context.fail(`perm [${perm.join(', ')}] is no permutation of the axes of [${x.join(', ')}]`);
  }
  return [{ dtype: context.dtype(0), dims: perm.map((axis) => x[axis] as Dim) }];
}

/** The axes of Squeeze, Unsqueeze and the reductions: an attribute before an opset, an input since. */
export function axesOf(context: NodeContext, inputSince: number): readonly number[] | 'absent' | undefined {
  if (context.opset < inputSince) return context.ints('axes') ?? 'absent';
  return context.has(1) ? context.integers(1) : (context.ints('axes') ?? 'absent');
}

function inferSqueeze(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  const axes = axesOf(context, 13);
  if (x === undefined || axes === undefined) return [{ dtype, dims: undefined }];
  const values = context.values(0);
  if (axes === 'absent') {
    // Whether a named dimension is 1 decides the rank.
    const dims = x.some((dim) => typeof dim === 'string') ? undefined : x.filter((dim) => dim !== 1);
    return [{ dtype, dims, values }];
  }
  const gone = context.axes(axes, x.length);
  for (const axis of gone) {
    const dim = x[axis];
    if (typeof dim === 'number' && dim !== 1) context.fail(`axis ${axis} of [${x.join(', ')}] is not 1`);
  }
  return [{ dtype, dims: x.filter((_, axis) => !gone.includes(axis)), values }];
}

function inferUnsqueeze(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  const axes = axesOf(context, 13);
  if (axes === 'absent') context.fail('axes are missing');
  if (x === undefined || axes === undefined) return [{ dtype, dims: undefined }];
  const rank = x.length + axes.length;
  const added = context.axes(axes, rank);
  let next = 0;
  const dims = Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : (x[next++] as Dim)));
  return [{ dtype, dims, values: context.values(0) }];
}

function inferShape(context: NodeContext): Known[] {
  const x = context.dims(0);
  if (x === undefined) return [{ dtype: 'int64', dims: [context.unknownDim(0)] }];
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + x.length : at, 0), x.length);
  const values = x.slice(clamp(context.int('start', 0)), clamp(context.int('end', x.length)));
  return [{ dtype: 'int64', dims: [values.length], values }];
}

function inferGather(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.ranked(0, 1, MANY);
  const indices = context.dims(1);
  if (x === undefined || indices === undefined) return [{ dtype, dims: undefined }];
  const axis = context.axis(context.int('axis', 0), x.length);
  const dims = [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
  const [from, at] = [context.values(0), context.integers(1)];
  if (from === undefined || at === undefined || x.length !== 1) return [{ dtype, dims }];
  const values = at.map((index) => {
    const value = from[index < 0 ? index + from.length : index];
    return value ?? context.fail(`index ${index} is outside of the ${from.length} elements`);
  });
  return [{ dtype, dims, values }];
}

function inferConcat(context: NodeContext): Known[] {
  const count = context.node.inputs.length;
  const shapes = Array.from({ length: count }, (_, index) => context.dims(index));
  const first = shapes.find((dims) => dims !== undefined);
  const dtype = context.dtype(0);
  const given = context.int('axis') ?? (context.opset < 4 ? 1 : context.fail('attribute axis is missing'));
  if (first === undefined) return [{ dtype, dims: undefined }];
  const axis = context.axis(given, first.length);
  for (const [index, dims] of shapes.entries()) {
    if (dims === undefined) continue;
    const fits =
      dims.length === first.length &&
      dims.every(
        (dim, at) => at === axis || typeof dim === 'string' || typeof first[at] === 'string' || dim === first[at],
      );
    if (!fits)
      context.fail(`input ${index} [${dims.join(', ')}] does not fit [${first.join(', ')}] along axis ${axis}`);
  }
  const sizes = shapes.map((dims) => dims?.[axis]);
  const total = sizes.every((size) => typeof size === 'number')
    ? sizes.reduce((sum, size) => sum + size, 0)
    : undefined;
  const dims = first.map((dim, at): Dim => {
    if (at === axis) return total ?? (count === 1 ? dim : context.unknownDim(at));
    return shapes.map((shape) => shape?.[at]).find((size) => typeof size === 'number') ?? dim;
  });
  const parts = Array.from({ length: count }, (_, index) => context.values(index));
  const values = first.length === 1 && parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  return [{ dtype, dims, values }];
}

function inferSlice(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  if (x === undefined) return [{ dtype, dims: undefined }];
  const old = context.opset < 10;
  const starts = old ? context.ints('starts') : context.integers(1);
  const ends = old ? context.ints('ends') : context.integers(2);
  const list = old ? context.ints('axes') : context.has(3) ? context.integers(3) : starts?.map((_, at) => at);
  const axes = old ? (list ?? starts?.map((_, at) => at)) : list;
  const steps = !old && context.has(4) ? context.integers(4) : starts?.map(() => 1);
  if (axes === undefined) return [{ dtype, dims: x.map((_, at) => context.unknownDim(at)) }];
  const touched = context.axes(axes, x.length);
  const dims = [...x];
  let values = x.length === 1 ? context.values(0) : undefined;
  for (const [at, axis] of touched.entries()) {
    const [start, end, step] = [starts?.[at], ends?.[at], steps?.[at]];
    if (step === 0) context.fail('a step is 0');
    const range =
      start !== undefined && end !== undefined && step !== undefined && sliceRange(x[axis] as Dim, start, end, step);
    dims[axis] = range ? range.count : context.unknownDim(axis);
    if (!range || typeof range.count !== 'number') values = range && range.count === x[axis] ? values : undefined;
    else {
      const { first, count } = range;
      values = values && Array.from({ length: count }, (_, i) => values?.[first + i * (step as number)] as Dim);
    }
  }
  return [{ dtype, dims, values }];
}

/** The elements first, first + step, … of a dimension; a named one is known only when it is kept whole. */
function sliceRange(size: Dim, start: number, end: number, step: number): { first: number; count: Dim } | undefined {
  if (typeof size === 'string') {
    return start === 0 && step === 1 && end >= 2 ** 31 - 1 ? { first: 0, count: size } : undefined;
  }
  const lowest = step > 0 ? 0 : -1;
  const clamp = (at: number, most: number): number => Math.min(Math.max(at < 0 ? at + size : at, lowest), most);
  const first = Math.min(clamp(start, step > 0 ? size : size - 1), size);
  const last = clamp(end, step > 0 ? size : size - 1);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

function inferCast(context: NodeContext): Known[] {
  const to = context.int('to') ?? context.fail('attribute to is missing');
  const dtype = dtypeOfOnnx(to) ?? context.fail(`type number ${to} is not known`);
  const values = castValues(context.values(0), dtype);
  return [{ dtype, dims: context.dims(0), values }];
}

function castValues(values: readonly Dim[] | undefined, dtype: DType): readonly Dim[] | undefined {
  if (dtype === 'float32' || dtype === 'float64') return values;
  if (dtype !== 'int64' && dtype !== 'int32') return undefined;
  return values?.map((value) => (typeof value === 'number' ? Math.trunc(value) : value));
}

function inferConstant(context: NodeContext): Known[] {
  const { attributes } = context.node;
  const tensor = attributes.get('value');
  if (tensor?.kind === 'tensor') return [knownOf(tensor.value)];
  for (const [name, dtype] of [
    ['value_int', 'int64'],
    ['value_float', 'float32'],
    ['value_string', 'string'],
  ] as const) {
    const scalar = attributes.get(name);
    if (scalar?.kind === 'int') return [{ dtype, dims: [], values: [scalar.value] }];
    if (scalar?.kind === 'float' || scalar?.kind === 'string') return [{ dtype, dims: [] }];
    const list = attributes.get(`${name}s`);
    if (list?.kind === 'ints') return [{ dtype, dims: [list.value.length], values: list.value }];
    if (list?.kind === 'floats' || list?.kind === 'strings') return [{ dtype, dims: [list.value.length] }];
  }
  return [{ dtype: undefined, dims: undefined }];
}

function inferConstantOfShape(context: NodeContext): Known[] {
  const value = context.node.attributes.get('value');
  const tensor = value?.kind === 'tensor' ? value.value : undefined;
  const dtype = tensor?.dtype ?? 'float32';
  const dims = context.values(0);
  if (dims?.some((dim) => typeof dim === 'number' && dim < 0)) {
    context.fail(`shape [${dims.join(', ')}] has a negative dimension`);
  }
  const count = dims && productOf(dims);
  const element = tensor === undefined ? [0] : knownOf(tensor).values;
  const small = typeof count === 'number' && count <= 64 && element?.length === 1;
  return [{ dtype, dims, values: small ? new Array<Dim>(count).fill(element[0] as Dim) : undefined }];
}

function inferPad(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.dims(0);
  if (x === undefined) return [{ dtype, dims: undefined }];
  const pads = context.opset < 11 ? (context.ints('pads') ?? context.ints('paddings')) : context.integers(1);
  const listed = context.opset >= 18 && context.has(3) ? context.integers(3) : x.map((_, axis) => axis);
  if (pads === undefined || listed === undefined)
    return [{ dtype, dims: x.map((_, axis) => context.unknownDim(axis)) }];
  const axes = context.axes(listed, x.length);
  if (pads.length !== 2 * axes.length) {
    context.fail(`pads has ${pads.length} values; ${2 * axes.length} were expected for [${x.join(', ')}]`);
  }
  const dims = [...x];
  for (const [at, axis] of axes.entries()) {
    const grow = (pads[at] as number) + (pads[at + axes.length] as number);
    const size = x[axis] as Dim;
    if (grow === 0) continue;
    dims[axis] = typeof size === 'number' ? size + grow : context.unknownDim(axis);
    if (typeof size === 'number' && size + grow < 0) context.fail(`pads shrink axis ${axis} of size ${size} below 0`);
  }
  return [{ dtype, dims }];
}

function inferExpand(context: NodeContext): Known[] {
  const shape = context.values(1);
  return [{ dtype: context.dtype(0), dims: shape && context.broadcast([context.dims(0), shape]) }];
}

function inferTile(context: NodeContext): Known[] {
  const [x, repeats] = [context.dims(0), context.integers(1)];
  if (x !== undefined && repeats !== undefined && x.length !== repeats.length) {
    context.fail(`${repeats.length} repeats for an input of rank ${x.length}`);
  }
  const dims = x?.map((dim, axis): Dim => {
    const count = repeats?.[axis];
    if (count === 1) return dim;
    return count !== undefined && typeof dim === 'number' ? dim * count : context.unknownDim(axis);
  });
  return [{ dtype: context.dtype(0), dims }];
}

function inferSplit(context: NodeContext): Known[] {
  const dtype = context.dtype(0);
  const x = context.ranked(0, 1, MANY);
  const count = context.node.outputs.length;
  const sizes = context.opset < 13 || !context.has(1) ? context.ints('split') : context.integers(1);
  if (x === undefined) return new Array<Known>(count).fill({ dtype, dims: undefined });
  const axis = context.axis(context.int('axis', 0), x.length);
  const whole = x[axis] as Dim;
  if (sizes !== undefined && sizes.length !== count) context.fail(`${sizes.length} sizes for ${count} outputs`);
  if (sizes !== undefined && typeof whole === 'number' && sizes.reduce((sum, size) => sum + size, 0) !== whole) {
    context.fail(`sizes [${sizes.join(', ')}] do not add up to ${whole}`);
  }
  const known = sizes !== undefined || (typeof whole === 'number' && !context.has(1));
  // Without sizes the parts are equal, the last one smaller when it does not divide (Split-18).
  const part = typeof whole === 'number' ? Math.ceil(whole / count) : 0;
  return Array.from({ length: count }, (_, output) => {
    const left = typeof whole === 'number' ? Math.max(whole - part * output, 0) : 0;
    const size = known ? (sizes?.[output] ?? Math.min(part, left)) : context.unknownDim(axis, output);
    return { dtype, dims: x.with(axis, size) };
  });
}

const MOVE = { inputs: [1, 1], outputs: [1, 1] } as const;

export const SHAPE_OPS = {
  Reshape: {
    ...MOVE,
    inputs: [1, 2],
    attributes: { allowzero: 'int', shape: 'ints' },
    accepts: [ANY, INT64],
    infer: inferReshape,
  },
  Flatten: { ...MOVE, attributes: { axis: 'int' }, infer: inferFlatten },
  Transpose: { ...MOVE, attributes: { perm: 'ints' }, infer: inferTranspose },
  Squeeze: { ...MOVE, inputs: [1, 2], attributes: { axes: 'ints' }, accepts: [ANY, INT64], infer: inferSqueeze },
  Unsqueeze: { ...MOVE, inputs: [1, 2], attributes: { axes: 'ints' }, accepts: [ANY, INT64], infer: inferUnsqueeze },
  Shape: { ...MOVE, attributes: { start: 'int', end: 'int' }, infer: inferShape },
  Size: {
    ...MOVE,
    attributes: {},
    infer: (context) => {
      const count = context.dims(0) && productOf(context.dims(0) as readonly Dim[]);
      return [{ dtype: 'int64', dims: [], values: count === undefined ? undefined : [count] }];
    },
  },
  Gather: { ...MOVE, inputs: [2, 2], attributes: { axis: 'int' }, accepts: [ANY, INDEX], infer: inferGather },
  Concat: { ...MOVE, inputs: [1, MANY], attributes: { axis: 'int' }, infer: inferConcat },
  Slice: {
    ...MOVE,
    inputs: [1, 5],
    attributes: { axes: 'ints', starts: 'ints', ends: 'ints' },
    accepts: [ANY, INDEX],
    infer: inferSlice,
  },
  Cast: { ...MOVE, attributes: { to: 'int' }, infer: inferCast },
  Constant: { ...MOVE, inputs: [0, 0], attributes: { value: 'tensor' }, infer: inferConstant },
  ConstantOfShape: { ...MOVE, attributes: { value: 'tensor' }, accepts: [INT64], infer: inferConstantOfShape },
  Pad: {
    ...MOVE,
    inputs: [1, 4],
    attributes: { mode: 'string', pads: 'ints', value: 'float' },
    accepts: [ANY, INT64, ANY, INDEX],
    infer: inferPad,
  },
  Expand: { ...MOVE, inputs: [2, 2], attributes: {}, accepts: [ANY, INT64], infer: inferExpand },
  Tile: { ...MOVE, inputs: [2, 2], attributes: {}, accepts: [ANY, INT64], infer: inferTile },
  Split: {
    ...MOVE,
    inputs: [1, 2],
    outputs: [1, MANY],
    attributes: { axis: 'int', split: 'ints' },
    accepts: [ANY, INT64],
    infer: inferSplit,
  },
} as const satisfies Record<string, OpRule>;
