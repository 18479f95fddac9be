// Typed arrays whose elements somebody else writes, all of them.

import type { DTYPES, DType, TypedArray } from './dtype.js';
import { builtin } from './host.js';

type ElementArray = NonNullable<(typeof DTYPES)[DType]['array']>;

/** Below this many bytes the zeros of an ordinary array cost less than finding out how to do without. */
const WORTHWHILE_BYTES = 65_536;

/**
 * An array of n elements with a buffer of its own, whose contents are whatever the memory held before: for an array that is
 * shown to nobody before every element is written. Zeros where the host can give nothing else.
 */
export function unfilled(array: ElementArray, n: number): TypedArray {
  const bytes = n * array.BYTES_PER_ELEMENT;
  const buffer = bytes < WORTHWHILE_BYTES ? undefined : builtin('node:buffer');
  // "Slow" is not taken from the pool that small Buffers share.
  return buffer === undefined ? new array(n) : new array(buffer.Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer);
}
