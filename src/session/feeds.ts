// Checks what a caller feeds to a run against what the model takes.

import { DTYPES, type DType } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';
import type { Dim } from '../core/shape.js';
import { describeValue } from './open.js';

/** Anything with the shape of onnxruntime-common's tensor. */
export interface TensorLike {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayBufferView | readonly unknown[];
}

export type Feeds = Readonly<Record<string, TensorLike>>;

/** An input of a model; `dims` is undefined when the model does not say even its rank. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly Dim[] | undefined;
}

export interface CheckedFeed {
  readonly data: Uint8Array;
  readonly dims: readonly number[];
  readonly dtype: DType;
}

/**
 * The feeds as bytes with their shapes. Errors: ERR_BAD_FEED for a feed that is missing, unknown, no tensor, of another
 * type or shape, or whose dimensions contradict another feed's; the message names what was found and what is wanted.
 */
export function checkFeeds(feeds: Feeds, inputs: readonly InputSpec[]): Map<string, CheckedFeed> {
  const wanted = inputs.map(({ name }) => `'${name}'`).join(', ') || 'none';
  if (typeof feeds !== 'object' || feeds === null) {
    throw new LowbitError(
      'ERR_BAD_FEED',
      `Feeds are an object of tensors by input name; found ${describeValue(feeds)}`,
    );
  }
  const known = new Set(inputs.map(({ name }) => name));
  for (const name of Object.keys(feeds)) {
    if (known.has(name)) continue;
    throw new LowbitError('ERR_BAD_FEED', `'${name}' is no input of the model; the inputs are ${wanted}`, {
      tensor: name,
    });
  }
  const missing = inputs.filter(({ name }) => feeds[name] === undefined);
  if (missing.length > 0) {
    const names = missing.map((input) => `'${input.name}' (${describeInput(input)})`).join(', ');
    throw new LowbitError('ERR_BAD_FEED', `No feed for ${names}`);
  }
  const bound = new Map<string, { size: number; input: string }>();
  const checked = new Map<string, CheckedFeed>();
  for (const input of inputs) checked.set(input.name, checkFeed(feeds[input.name] as TensorLike, input, bound));
  return checked;
}

function describeInput({ dtype, dims }: InputSpec): string {
  return `${dtype} [${dims?.join(', ') ?? 'any shape'}]`;
}

function checkFeed(
  feed: TensorLike,
  input: InputSpec,
  bound: Map<string, { size: number; input: string }>,
): CheckedFeed {
  const { name, dtype } = input;
  const bad = (message: string): never => {
    throw new LowbitError('ERR_BAD_FEED', `${message}; wanted ${describeInput(input)}`, { tensor: name });
  };
  if (typeof feed !== 'object' || feed === null || !Array.isArray(feed.dims) || !('data' in feed)) {
    return bad(`Feed '${name}' is ${describeValue(feed)}, not a tensor {type, dims, data}`);
  }
  const { dims, data } = feed;
  if (feed.type !== dtype) bad(`Feed '${name}' has type ${String(feed.type)}`);
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    bad(`Feed '${name}' has dimensions [${dims.join(', ')}]`);
  if (input.dims !== undefined) {
    const fits =
      dims.length === input.dims.length &&
      input.dims.every((dim, axis) => typeof dim === 'string' || dim === dims[axis]);
    if (!fits) bad(`Feed '${name}' has shape [${dims.join(', ')}]`);
    for (const [axis, dim] of input.dims.entries()) {
      if (typeof dim !== 'string') continue;
      const size = dims[axis] as number;
      const other = bound.get(dim);
      if (other !== undefined && other.size !== size) {
        bad(`Feed '${name}' has ${size} for dimension '${dim}', but feed '${other.input}' has ${other.size}`);
      }
      bound.set(dim, { size, input: name });
    }
  }
  return { dtype, dims, data: bytesOfFeed(data, dtype, dims, name, bad) };
}

function bytesOfFeed(
  data: TensorLike['data'],
  dtype: DType,
  dims: readonly number[],
  name: string,
  bad: (message: string) => never,
): Uint8Array {
  if (!ArrayBuffer.isView(data)) return bad(`The data of feed '${name}' is ${describeValue(data)}, not a typed array`);
  const { bits } = DTYPES[dtype];
  const width = 'BYTES_PER_ELEMENT' in data ? Number(data.BYTES_PER_ELEMENT) : 1;
  const count = dims.reduce((product, dim) => product * dim, 1);
  const bytes = Math.ceil((count * bits) / 8);
  if (bits >= 8 && width * 8 !== bits) bad(`The data of feed '${name}' is a ${describeValue(data)}`);
  if (data.byteLength !== bytes) {
    bad(`The data of feed '${name}' has ${data.byteLength / width} elements for shape [${dims.join(', ')}]`);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
