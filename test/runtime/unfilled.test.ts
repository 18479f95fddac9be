// Arrays for outputs: of the right length, with a buffer of their own, below and above the size from which nothing is zeroed.

import { expect, test } from 'vitest';
import { unfilled } from '../../src/core/unfilled.js';

test.each([0, 1, 1000, 16_383, 16_384, 100_001])('%d elements alone in their buffer', (n) => {
  for (const array of [Float32Array, Uint8Array, Int32Array, BigInt64Array]) {
    const made = unfilled(array, n);
    expect(made).toBeInstanceOf(array);
    expect(made.length).toBe(n);
    expect(made.byteOffset).toBe(0);
    expect(made.buffer.byteLength).toBe(n * array.BYTES_PER_ELEMENT);
    const other = unfilled(array, n);
    expect(other.buffer).not.toBe(made.buffer);
    const moved = structuredClone(made, { transfer: [made.buffer] });
    expect(moved.length).toBe(n);
    expect(made.length).toBe(0);
  }
});
