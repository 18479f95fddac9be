// Evaluates single operators on constants: what a file may leave to be computed before a run.

import { DTYPES, type DType, type TypedArray } from '../core/dtype.js';
import { normalizeAxis, stridesOf } from '../core/shape.js';
import { type ConstantTensor, constantOf, elementsOf, integersOf } from '../core/tensor.js';
import type { Node } from '../ir/graph.js';
import { minifloatValues } from '../numerics/minifloat.js';
import { attributeOf } from './affine.js';
import { broadcastStrides, gatherBytes, sourceIndices } from './strided.js';

/** Gives the output of a node, or undefined where it is left to the run. `dims` and `dtype` are those of the output. */
type Evaluate = (
  node: Node,
  inputs: readonly ConstantTensor[],
  output: { readonly dtype: DType; readonly dims: readonly number[] },
) => ConstantTensor | undefined;

/** Bytes of an element; undefined for strings and types of less than a byte. */
function widthOf(dtype: DType): number | undefined {
  const { bits } = DTYPES[dtype];
  return bits >= 8 ? bits / 8 : undefined;
}

/** The same elements in another shape. */
const reshape: Evaluate = (_, [x], { dims }) => x && { dtype: x.dtype, dims, data: x.data };

function strided(
  x: ConstantTensor,
  dims: readonly number[],
  strides: readonly number[],
  base = 0,
): ConstantTensor | undefined {
  const width = widthOf(x.dtype);
  return width === undefined
    ? undefined
    : { dtype: x.dtype, dims, data: gatherBytes(x.data, width, sourceIndices(dims, strides, base)) };
}

const transpose: Evaluate = (node, [x], { dims }) => {
  if (x === undefined) return undefined;
  const perm = node.attributes.get('perm');
  const order = perm?.kind === 'ints' ? perm.value : dims.map((_, axis) => dims.length - 1 - axis);
  const strides = stridesOf(x.dims);
  return strided(
    x,
    dims,
    order.map((axis) => strides[axis] as number),
  );
};

const expand: Evaluate = (_, [x], { dims }) => x && strided(x, dims, broadcastStrides(x.dims, dims));

const slice: Evaluate = (node, inputs, { dims }) => {
  const [x, starts, , axes, steps] = inputs;
  if (x === undefined || starts === undefined || node.inputs.length < 3) return undefined;
  if (node.inputs.some((name, at) => name === '' && at < 4)) return undefined;
  const begin = integersOf(starts);
  const along = axes === undefined ? begin.map((_, at) => at) : integersOf(axes);
  const step = steps === undefined ? begin.map(() => 1) : integersOf(steps);
  const strides = stridesOf(x.dims);
  let base = 0;
  for (const [at, given] of along.entries()) {
    const axis = normalizeAxis(given, x.dims.length);
    const size = x.dims[axis] as number;
    const first = begin[at] as number;
    const stride = step[at] as number;
    const most = stride > 0 ? size : size - 1;
    base += Math.min(Math.max(first < 0 ? first + size : first, 0), most) * (strides[axis] as number);
    strides[axis] = (strides[axis] as number) * stride;
  }
  return strided(x, dims, strides, base);
};

const gather: Evaluate = (node, [x, at], { dims }) => {
  const width = x && widthOf(x.dtype);
  if (x === undefined || at === undefined || width === undefined) return undefined;
  const axis = normalizeAxis(attributeOf(node, 'axis', 0), x.dims.length);
  const size = x.dims[axis] as number;
  const inner = x.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = x.dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const rows = integersOf(at).map((index) => (index < 0 ? index + size : index));
  // An index that is out of range is the run's to report.
  if (rows.some((row) => row < 0 || row >= size)) return undefined;
  const indices = new Int32Array(outer * rows.length * inner);
  let next = 0;
  for (let o = 0; o < outer; o++) {
    for (const row of rows) for (let i = 0; i < inner; i++) indices[next++] = (o * size + row) * inner + i;
  }
  return { dtype: x.dtype, dims, data: gatherBytes(x.data, width, indices) };
};

const concat: Evaluate = (node, inputs, { dtype, dims }) => {
  const width = widthOf(dtype);
  if (width === undefined) return undefined;
  const axis = normalizeAxis(attributeOf(node, 'axis', 0), dims.length);
  const outer = dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const data = new Uint8Array(dims.reduce((product, dim) => product * dim, width));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const { data: from } of inputs) {
      const bytes = from.byteLength / outer;
      data.set(from.subarray(row * bytes, (row + 1) * bytes), at);
      at += bytes;
    }
  }
  return { dtype, dims, data };
};

/** Types between which a Cast of constants is exact or rounds once, as every runtime does; beside them f16 and bf16 to f32. */
const CASTS: ReadonlySet<DType> = new Set(['float32', 'float64', 'int64', 'int32', 'bool']);

