// pack_i8 and gemm_i8 on every target, against the oracle.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type OutputRule, type Product, product } from '../oracle/product.js';
import {
  coversSlots,
  floatsIn,
  int32sIn,
  type Program,
  randomFloats,
  runEverywhere,
  runProgram,
  targets,
} from './harness.js';
import { codesOf, type Filling, int32sOf, multipliersOf, packedI8Bytes, packFields } from './product-program.js';

const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
const NO_TAIL = { residual: undefined, activation: -1, alpha: 0, beta: 0 };

interface Case {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly aFormat: number;
  readonly wFormat: number;
  readonly yFormat: number;
  readonly aFilling: Filling;
  readonly wFilling: Filling;
  readonly rowZeros: boolean;
  readonly wZeros: boolean;
  readonly offset: boolean;
  readonly perColumn: boolean;
  readonly bias: boolean;
  readonly groupSize: number;
  /** What multipliers are multiplied by; many of them are 1 or more when it is large. */
  readonly stretch: number;
  readonly seed: number;
}

const SIMPLE: Case = {
  m: 5,
  k: 20,
  n: 18,
  aFormat: 2,
  wFormat: 3,
  yFormat: 2,
  aFilling: 'random',
  wFilling: 'random',
  rowZeros: false,
  wZeros: false,
  offset: true,
  perColumn: true,
  bias: false,
  groupSize: 0,
  stretch: 1,
  seed: 1,
};

/** Runs a case everywhere and compares it with the oracle. */
function check(c: Case): void {
  const groupSize = c.groupSize === 0 ? c.k : c.groupSize;
  const groups = Math.ceil(c.k / groupSize);
  const codes = c.yFormat === 2 || c.yFormat === 3;
  const lowest = (format: number) => (format === 3 ? -128 : 0);
  const a = codesOf(c.m * c.k, c.aFormat, c.seed, c.aFilling);
  const w = codesOf(c.k * c.n, c.wFormat, c.seed + 1, c.wFilling);
  const rows = c.rowZeros ? c.m : 1;
  const aZero = int32sOf(rows, c.seed + 2, lowest(c.aFormat), lowest(c.aFormat) + 255);
  const wZero = c.wZeros ? int32sOf(groups * c.n, c.seed + 3, lowest(c.wFormat), lowest(c.wFormat) + 255) : undefined;
  const offset = c.offset && groups === 1 ? int32sOf(c.n, c.seed + 4, -9999, 9999) : undefined;
  const multiplier =
    c.yFormat === 6
      ? undefined
      : multipliersOf(groups * (c.perColumn || groups > 1 ? c.n : 1), c.seed + 5, c.k).map((one) => one * c.stretch);
  const aScale = c.yFormat === 1 ? randomFloats(rows, c.seed + 6) : undefined;
  const bias = c.bias && c.yFormat === 1 ? randomFloats(c.n, c.seed + 7) : undefined;
  const zeroPoint = codes ? lowest(c.yFormat) + (c.seed % 256) : 0;
  const qlo = codes ? lowest(c.yFormat) + (c.seed % 3) * 10 : 0;
  const qhi = codes ? lowest(c.yFormat) + 255 - (c.seed % 2) * 17 : 0;
  const bounds = c.seed % 2 === 0 ? INFINITE : { lo: -0.5, hi: 1.5 };

  const program: Program = {
    buffers: {
      a,
      w,
      aZero,
      ...(wZero && { wZero }),
      ...(offset && { offset }),
      ...(multiplier && { multiplier }),
      ...(aScale && { aScale }),
      ...(bias && { bias }),
      packed: packedI8Bytes(c.k, c.n, groupSize),
      y: c.m * c.n * (codes ? 1 : 4),
    },
    steps: [
      ['pack_i8', { w: 'w', packed: 'packed', ...packFields(1, c.k, c.n), group_size: c.groupSize, format: c.wFormat }],
      [
        'gemm_i8',
        {
          a: 'a',
          a_scale: aScale && 'aScale',
          a_zero: 'aZero',
          packed: 'packed',
          w_zero: wZero && 'wZero',
          offset: offset && 'offset',
          multiplier: multiplier && 'multiplier',
          bias: bias && 'bias',
          y: 'y',
          batch: 1,
          b_batched: 0,
          m: c.m,
          k: c.k,
          n: c.n,
          a_step: c.rowZeros ? 1 : 0,
          multiplier_step: c.perColumn || groups > 1 ? 1 : 0,
          a_format: c.aFormat,
          y_format: c.yFormat,
          y_zero_point: zeroPoint,
          qlo,
          qhi,
          ...bounds,
          ...NO_TAIL,
        },
      ],
    ],
  };
  const { y } = runEverywhere(program);
  const input: Product = { m: c.m, k: c.k, n: c.n, a, w, aZero, wZero, offset, groupSize };
  const output = codes ? 'codes' : c.yFormat === 6 ? 'i32' : 'floats';
  const rule: OutputRule = { output, multiplier, zeroPoint, qlo, qhi, rowScale: aScale, bias, ...bounds };
  const wanted = product(input, rule);
  if (output === 'floats') expect(floatsIn(y)).toEqual(Float32Array.from(wanted));
  else if (output === 'i32') expect(int32sIn(y)).toEqual(Int32Array.from(wanted));
  else expect(y).toEqual(Uint8Array.from(wanted));
}

