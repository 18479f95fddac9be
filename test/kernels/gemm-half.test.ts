// pack_half and gemm_half on every target, against the oracle.

import { describe, expect, test } from 'vitest';
import { LAYOUTS, nearestCode, positiveValues, valueOfCode } from '../oracle/minifloat.js';
import { floatProduct } from '../oracle/product.js';
import { coversSlots, type Program, randomFloats, runEverywhere } from './harness.js';
import { expectWithin, packedHalfBytes, packFields } from './product-program.js';

const [F32, F16, BF16] = [1, 10, 16];
const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

const positives = { f16: positiveValues(LAYOUTS.f16), bf16: positiveValues(LAYOUTS.bf16) };

/** The codes of 16 bits nearest to the numbers. */
const codesOf = (name: 'f16' | 'bf16', values: ArrayLike<number>): number[] =>
  Array.from(values, (value) => nearestCode(LAYOUTS[name], positives[name], value, false));
const roundedTo = (name: 'f16' | 'bf16', values: ArrayLike<number>): Float32Array =>
  Float32Array.from(codesOf(name, values), (code) => valueOfCode(LAYOUTS[name], code));

interface Case {
  readonly batch?: number;
  readonly batched?: 0 | 1;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly format: 'f16' | 'bf16';
  readonly rounded?: boolean;
  readonly seed: number;
}

function check({ batch = 1, batched = 0, m, k, n, format, rounded = false, seed }: Case): void {
  const matrices = batched === 1 ? batch : 1;
  const a = randomFloats(batch * m * k, seed, 3);
  const w = randomFloats(matrices * k * n, seed + 1, 2);
  const bias = seed % 2 === 0 ? randomFloats(n, seed + 2, 5) : undefined;
  const bounds = seed % 3 === 0 ? { lo: -1, hi: 6 } : INFINITE;
  const number = format === 'f16' ? F16 : BF16;
  const program: Program = {
    buffers: { a, w, ...(bias && { bias }), packed: matrices * packedHalfBytes(k, n), y: batch * m * n * 4 },
    steps: [
      ['pack_half', { w: 'w', packed: 'packed', ...packFields(matrices, k, n), format: number }],
      [
        'gemm_half',
        {
          ...{ a: 'a', packed: 'packed', bias: bias && 'bias', y: 'y', batch, b_batched: batched, m, k, n },
          ...{ w_format: number, a_format: rounded ? BF16 : F32, ...bounds },
        },
      ],
    ],
  };
  const left = rounded ? roundedTo('bf16', a) : a;
  const right = roundedTo(format, w);
  const value: number[] = [];
  const magnitude: number[] = [];
  for (let b = 0; b < batch; b++) {
    const first = batched * b * k * n;
    const part = { a: left.slice(b * m * k, (b + 1) * m * k), w: right.slice(first, first + k * n) };
    const wanted = floatProduct({ m, k, n, ...part }, bias);
    value.push(...wanted.value.map((v) => Math.min(bounds.hi, Math.max(bounds.lo, v))));
    magnitude.push(...wanted.magnitude);
  }
  // A padded pair of zeros is one more term.
  expectWithin(program, { value, magnitude }, k + 2);
}

const KINDS = [{ format: 'f16' }, { format: 'bf16' }, { format: 'bf16', rounded: true }] as const;

describe.each(KINDS)('gemm_half: %o', (kind) => {
  test('within the bound of its sums, for sizes around every tile', () => {
    coversSlots('gemm_f32bf16_f32', 'gemm_f32f16_f32', 'gemm_bf16bf16_f32');
    for (const [seed, size] of [1, 2, 5, 6, 7, 12, 13, 14, 16, 17, 33, 48, 65, 130].entries()) {
      check({ ...kind, m: size, k: 9, n: 19, seed });
      check({ ...kind, m: 3, k: size, n: 33, seed });
      check({ ...kind, m: 2, k: 10, n: size, seed });
      check({ ...kind, m: 1, k: size, n: 3 * size, seed });
    }
  });

  test('where k, rows and columns are cut, and batches', () => {
    check({ ...kind, m: 14, k: 787, n: 20, seed: 1 });
    check({ ...kind, m: 180, k: 401, n: 40, seed: 2 });
    check({ ...kind, m: 13, k: 20, n: 300, seed: 3 });
    check({ ...kind, m: 5, k: 7, n: 21, batch: 3, batched: 0, seed: 4 });
    check({ ...kind, m: 5, k: 8, n: 21, batch: 2, batched: 1, seed: 5 });
  });
});

test('pack_half: the nearest codes, ties to even, subnormals, infinities and NaN, in pairs of rows', () => {
  const values = Float32Array.from([
    ...[
      0,
      -0,
      1,
      -1.5,
      65504,
      65519,
      65520,
      -65536,
      1e38,
      3.4e38,
      2 ** -14,
      2 ** -24,
      2 ** -25,
      3 * 2 ** -25,
      2 ** -126,
    ],
    ...[2 ** -133, 2 ** -134, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 0.1, -1e-5, 1e-8, 123.456],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ]);
  const k = values.length;
  for (const format of ['f16', 'bf16'] as const) {
    const { packed } = runEverywhere({
      buffers: { w: values, packed: packedHalfBytes(k, 1) },
      steps: [
        ['pack_half', { w: 'w', packed: 'packed', ...packFields(1, k, 1), format: format === 'f16' ? F16 : BF16 }],
      ],
    });
    const halves = new Uint16Array((packed as Uint8Array).slice(64).buffer);
    const at = (i: number) => (i >> 1) * 32 + (i % 2) * (format === 'f16' ? 16 : 1);
    expect(Array.from(values, (_, i) => halves[at(i)])).toEqual(codesOf(format, values));
    expect(halves.filter((half) => half !== 0).length).toBe(
      codesOf(format, values).filter((code) => code !== 0).length,
    );
  }
});

test('every f16 code is widened exactly, by every target', () => {
  const codes = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
  const n = 1024;
  const values = Float32Array.from(codes, (code) => valueOfCode(LAYOUTS.f16, code) * (code % 3 === 0 ? -1 : 1));
  const [k, rows] = [values.length / n, values.length / n];
  // Row r of the identity picks row r of the weights.
  const a = Float32Array.from({ length: rows * k }, (_, i) => (Math.floor(i / k) === i % k ? 1 : 0));
  const { y } = runEverywhere({
    buffers: { a, w: values, packed: packedHalfBytes(k, n), y: rows * n * 4 },
    steps: [
      ['pack_half', { w: 'w', packed: 'packed', ...packFields(1, k, n), format: F16 }],
      [
        'gemm_half',
        {
          ...{ a: 'a', packed: 'packed', bias: undefined, y: 'y', batch: 1, b_batched: 0, m: rows, k, n },
          ...{ w_format: F16, a_format: F32, ...INFINITE },
        },
      ],
    ],
  });
  const wanted = values.map((value) => value + 0);
  expect(new Float32Array((y as Uint8Array).slice().buffer)).toEqual(wanted);
});
