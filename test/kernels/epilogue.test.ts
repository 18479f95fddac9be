// The epilogues of products on every target: requantize, correct, dequantize_accumulator, row_sum and bias_clamp.

import { describe, expect, test } from 'vitest';
import { clamp, f32 } from '../oracle/arithmetic.js';
import { product } from '../oracle/product.js';
import * as oracle from '../oracle/quantize.js';
import {
  AWKWARD_SIZES,
  coversSlots,
  floatsIn,
  int32sIn,
  randomCodes,
  randomFloats,
  randomOf,
  runEverywhere,
} from './harness.js';
import { packedF32Bytes, packedI8Bytes, packFields } from './product-program.js';

const INFINITY = Number.POSITIVE_INFINITY;

interface Gemm {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly a: Uint8Array | Int8Array;
  readonly w: Int8Array;
  readonly group?: number;
  /** Buffers that may be absent, under the names of gemm_i8's fields. */
  readonly optional: Readonly<Record<string, Float32Array | Int32Array | undefined>>;
  readonly numbers: Readonly<Record<string, number>>;
  readonly yBytes: number;
}

const OPTIONAL = ['a_scale', 'a_zero', 'w_zero', 'offset', 'multiplier', 'bias', 'residual'] as const;
const NUMBERS = {
  ...{ a_step: 0, multiplier_step: 1, y_zero_point: 0, qlo: 0, qhi: 0, lo: -INFINITY, hi: INFINITY },
  ...{ activation: -1, alpha: 0, beta: 0 },
};

function gemm(g: Gemm): Uint8Array {
  const present = Object.entries(g.optional).filter(([, value]) => value !== undefined) as [string, Float32Array][];
  const { y } = runEverywhere(
    {
      buffers: {
        a: g.a,
        w: g.w,
        ...Object.fromEntries(present),
        packed: packedI8Bytes(g.k, g.n, g.group ?? g.k),
        y: g.yBytes,
      },
      steps: [
        ['pack_i8', { w: 'w', packed: 'packed', ...packFields(1, g.k, g.n), group_size: g.group ?? 0, format: 3 }],
        [
          'gemm_i8',
          {
            a: 'a',
            packed: 'packed',
            y: 'y',
            ...Object.fromEntries(OPTIONAL.map((name) => [name, g.optional[name] && name])),
            batch: 1,
            b_batched: 0,
            m: g.m,
            k: g.k,
            n: g.n,
            a_format: g.a instanceof Int8Array ? 3 : 2,
            ...NUMBERS,
            ...g.numbers,
          },
        ],
      ],
    },
    { floats: g.numbers['y_format'] === 1 ? ['y'] : [] },
  );
  return y as Uint8Array;
}

/** Accumulators of every size, the ends of int32 among them. As `offset` of a product of zeros they reach the epilogue. */
function accumulators(n: number, seed: number): Int32Array<ArrayBuffer> {
  const random = randomOf(seed);
  const ends = [-(2 ** 31), 2 ** 31 - 1, 0, 16_777_217, -16_777_219];
  return Int32Array.from({ length: n }, () => {
    const r = random();
    if (r < 0.1) return ends[Math.floor(random() * ends.length)] as number;
    return Math.floor((random() - 0.5) * 2 ** (4 + Math.floor(random() * 28)));
  });
}

function multipliers(n: number, seed: number): Float32Array<ArrayBuffer> {
  const random = randomOf(seed);
  const special = [0.5, 0.25, 1, 0, Number.NaN, INFINITY, 1e-30, -0.5];
  return Float32Array.from({ length: n }, () =>
    random() < 0.3 ? (special[Math.floor(random() * special.length)] as number) : 2 ** (-random() * 24),
  );
}

describe.each([
  { name: 'u8', y_format: 2, lowest: 0 },
  { name: 'i8', y_format: 3, lowest: -128 },
])('accumulators to $name', ({ y_format, lowest }) => {
  test('any accumulator and multiplier, per column and one for all', () => {
    coversSlots('requantize_i32_u8', 'requantize_i32_i8');
    for (const [seed, n] of AWKWARD_SIZES.entries()) {
      const random = randomOf(seed);
      const acc = accumulators(n, seed);
      const per = seed % 3 === 0 ? 1 : n;
      const multiplier = multipliers(per, seed + 50);
      const zero = lowest + Math.floor(random() * 256);
      const [lo, hi] = seed % 2 === 0 ? [lowest, lowest + 255] : [lowest + 20, lowest + 200];
      const m = 1 + (seed % 4);
      const y = gemm({
        m,
        k: 1,
        n,
        a: new Uint8Array(m),
        w: new Int8Array(n),
        optional: { offset: acc, multiplier },
        numbers: { y_format, multiplier_step: per === 1 ? 0 : 1, y_zero_point: zero, qlo: lo, qhi: hi },
        yBytes: m * n,
      });
      const row = oracle.requantize(acc, { multiplier, zero, lo, hi });
      const found = Array.from(lowest < 0 ? new Int8Array(y.slice().buffer) : y);
      expect(found).toEqual(Array.from({ length: m }, () => row).flat());
    }
  });
});