describe('gemm_i8', () => {
  test('every k from 1 to 130, in accumulators', () => {
    coversSlots('gemm_u8i8_i32', 'gemm_i8i8_i32');
    for (let k = 1; k <= 130; k++) check({ ...SIMPLE, k, m: 1 + (k % 9), yFormat: 6, aFormat: 2 + (k % 2), seed: k });
  });

  test('every m and n from 1 to 70', () => {
    coversSlots('gemm_u8i8_u8', 'gemm_u8i8_i8', 'gemm_u8i8_f32', 'gemm_i8i8_u8', 'gemm_i8i8_i8', 'gemm_i8i8_f32');
    for (let i = 1; i <= 70; i++) {
      check({ ...SIMPLE, m: i, n: 17, aFormat: 2 + (i % 2), yFormat: 3 - (i % 2), seed: i });
      check({ ...SIMPLE, m: 3, n: i, aFormat: 2 + (i % 2), yFormat: 2 + (i % 2), seed: i });
      check({ ...SIMPLE, m: 1 + (i % 13), n: i, aFormat: 2 + (i % 2), yFormat: 1, bias: i % 3 > 0, seed: i });
    }
  });

  test('wide and deep: many panels, many row blocks, chunks of k', () => {
    check({ ...SIMPLE, m: 1, k: 1300, n: 290 });
    check({ ...SIMPLE, m: 2, k: 40, n: 275, aFormat: 3 });
    check({ ...SIMPLE, m: 500, k: 33, n: 37 });
    check({ ...SIMPLE, m: 13, k: 2100, n: 97, aFormat: 3, yFormat: 6 });
  });

  test('few codes per row, many rows: every number of panels, whole and not', () => {
    for (const k of [16, 24, 32, 48]) {
      for (const [i, n] of [1, 16, 24, 41, 64, 90, 144].entries()) {
        check({ ...SIMPLE, m: 65 + i, k, n, aFormat: 2 + (i % 2), yFormat: 2 + ((i + k / 8) % 2), seed: i + k });
      }
    }
  });

  test('many rows with zero points of the weights, more than a block sums at a time', () => {
    for (const yFormat of [1, 2, 3, 6]) {
      check({ ...SIMPLE, m: 900, k: 24, n: 20, wFormat: 2, wZeros: true, rowZeros: yFormat !== 2, yFormat });
    }
  });

  test('all codes at their ends do not saturate', () => {
    for (const aFilling of ['highest', 'lowest'] as const) {
      for (const wFilling of ['highest', 'lowest'] as const) {
        for (const aFormat of [2, 3]) {
          for (const wFormat of [2, 3]) {
            check({ ...SIMPLE, m: 7, k: 517, n: 33, aFilling, wFilling, aFormat, wFormat, yFormat: 6 });
          }
        }
      }
    }
  });

  test('any combination of formats, zero points, scales and outputs', () => {
    fc.assert(
      fc.property(
        fc.record({
          m: fc.integer({ min: 1, max: 40 }),
          k: fc.integer({ min: 1, max: 140 }),
          n: fc.integer({ min: 1, max: 70 }),
          aFormat: fc.constantFrom(2, 3),
          wFormat: fc.constantFrom(2, 3),
          yFormat: fc.constantFrom(1, 2, 3, 6),
          aFilling: fc.constantFrom<Filling>('random', 'random', 'highest', 'lowest'),
          wFilling: fc.constantFrom<Filling>('random', 'random', 'highest', 'lowest'),
          rowZeros: fc.boolean(),
          wZeros: fc.boolean(),
          offset: fc.boolean(),
          perColumn: fc.boolean(),
          bias: fc.boolean(),
          groupSize: fc.constant(0),
          stretch: fc.constantFrom(1, 1, 1, 1e3, 1e9),
          seed: fc.nat(1_000_000),
        }),
        check,
      ),
      { numRuns: 150 },
    );
  });

  test('groups of k, added in order, with zero points per group', () => {
    fc.assert(
      fc.property(
        fc.record({
          m: fc.integer({ min: 1, max: 12 }),
          k: fc.integer({ min: 1, max: 140 }),
          n: fc.integer({ min: 1, max: 40 }),
          groupSize: fc.constantFrom(4, 12, 16, 32, 64, 128),
          aFormat: fc.constantFrom(2, 3),
          wFormat: fc.constantFrom(2, 3),
          rowZeros: fc.boolean(),
          wZeros: fc.boolean(),
          bias: fc.boolean(),
          seed: fc.nat(1_000_000),
        }),
        (c) => check({ ...SIMPLE, ...c, yFormat: 1, groupSize: c.groupSize > c.k ? 0 : c.groupSize }),
      ),
      { numRuns: 80 },
    );
  });

  test('batches, with one matrix for all or one for each', () => {
    for (const batched of [0, 1]) {
      const [batch, m, k, n] = [3, 4, 21, 19];
      const matrices = batched ? batch : 1;
      const a = codesOf(batch * m * k, 3, 5, 'random');
      const w = codesOf(matrices * k * n, 3, 6, 'random');
      const { y } = runEverywhere({
        buffers: { a, w, packed: matrices * packedI8Bytes(k, n), y: batch * m * n * 4 },
        steps: [
          ['pack_i8', { w: 'w', packed: 'packed', ...packFields(matrices, k, n), group_size: 0, format: 3 }],
          [
            'gemm_i8',
            {
              ...{
                a: 'a',
                a_scale: undefined,
                a_zero: undefined,
                packed: 'packed',
                w_zero: undefined,
                offset: undefined,
              },
              ...{ multiplier: undefined, bias: undefined, y: 'y', batch, b_batched: batched, m, k, n, a_step: 0 },
              ...{
                multiplier_step: 0,
                a_format: 3,
                y_format: 6,
                y_zero_point: 0,
                qlo: 0,
                qhi: 0,
                ...INFINITE,
                ...NO_TAIL,
              },
            },
          ],
        ],
      });
      const wanted: number[] = [];
      for (let b = 0; b < batch; b++) {
        const weights = w.slice((batched ? b : 0) * k * n, ((batched ? b : 0) + 1) * k * n);
        wanted.push(...product({ m, k, n, a: a.slice(b * m * k, (b + 1) * m * k), w: weights }, { output: 'i32' }));
      }
      expect(int32sIn(y)).toEqual(Int32Array.from(wanted));
    }
  });

  test('strides of pack_i8: an OIHW kernel as (kh, kw, c) by o', () => {
    const [o, c, h, w] = [18, 5, 3, 2];
    const kernel = codesOf(o * c * h * w, 3, 9, 'random');
    const k = c * h * w;
    const rows: number[] = [];
    for (let ky = 0; ky < h; ky++) {
      for (let kx = 0; kx < w; kx++) {
        for (let channel = 0; channel < c; channel++) {
          for (let out = 0; out < o; out++) rows.push(kernel[((out * c + channel) * h + ky) * w + kx] as number);
        }
      }
    }
    const strides = { k0: h, k1: w, k2: c, k0_stride: w, k1_stride: 1, k2_stride: h * w, n: o, n_stride: k };
    const rowMajor = Int8Array.from(rows);
    const { packed, plain } = runEverywhere({
      buffers: { kernel, rowMajor, packed: packedI8Bytes(k, o), plain: packedI8Bytes(k, o) },
      steps: [
        ['pack_i8', { w: 'kernel', packed: 'packed', batch: 1, batch_stride: 0, ...strides, group_size: 0, format: 3 }],
        ['pack_i8', { w: 'rowMajor', packed: 'plain', ...packFields(1, k, o), group_size: 0, format: 3 }],
      ],
    });
    expect(packed).toEqual(plain);
  });

  test('weights that are not packed, or not of this size, are refused', () => {
    const gemm = (n: number, k: number) => ({
      ...{ a: 'a', a_scale: undefined, a_zero: undefined, packed: 'packed', w_zero: undefined, offset: undefined },
      ...{ multiplier: undefined, bias: undefined, y: 'y', batch: 1, b_batched: 0, m: 1, k, n, a_step: 0 },
      ...{ multiplier_step: 0, a_format: 3, y_format: 6, y_zero_point: 0, qlo: 0, qhi: 0, ...INFINITE, ...NO_TAIL },
    });
    const packedBytes = packedI8Bytes(8, 16);
    const a = new Int8Array(8);
    const w = new Int8Array(8 * 16);
    for (const target of targets()) {
      const notPacked: Program = {
        buffers: { a, packed: new Uint8Array(packedBytes), y: 64 },
        steps: [['gemm_i8', gemm(16, 8)]],
      };
      expect(() => runProgram(target, notPacked)).toThrow();
      const pack = { w: 'w', packed: 'packed', ...packFields(1, 8, 16), group_size: 0, format: 3 };
      const otherSize: Program = {
        buffers: { a, w, packed: packedBytes, y: 64 },
        steps: [
          ['pack_i8', pack],
          ['gemm_i8', gemm(15, 8)],
        ],
      };
      expect(() => runProgram(target, otherSize)).toThrow();
      const beyond: Program = { buffers: { a, packed: new Uint8Array(64), y: 64 }, steps: [['gemm_i8', gemm(16, 8)]] };
      expect(() => runProgram(target, beyond)).toThrow();
    }
  });
});
