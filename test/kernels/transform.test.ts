// transpose and copy_rows on every target, against plain indexing.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { offsetsOf } from '../oracle/elementwise.js';
import { coversSlots, randomOf, runEverywhere, SHIFTS } from './harness.js';

type ArrayOf = Uint8Array | Uint16Array | Uint32Array | Float64Array;
const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Float64Array } as const;
type Width = keyof typeof ARRAYS;

function numbered(width: Width, n: number): ArrayOf {
  const random = randomOf(n);
  const out = new ARRAYS[width](n);
  for (let i = 0; i < n; i++) out[i] = Math.floor(random() * 2 ** 31);
  return out;
}

function stridesOf(dims: readonly number[]): number[] {
  return dims.map((_, i) => dims.slice(i + 1).reduce((a, b) => a * b, 1));
}

function check(width: Width, dims: readonly number[], strides: readonly number[], shifts?: readonly number[]): void {
  const offsets = offsetsOf(dims, strides);
  const x = numbered(width, Math.max(-1, ...offsets.slice(0, 100_000), offsets.at(-1) ?? -1) + 1);
  const pad = (values: readonly number[], fill: number) => [...new Array(6 - values.length).fill(fill), ...values];
  const named = (prefix: string, values: readonly number[]) => values.map((value, i) => [`${prefix}${i}`, value]);
  const fields = Object.fromEntries([...named('d', pad(dims, 1)), ...named('s', pad(strides, 0))]);
  const { y } = runEverywhere(
    {
      buffers: { x, y: width * offsets.length },
      steps: [['transpose', { x: 'x', y: 'y', element_bytes: width, ...fields }]],
    },
    shifts && { shifts },
  );
  const found = new ARRAYS[width]((y as Uint8Array).slice().buffer);
  const wanted = new ARRAYS[width](offsets.length);
  for (const [i, offset] of offsets.entries()) wanted[i] = x[offset] as number;
  expect(Buffer.compare(Buffer.from(found.buffer), Buffer.from(wanted.buffer)), `${dims} by ${strides}`).toBe(0);
}

function permuted(width: Width, dims: readonly number[], order: readonly number[], shifts?: readonly number[]): void {
  const strides = stridesOf(dims);
  check(
    width,
    order.map((axis) => dims[axis] as number),
    order.map((axis) => strides[axis] as number),
    shifts,
  );
}

test('planes of bytes to pixels, in several pieces and of any length', () => {
  coversSlots('interleave_8');
  for (const pixels of [1, 2, 15, 16, 17, 47, 48, 49, 1000, 20_001]) permuted(1, [3, pixels], [1, 0], SHIFTS);
});

test('planes of floats to pixels and back, around the sides of squares and in several tiles', () => {
  coversSlots('transpose_32');
  for (const channels of [2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 300]) {
    for (const pixels of [3, 4, 5, 8, 15, 16, 17, 31, 49, 260]) {
      permuted(4, [channels, pixels], [1, 0]);
      permuted(4, [pixels, channels], [1, 0]);
    }
  }
  for (const pixels of [1, 5, 16, 21, 48, 4097, 20_001]) permuted(4, [3, pixels], [1, 0], SHIFTS);
  permuted(4, [2, 17, 300], [0, 2, 1], SHIFTS);
  permuted(4, [3, 513, 20], [0, 2, 1], SHIFTS);
});

describe.each([1, 2, 4, 8] as const)('transpose of %d-byte elements', (width) => {
  test('planes to pixels and back', () => {
    for (const [n, c, h, w] of [
      [1, 3, 5, 7],
      [2, 3, 33, 31],
      [1, 64, 7, 7],
      [2, 17, 9, 9],
      [1, 1, 6, 6],
      [1, 4, 40, 40],
      [1, 100, 1, 1],
    ] as const) {
      permuted(width, [n, c, h, w], [0, 2, 3, 1], SHIFTS);
      permuted(width, [n, h, w, c], [0, 3, 1, 2], SHIFTS);
    }
  });

  test('contiguous runs, broadcasts, slices and six dimensions', () => {
    permuted(width, [3, 4, 50], [1, 0, 2]);
    permuted(width, [300, 200], [0, 1]);
    permuted(width, [1], [0]);
    permuted(width, [2, 3, 2, 5, 3, 2], [5, 2, 0, 4, 1, 3]);
    check(width, [5, 7], [0, 1]);
    check(width, [5, 7], [1, 0]);
    check(width, [9], [0]);
    check(width, [1000], [2]);
    check(width, [40, 33], [100, 3]);
    check(width, [3, 0, 5], [5, 5, 1]);
  });
});

test('any permutation of any small shape', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      (width, dims, stream) => {
        const keys = dims.map(() => stream.next().value as number);
        const order = dims.map((_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
        permuted(width, dims, order);
      },
    ),
    { numRuns: 60, seed: 6 },
  );
});

test('copy_rows puts rows side by side, leaving the rest alone', () => {
  for (const [rows, bytes, xStride, xOffset, yStride, yOffset] of [
    [3, 5, 5, 0, 12, 4],
    [1, 100_000, 0, 7, 0, 3],
    [700, 33, 40, 2, 64, 31],
    [5, 4, 0, 0, 4, 0],
    [0, 9, 9, 0, 9, 0],
    [9, 0, 9, 0, 9, 0],
  ] as const) {
    const xBytes = Math.max(1, (rows - 1) * xStride + xOffset + bytes);
    const yBytes = Math.max(1, (rows - 1) * yStride + yOffset + bytes);
    const x = numbered(1, xBytes);
    const move = { rows, row_bytes: bytes, x_stride: xStride, x_offset: xOffset, y_stride: yStride, y_offset: yOffset };
    const { y } = runEverywhere({ buffers: { x, y: yBytes }, steps: [['copy_rows', { x: 'x', y: 'y', ...move }]] });
    const wanted = new Uint8Array(yBytes).fill(0xa5);
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i < bytes; i++) wanted[r * yStride + yOffset + i] = x[r * xStride + xOffset + i] as number;
    }
    expect(Buffer.compare(y as Uint8Array, wanted)).toBe(0);
  }
});

test('rows that overlap, strides that leave the buffer and unknown widths are refused', () => {
  const move = { x: 'x', y: 'y', rows: 2, row_bytes: 8, x_stride: 8, x_offset: 0, y_stride: 4, y_offset: 0 };
  const transpose = { x: 'x', y: 'y', element_bytes: 4, d0: 1, d1: 1, d2: 1, d3: 1, d4: 2, d5: 2 };
  const strides = { s0: 0, s1: 0, s2: 0, s3: 0, s4: 2, s5: 1 };
  const buffers = { x: new Uint8Array(16), y: 16 };
  for (const step of [
    ['copy_rows', move],
    ['copy_rows', { ...move, y_stride: 16 }],
    ['copy_rows', { ...move, y_stride: 8, x_offset: -1 }],
    ['transpose', { ...transpose, ...strides, s4: 4 }],
    ['transpose', { ...transpose, ...strides, s5: -1 }],
    ['transpose', { ...transpose, ...strides, d0: 2 ** 30, d1: 2 ** 30, d2: 2 ** 30 }],
    ['transpose', { ...transpose, ...strides, element_bytes: 3 }],
  ] as const) {
    expect(() => runEverywhere({ buffers, steps: [step] }), JSON.stringify(step)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }),
    );
  }
  expect(() => runEverywhere({ buffers, steps: [['transpose', { ...transpose, ...strides }]] })).not.toThrow();
});
