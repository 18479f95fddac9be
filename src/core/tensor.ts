// A constant tensor of a model: its type, its dimensions, and its bytes as a view of the file they came from.

import { bytesOf, DTYPES, type DType, type TypedArray } from './dtype.js';
import { LowbitError } from './errors.js';
import { sizeOf } from './shape.js';

/** `data` holds the elements row-major, little-endian, sub-byte types packed with the first element in the low bits. */
export interface ConstantTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/** A tensor over an existing typed array (no copy). Errors: ERR_BAD_ARGUMENT when the byte count does not fit the dims. */
export function constantOf(dtype: DType, dims: readonly number[], array: TypedArray): ConstantTensor {
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const wanted = bytesOf(dtype, sizeOf(dims));
  if (data.byteLength !== wanted) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `A ${dtype} tensor [${dims.join(', ')}] takes ${wanted} bytes but was given ${data.byteLength}`,
    );
  }
  return { dtype, dims, data };
}

/**
 * The elements as the typed array of their type: a view where the bytes are aligned, a copy where they are not.
 * Errors: ERR_UNSUPPORTED for strings.
 */
export function elementsOf(tensor: ConstantTensor): TypedArray {
  const { array } = DTYPES[tensor.dtype];
  if (array === undefined) throw new LowbitError('ERR_UNSUPPORTED', 'String tensors have no typed array');
  const { data } = tensor;
  const width = array.BYTES_PER_ELEMENT;
  // Not slice(): that of a Buffer is a view.
  const aligned = data.byteOffset % width === 0 ? data : new Uint8Array(data);
  return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / width);
}

/** The elements of an integer or boolean tensor as numbers. Errors: ERR_BAD_MODEL for other types or values beyond 2^53. */
export function integersOf(tensor: ConstantTensor): number[] {
  if (!/^(u?int(8|16|32|64)|bool)$/.test(tensor.dtype)) {
    throw new LowbitError('ERR_BAD_MODEL', `Expected an integer tensor but found ${tensor.dtype}`);
  }
  return Array.from(elementsOf(tensor) as ArrayLike<number | bigint>, (value) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new LowbitError('ERR_BAD_MODEL', `Integer ${value} is beyond 2^53`);
    return number;
  });
}

/** The elements of a float32 tensor. Errors: ERR_BAD_MODEL for other types. */
export function floatsOf(tensor: ConstantTensor): Float32Array {
  if (tensor.dtype !== 'float32') {
    throw new LowbitError('ERR_BAD_MODEL', `Expected a float32 tensor but found ${tensor.dtype}`);
  }
  return elementsOf(tensor) as Float32Array;
}