test('accumulators to floats: scales per row and column, bias, clamp', () => {
  coversSlots('dequantize_accumulator_i32_f32');
  for (const [seed, n] of AWKWARD_SIZES.entries()) {
    const m = 1 + (seed % 3);
    const acc = accumulators(n, seed);
    const multiplier = multipliers(seed % 4 === 0 ? 1 : n, seed + 9);
    const scale = seed % 2 === 0 ? undefined : randomFloats(m, seed + 1, 0.1);
    const bias = seed % 3 === 0 ? undefined : randomFloats(n, seed + 2, 100, [-0, Number.NaN, INFINITY]);
    const [lo, hi] = seed % 5 === 0 ? [-INFINITY, INFINITY] : [0, 6];
    const y = gemm({
      m,
      k: 1,
      n,
      a: new Uint8Array(m),
      w: new Int8Array(n),
      optional: { a_scale: scale, offset: acc, multiplier, bias },
      numbers: { y_format: 1, a_step: 1, multiplier_step: multiplier.length === 1 ? 0 : 1, lo, hi },
      yBytes: 4 * m * n,
    });
    const wanted = Array.from({ length: m }, (_, r) =>
      oracle.dequantizeAccumulator(acc, { rowScale: scale?.[r] ?? 1, columnScale: multiplier, bias, lo, hi }),
    );
    expect(floatsIn(y)).toEqual(Float32Array.from(wanted.flat()));
  }
});

describe.each([
  { name: 'u8', signed: false },
  { name: 'i8', signed: true },
])('zero points of $name rows', ({ signed }) => {
  test('every combination of row, column and integer corrections', () => {
    coversSlots('correct_i32', 'row_sum_u8_i32', 'row_sum_i8_i32');
    let seed = 0;
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 7, 17],
      [5, 33, 16],
      [2, 130, 70],
      [9, 64, 300],
    ] as const) {
      for (const rowZeros of [0, 1, m]) {
        for (const columns of [false, true]) {
          for (const offsets of [false, true]) {
            const random = randomOf(++seed);
            const zeros = (count: number, lowest: number) =>
              Int32Array.from({ length: count }, () => lowest + Math.floor(random() * 256));
            const a = randomCodes(m * k, seed, signed);
            const w = randomCodes(k * n, seed + 1000, true) as Int8Array;
            const aZero = rowZeros === 0 ? undefined : zeros(rowZeros, signed ? -128 : 0);
            const wZero = columns ? zeros(n, -128) : undefined;
            const offset = offsets ? accumulators(n, seed) : undefined;
            const y = gemm({
              m,
              k,
              n,
              a,
              w,
              optional: { a_zero: aZero, w_zero: wZero, offset },
              numbers: { y_format: 6, a_step: rowZeros === m && m > 1 ? 1 : 0 },
              yBytes: 4 * m * n,
            });
            expect(Array.from(int32sIn(y))).toEqual(
              product({ m, k, n, a, w, aZero, wZero, offset }, { output: 'i32' }),
            );
          }
        }
      }
    }
  });
});

test('groups of k add up as floats, in order', () => {
  for (const [seed, [m, k, n, group]] of (
    [
      [1, 64, 16, 16],
      [3, 70, 33, 32],
      [4, 100, 20, 4],
    ] as const
  ).entries()) {
    const groups = Math.ceil(k / group);
    const a = randomCodes(m * k, seed, false);
    const w = randomCodes(k * n, seed + 7, true) as Int8Array;
    const multiplier = randomFloats(groups * n, seed + 8, 0.01);
    const bias = randomFloats(n, seed + 9, 10);
    const scale = randomFloats(m, seed + 10, 1);
    const aZero = Int32Array.from({ length: m }, (_, r) => 100 + r);
    const y = gemm({
      m,
      k,
      n,
      a,
      w,
      group,
      optional: { a_scale: scale, a_zero: aZero, multiplier, bias },
      numbers: { y_format: 1, a_step: 1, lo: -20, hi: 30 },
      yBytes: 4 * m * n,
    });
    const rule = { output: 'floats', multiplier, rowScale: scale, bias, lo: -20, hi: 30 } as const;
    expect(floatsIn(y)).toEqual(Float32Array.from(product({ m, k, n, a, w, aZero, groupSize: group }, rule)));
  }
});

test('the epilogue of float products: bias and clamp, exact for whole numbers', () => {
  coversSlots('bias_clamp_f32');
  for (const [seed, n] of AWKWARD_SIZES.entries()) {
    const [m, k] = [1 + (seed % 5), 3];
    const whole = (count: number, from: number) => {
      const random = randomOf(from);
      return Float32Array.from({ length: count }, () => Math.floor(random() * 21) - 10);
    };
    const a = whole(m * k, seed);
    const w = whole(k * n, seed + 1);
    const bias = seed % 3 === 0 ? undefined : randomFloats(n, seed + 2, 30, [Number.NaN, INFINITY, -0]);
    const [lo, hi] = seed % 4 === 0 ? [-INFINITY, INFINITY] : seed % 4 === 1 ? [0, INFINITY] : [0, 6];
    const { y } = runEverywhere(
      {
        buffers: { a, w, ...(bias && { bias }), packed: packedF32Bytes(k, n), y: 4 * m * n },
        steps: [
          ['pack_f32', { w: 'w', packed: 'packed', ...packFields(1, k, n) }],
          [
            'gemm_f32',
            {
              a: 'a',
              packed: 'packed',
              bias: bias && 'bias',
              y: 'y',
              batch: 1,
              b_batched: 0,
              m,
              k,
              n,
              exact: 0,
              lo,
              hi,
            },
          ],
        ],
      },
      { floats: ['y'] },
    );
    const wanted = Array.from({ length: m * n }, (_, i) => {
      const [r, c] = [Math.floor(i / n), i % n];
      let sum = 0;
      for (let j = 0; j < k; j++) sum += (a[r * k + j] as number) * (w[j * n + c] as number);
      return clamp(bias === undefined ? sum : f32(sum + (bias[c] as number)), lo, hi);
    });
    expect(floatsIn(y).map((v) => v + 0)).toEqual(Float32Array.from(wanted, (v) => v + 0));
  }
});
