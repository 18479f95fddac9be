// pack_f32 and gemm_f32 on every target, against the oracle.

import { describe, expect, test } from 'vitest';
import { f32 } from '../oracle/arithmetic.js';
import { floatProduct } from '../oracle/product.js';
import { coversSlots, floatsIn, type Program, randomFloats, runEverywhere, runProgram, targets } from './harness.js';
import { expectWithin, packedF32Bytes, packFields } from './product-program.js';

const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

function floatProgram(m: number, k: number, n: number, seed: number, withBias: boolean, exact: 0 | 1 = 0) {
  const a = randomFloats(m * k, seed, 3);
  const w = randomFloats(k * n, seed + 1, 2);
  const bias = withBias ? randomFloats(n, seed + 2, 5) : undefined;
  const program: Program = {
    buffers: { a, w, ...(bias && { bias }), packed: packedF32Bytes(k, n), y: m * n * 4 },
    steps: [
      ['pack_f32', { w: 'w', packed: 'packed', ...packFields(1, k, n) }],
      [
        'gemm_f32',
        { a: 'a', packed: 'packed', bias: bias && 'bias', y: 'y', batch: 1, b_batched: 0, m, k, n, exact, ...INFINITE },
      ],
    ],
  };
  return { program, a, w, bias };
}

describe('gemm_f32', () => {
  test('within the bound of its sums, for sizes around every tile', () => {
    coversSlots('gemm_f32');
    const sizes = [1, 2, 5, 6, 7, 12, 13, 16, 17, 33, 48, 64, 65, 130];
    for (const [seed, size] of sizes.entries()) {
      for (const [m, k, n] of [
        [size, 9, 19],
        [3, size, 33],
        [2, 11, size],
        [size, size, 16],
      ] as const) {
        const { program, a, w, bias } = floatProgram(m, k, n, seed, seed % 2 === 0);
        expectWithin(program, floatProduct({ m, k, n, a, w }, bias), k + 1);
      }
    }
  });

  test('within the bound of its sums where k, rows and columns are cut', () => {
    for (const [m, k, n] of [
      [14, 385, 20],
      [13, 1000, 300],
      [200, 769, 17],
      [12, 900, 260],
      [180, 400, 70],
    ] as const) {
      const { program, a, w, bias } = floatProgram(m, k, n, k, true);
      expectWithin(program, floatProduct({ m, k, n, a, w }, bias), k + 1);
    }
  });

  test('exact: one chain of rounded products and sums per element, on every target', () => {
    coversSlots('gemm_unfused_f32');
    const sizes = [1, 7, 5, 2, 130, 17, 7, 33, 64, 13, 64, 150, 15, 800, 41, 12, 780, 20, 26, 1200, 289];
    for (let seed = 0; seed < sizes.length / 3; seed++) {
      const [m = 0, k = 0, n = 0] = sizes.slice(3 * seed);
      const { program, a, w, bias } = floatProgram(m, k, n, seed, true, 1);
      const wanted = Float32Array.from({ length: m * n }, (_, i) => {
        const [row, c] = [Math.floor(i / n) * k, i % n];
        let sum = 0;
        for (let j = 0; j < k; j++) sum = f32(sum + f32((a[row + j] as number) * (w[j * n + c] as number)));
        return f32(sum + (bias?.[c] as number));
      });
      expect(floatsIn(runEverywhere(program).y)).toEqual(wanted);
    }
  });

  test('a row gives the same bytes alone and among others, on one instruction set', () => {
    const [m, k, n] = [37, 61, 83];
    const { program, a } = floatProgram(m, k, n, 77, true);
    for (const target of targets()) {
      const all = floatsIn(runProgram(target, program).y);
      for (const r of [0, 17, 36]) {
        const [pack, gemm] = program.steps as [Program['steps'][0], Program['steps'][0]];
        const alone: Program = {
          buffers: { ...program.buffers, a: a.slice(r * k, (r + 1) * k), y: n * 4 },
          steps: [pack, [gemm[0], { ...gemm[1], m: 1 }]],
        };
        expect(floatsIn(runProgram(target, alone).y)).toEqual(all.slice(r * n, (r + 1) * n));
      }
    }
  });

  test('batches, bias and clamp', () => {
    const [batch, m, k, n] = [2, 5, 7, 21];
    const [a, w, bias] = [randomFloats(batch * m * k, 1), randomFloats(batch * k * n, 2), randomFloats(n, 3)];
    const value: number[] = [];
    const magnitude: number[] = [];
    for (let b = 0; b < batch; b++) {
      const part = { a: a.slice(b * m * k, (b + 1) * m * k), w: w.slice(b * k * n, (b + 1) * k * n) };
      const wanted = floatProduct({ m, k, n, ...part }, bias);
      value.push(...wanted.value.map((v) => Math.min(6, Math.max(0, v))));
      magnitude.push(...wanted.magnitude);
    }
    const program: Program = {
      buffers: { a, w, bias, packed: batch * packedF32Bytes(k, n), y: batch * m * n * 4 },
      steps: [
        ['pack_f32', { w: 'w', packed: 'packed', ...packFields(batch, k, n) }],
        [
          'gemm_f32',
          { a: 'a', packed: 'packed', bias: 'bias', y: 'y', batch, b_batched: 1, m, k, n, exact: 0, lo: 0, hi: 6 },
        ],
      ],
    };
    expectWithin(program, { value, magnitude }, k + 1);
  });
});
