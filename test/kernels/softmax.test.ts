// softmax_f32 on every target: the same bytes, and within a derived bound of the float64 oracle.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { softmax } from '../oracle/elementwise.js';
import { AWKWARD_SIZES, coversSlots, floatsIn, randomFloats, runEverywhere, SHIFTS } from './harness.js';

function run(x: Float32Array, outer: number, axis: number, inner: number, shifts?: readonly number[]) {
  const { y } = runEverywhere(
    { buffers: { x, y: 4 * x.length }, steps: [['softmax_f32', { x: 'x', y: 'y', outer, axis, inner }]] },
    { floats: ['y'], ...(shifts && { shifts }) },
  );
  return floatsIn(y);
}

/**
 * Bound of |y - real| / real for a row of n, u = 2^-24: x - max is rounded once, which moves the exponential by a factor of
 * |x - max| * u; the exponential itself is within 2 ulp (4u); the sum of n terms in 16 lanes and a tree of 4 levels adds
 * (n/16 + 4)u and the terms' own errors; the division u. Below 2^-126 * 2 results may be flushed to 0.
 */
function check(x: ArrayLike<number>, y: ArrayLike<number>): void {
  const wanted = softmax(x);
  const most = Math.max(...Array.from(x));
  const n = wanted.length;
  for (const [i, real] of wanted.entries()) {
    const span = Math.abs((x[i] as number) - most);
    const widest = Math.min(87, most - Math.min(...Array.from(x)));
    const bound = real * 2 ** -24 * (span + widest + 4 + 4 + n / 16 + 4 + 1) + 2 ** -125;
    expect(Math.abs((y[i] as number) - real), `element ${i} of ${n}`).toBeLessThanOrEqual(bound);
  }
}

test('rows of awkward sizes', () => {
  coversSlots('softmax_f32');
  for (const n of AWKWARD_SIZES) {
    for (const spread of [0.1, 3, 40]) {
      const x = randomFloats(2 * n, n, spread);
      const y = run(x, 2, n, 1, n < 70 ? SHIFTS : undefined);
      for (const r of [0, 1]) check(x.subarray(r * n, (r + 1) * n), y.subarray(r * n, (r + 1) * n));
    }
  }
});

test('along an axis that is not the last one', () => {
  for (const [outer, axis, inner] of [
    [1, 5, 3],
    [2, 10, 49],
    [3, 1, 7],
    [1, 1000, 17],
    [1, 40_000, 2],
  ] as const) {
    const x = randomFloats(outer * axis * inner, axis, 5);
    const y = run(x, outer, axis, inner);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (_: unknown, a: number) => (o * axis + a) * inner + i;
        const row = Array.from({ length: axis }, at);
        if (axis < 5000) {
          check(
            row.map((k) => x[k] as number),
            row.map((k) => y[k] as number),
          );
        } else {
          // The same row alone gives the same bytes.
          const alone = run(
            Float32Array.from(row, (k) => x[k] as number),
            1,
            axis,
            1,
          );
          expect(Float32Array.from(row, (k) => y[k] as number)).toEqual(alone);
        }
      }
    }
  }
});

test('equal values share equally; a dominating one takes all', () => {
  expect(run(new Float32Array(64).fill(-3.25), 1, 64, 1)).toEqual(new Float32Array(64).fill(1 / 64));
  const x = new Float32Array(20).fill(-500);
  x[7] = 10;
  expect(Array.from(run(x, 1, 20, 1))).toEqual(Array.from({ length: 20 }, (_, i) => (i === 7 ? 1 : 0)));
});

test('NaN, infinities and a row of -inf', () => {
  const inf = Number.POSITIVE_INFINITY;
  const nan = Number.NaN;
  expect(Array.from(run(Float32Array.of(1, nan, 2), 1, 3, 1))).toEqual([nan, nan, nan]);
  expect(Array.from(run(Float32Array.of(-inf, -inf), 1, 2, 1))).toEqual([nan, nan]);
  expect(Array.from(run(Float32Array.of(1, inf), 1, 2, 1))).toEqual([nan, nan]);
  expect(Array.from(run(Float32Array.of(1, -inf, 1), 1, 3, 1))).toEqual([0.5, 0, 0.5]);
  const many = new Float32Array(70).fill(-1);
  many[40] = nan;
  expect(Array.from(run(many, 1, 70, 1))).toEqual(new Array(70).fill(nan));
});

test('adding a constant that is exact changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: -100, max: 100 }),
      (values, shift) => {
        const x = Float32Array.from(values);
        const moved = x.map((value) => value + shift);
        expect(run(moved, 1, x.length, 1)).toEqual(run(x, 1, x.length, 1));
      },
    ),
    { numRuns: 40, seed: 5 },
  );
});
