// min_max and min_max_channel on every target, against the oracle.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minMax } from '../oracle/quantize.js';
import { AWKWARD_SIZES, coversSlots, floatsIn, randomFloats, runEverywhere, SHIFTS } from './harness.js';

const SPECIAL = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45];

function run(x: Float32Array, shifts?: readonly number[]): number[] {
  const { out } = runEverywhere(
    { buffers: { x, out: 8 }, steps: [['min_max', { x: 'x', out: 'out', n: x.length }]] },
    shifts && { shifts },
  );
  return Array.from(floatsIn(out));
}

test('min_max agrees with the oracle at awkward sizes and offsets', () => {
  coversSlots('min_max_f32');
  for (const n of [...AWKWARD_SIZES, 20_000]) {
    for (const x of [randomFloats(n, n, 5), randomFloats(n, n, 5, SPECIAL), randomFloats(n, n, 5, [Number.NaN])]) {
      expect(run(x, n < 300 ? SHIFTS : undefined), `n = ${n}`).toEqual(minMax(x));
    }
  }
});

test('the extreme is found wherever it is', () => {
  for (let at = 0; at < 131; at++) {
    const x = new Float32Array(131).fill(1);
    x[at] = -5;
    x[(at + 77) % 131] = 9;
    expect(run(x)).toEqual([-5, 9]);
  }
});

test('nothing to see: empty, all NaN, signalling NaN, and zeros of both signs', () => {
  const infinities = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  expect(run(new Float32Array(0))).toEqual(infinities);
  expect(run(new Float32Array(100).fill(Number.NaN))).toEqual(infinities);
  const signalling = new Float32Array(new Uint32Array(70).fill(0x7fa00000).buffer);
  expect(run(signalling)).toEqual(infinities);
  expect(run(new Float32Array(70).fill(-0))).toEqual([0, 0]);
  const long = new Float32Array(60_000).fill(Number.NaN);
  long[59_999] = 2;
  expect(run(long)).toEqual([2, 2]);
});

test('the range of two parts is the range of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.float(), { maxLength: 90 }), fc.nat(90), (values, cut) => {
      const x = Float32Array.from(values);
      const parts = [run(x.slice(0, cut)), run(x.slice(cut))] as [number[], number[]];
      expect(run(x)).toEqual([
        Math.min(parts[0][0] as number, parts[1][0] as number),
        Math.max(parts[0][1] as number, parts[1][1] as number),
      ]);
    }),
    { numRuns: 40, seed: 3 },
  );
});

test('min_max_channel agrees with the oracle for channels first, in the middle and last', () => {
  const shapes = [
    [1, 3, 5],
    [2, 7, 49],
    [1, 70, 1],
    [9, 600, 1],
    [3, 1, 1],
    [4, 2, 20_000],
    [0, 3, 1],
    [2, 3, 0],
  ] as const;
  for (const [outer, axis, inner] of shapes) {
    const n = outer * axis * inner;
    for (const x of [randomFloats(n, n, 5), randomFloats(n, n, 5, SPECIAL)]) {
      const { out } = runEverywhere({
        buffers: { x, out: 8 * axis },
        steps: [['min_max_channel', { x: 'x', out: 'out', outer, axis, inner }]],
      });
      const wanted = Array.from({ length: axis }, (_, a) =>
        minMax(Array.from(x).filter((_, i) => Math.floor(i / inner) % axis === a)),
      );
      expect(Array.from(floatsIn(out))).toEqual(wanted.flat());
    }
  }
});
