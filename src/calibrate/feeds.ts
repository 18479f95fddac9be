// Feeds of a model: from a sample, or made up where only the shapes matter.

import { DTYPES, type DType, type TypedArray } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';
import { randomIntegers } from '../core/random.js';
import { type Dim, sizeOf } from '../core/shape.js';
import type { Sample } from './dataset.js';

/** A tensor to feed, in the shape of onnxruntime-common's. */
export interface Feed {
  readonly type: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** What is known of an input. */
export interface InputType {
  readonly name: string;
  readonly type: DType;
  readonly dims: readonly Dim[] | undefined;
}

/** Types that a sample's float32 values are converted to, by rounding to the nearest and clamping to the type's range. */
const CONVERTED: readonly DType[] = ['uint8', 'int8', 'uint16', 'int16', 'int32', 'uint32', 'int64', 'float64'];

/**
 * The feed of a model with one input. Errors: ERR_UNSUPPORTED for a model with several inputs (feed those by name) or an
 * input of a type that samples do not convert to.
 */
export function feedOfSample(sample: Sample, inputs: readonly InputType[]): Record<string, Feed> {
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    const names = inputs.map(({ name }) => `'${name}'`).join(', ') || 'none';
    throw new LowbitError('ERR_UNSUPPORTED', `A dataset feeds models of one input; this one has ${names}`);
  }
  return { [input.name]: { type: input.type, dims: sample.dims, data: converted(sample.data, input) } };
}

/** Uniform floats in [0, 1), zeros for integers; dimensions that a run decides become 1. Errors: ERR_UNSUPPORTED. */
export function madeUpFeeds(inputs: readonly InputType[], seed = 0): Record<string, Feed> {
  const random = randomIntegers(seed);
  const feeds: Record<string, Feed> = {};
  for (const { name, type, dims } of inputs) {
    const { array } = DTYPES[type];
    if (dims === undefined || array === undefined) {
      throw new LowbitError('ERR_UNSUPPORTED', `Input '${name}' has no known shape or type; feed it with --input`);
    }
    const shape = dims.map((dim) => (typeof dim === 'number' ? dim : 1));
    const data = new array(sizeOf(shape));
    if (data instanceof Float32Array || data instanceof Float64Array) {
      for (let i = 0; i < data.length; i++) data[i] = random() / 2 ** 32;
    }
    feeds[name] = { type, dims: shape, data };
  }
  return feeds;
}

function converted(values: Float32Array, { name, type }: InputType): TypedArray {
  if (type === 'float32') return values;
  const { array } = DTYPES[type];
  if (array === undefined || !CONVERTED.includes(type)) {
    throw new LowbitError('ERR_UNSUPPORTED', `Input '${name}' is ${type}; samples convert to float32 and integers`);
  }
  if (type === 'float64') return Float64Array.from(values);
  if (type === 'int64') return BigInt64Array.from(values, (value) => BigInt(Math.round(value)));
  const bits = DTYPES[type].bits;
  const least = type.startsWith('u') ? 0 : -(2 ** (bits - 1));
  const most = type.startsWith('u') ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  const codes = new array(values.length);
  for (let i = 0; i < codes.length; i++) {
    (codes as Exclude<TypedArray, BigInt64Array | BigUint64Array>)[i] = Math.min(
      most,
      Math.max(least, Math.round(values[i] as number)),
    );
  }
  return codes;
}