const cast: Evaluate = (_, [x], { dtype, dims }) => {
  const half = x?.dtype === 'float16' ? 'f16' : x?.dtype === 'bfloat16' ? 'bf16' : undefined;
  if (x !== undefined && half !== undefined && dtype === 'float32') {
    const values = minifloatValues(half);
    const codes = elementsOf(x) as Uint16Array;
    return constantOf(
      dtype,
      dims,
      Float32Array.from(codes, (code) => values[code] as number),
    );
  }
  if (x === undefined || !CASTS.has(x.dtype) || !CASTS.has(dtype)) return undefined;
  const from = elementsOf(x);
  const wide = dtype === 'int64';
  const [lo, hi] = wide ? [-(2 ** 63), 2 ** 63] : [-(2 ** 31), 2 ** 31];
  const whole = wide || dtype === 'int32';
  const out = newArray(dtype, from.length);
  for (let i = 0; i < from.length; i++) {
    const value = from[i] as number | bigint;
    if (dtype === 'bool') out[i] = value ? 1 : 0;
    else if (!whole) out[i] = Number(value);
    else if (typeof value === 'bigint') out[i] = wide ? value : Number(BigInt.asIntN(32, value));
    else {
      const integer = Math.trunc(value);
      // Out of range (or NaN) has no defined result.
      if (!(integer >= lo && integer < hi)) return undefined;
      out[i] = wide ? BigInt(integer) : integer;
    }
  }
  return constantOf(dtype, dims, out);
};

type Elements = TypedArray & Record<number, number | bigint>;

function newArray(dtype: DType, length: number): Elements {
  const { array } = DTYPES[dtype];
  return new (array ?? Uint8Array)(length) as Elements;
}

/** Element by element over broadcast operands; `f` gives undefined where the result is not defined. */
function elementwise(
  f: (values: (number | bigint)[]) => number | bigint | undefined,
  types: readonly DType[],
): Evaluate {
  return (_, inputs, { dtype, dims }) => {
    if (inputs.some((input) => !types.includes(input.dtype))) return undefined;
    const operands = inputs.map((input) => ({
      elements: elementsOf(input),
      from: sourceIndices(dims, broadcastStrides(input.dims, dims)),
    }));
    const out = newArray(
      dtype,
      dims.reduce((product, dim) => product * dim, 1),
    );
    for (let i = 0; i < out.length; i++) {
      const value = f(operands.map(({ elements, from }) => elements[from[i] as number] as number | bigint));
      if (value === undefined) return undefined;
      out[i] = typeof value === 'bigint' ? BigInt.asIntN(64, value) : value;
    }
    return constantOf(dtype, dims, out);
  };
}

const NUMBERS: readonly DType[] = ['float32', 'int64', 'int32'];
const FLOATS: readonly DType[] = ['float32'];

/** float32 operations in doubles, rounded when stored: exact for + - * / and sqrt (double rounding cannot show). */
function arithmetic(
  number: (a: number, b: number) => number,
  big: (a: bigint, b: bigint) => bigint | undefined,
): Evaluate {
  const floats = elementwise(([a, b]) => number(a as number, b as number), FLOATS);
  const integers = elementwise(
    ([a, b]) => {
      const value = big(BigInt(a as number), BigInt(b as number));
      return typeof a === 'bigint' || value === undefined ? value : Number(BigInt.asIntN(32, value));
    },
    ['int64', 'int32'],
  );
  return (node, inputs, output) => (output.dtype === 'float32' ? floats : integers)(node, inputs, output);
}

function unary(f: (value: number) => number): Evaluate {
  return elementwise(([x]) => f(x as number), FLOATS);
}

const constantOfShape: Evaluate = (node, _, { dtype, dims }) => {
  const width = widthOf(dtype);
  if (width === undefined) return undefined;
  const size = dims.reduce((product, dim) => product * dim, 1);
  const value = node.attributes.get('value');
  if (value?.kind !== 'tensor') return { dtype, dims, data: new Uint8Array(size * width) };
  return { dtype, dims, data: gatherBytes(value.value.data, width, new Int32Array(size)) };
};

const constant: Evaluate = (node) => {
  const tensor = node.attributes.get('value');
  if (tensor?.kind === 'tensor') return tensor.value.dtype === 'string' ? undefined : tensor.value;
  const [name, attribute] = [...node.attributes][0] ?? [];
  if (name === undefined || attribute === undefined) return undefined;
  if (attribute.kind === 'float') return constantOf('float32', [], Float32Array.of(attribute.value));
  if (attribute.kind === 'floats')
    return constantOf('float32', [attribute.value.length], Float32Array.from(attribute.value));
  if (attribute.kind === 'int') return constantOf('int64', [], BigInt64Array.of(BigInt(attribute.value)));
  if (attribute.kind !== 'ints') return undefined;
  return constantOf('int64', [attribute.value.length], BigInt64Array.from(attribute.value, BigInt));
};

/** Operators of ai.onnx that are evaluated when all of their inputs are constants. */
export const EVALUATORS: Readonly<Record<string, Evaluate>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Identity: reshape,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Expand: expand,
  Slice: slice,
  Gather: gather,
  Concat: concat,
  Cast: cast,
  Add: arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Div: arithmetic(
    (a, b) => a / b,
    (a, b) => (b === 0n ? undefined : a / b),
  ),
  Equal: elementwise(([a, b]) => (a === b ? 1 : 0), [...NUMBERS, 'bool']),
  Greater: elementwise(([a, b]) => ((a as number) > (b as number) ? 1 : 0), NUMBERS),
  Less: elementwise(([a, b]) => ((a as number) < (b as number) ? 1 : 0), NUMBERS),
  Not: elementwise(([x]) => (x ? 0 : 1), ['bool']),
  Where: elementwise(([c, a, b]) => (c ? a : b), [...NUMBERS, 'bool']),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  // Not Math.max: the kernels keep -0.
  Relu: unary((x) => (x < 0 ? 0 : x)),
};
