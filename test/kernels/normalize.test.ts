// layer_norm_f32 and reduce_f32 on every target: the same bytes, and within derived bounds of the float64 oracle.

import { expect, test } from 'vitest';
import { layerNorm, REDUCTIONS } from '../oracle/functions.js';
import { AWKWARD_SIZES, coversSlots, floatsIn, randomFloats, runEverywhere, SHIFTS } from './harness.js';

const U = 2 ** -24;

test('layer_norm_f32', () => {
  coversSlots('layer_norm_f32');
  for (const columns of AWKWARD_SIZES) {
    for (const [variant, subtract_mean] of [1, 1, 0].entries()) {
      const rows = 3;
      const x = randomFloats(rows * columns, columns, 3).map((value) => value + 1);
      const addend = variant === 1 ? randomFloats(rows * columns, columns + 1) : undefined;
      const scale = randomFloats(columns, columns + 2);
      const bias = variant === 0 ? undefined : randomFloats(columns, columns + 3);
      const epsilon = Math.fround(1e-5);
      const bytes = rows * columns * 4;
      const { y, mean, inverse } = runEverywhere(
        {
          buffers: {
            x,
            ...(addend && { addend }),
            scale,
            ...(bias && { bias }),
            ...{ y: bytes, mean: rows * 4, inverse: rows * 4 },
          },
          steps: [
            [
              'layer_norm_f32',
              {
                ...{ x: 'x', addend: addend && 'addend', scale: 'scale', bias: bias && 'bias', y: 'y' },
                ...{ mean: 'mean', inverse: 'inverse', rows, columns, epsilon, subtract_mean },
              },
            ],
          ],
        },
        { floats: ['y', 'mean', 'inverse'], ...(columns < 40 && { shifts: SHIFTS }) },
      );
      for (let r = 0; r < rows; r++) {
        const at = (i: number): number => r * columns + i;
        const row = Float32Array.from({ length: columns }, (_, i) => (x[at(i)] as number) + (addend?.[at(i)] ?? 0));
        const wanted = layerNorm(row, scale, bias, epsilon, subtract_mean === 1);
        // A sum of n terms in 16 lanes and a tree: (n / 16 + 5)u of the magnitudes; the mean adds a division.
        const sums = (columns / 16 + 6) * U;
        const meanError = sums * row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(Math.abs((floatsIn(mean)[r] as number) - wanted.mean)).toBeLessThanOrEqual(meanError);
        // d moves by the error of the mean and a rounding; the squares, their sum and the square root follow.
        const spread = 1 / wanted.inverse;
        const moved = (2 * meanError) / spread + 4 * U;
        const relative = moved + moved * moved + sums + 4 * U;
        expect(Math.abs((floatsIn(inverse)[r] as number) / wanted.inverse - 1)).toBeLessThanOrEqual(relative);
        for (let i = 0; i < columns; i++) {
          const weight = Math.abs(scale[i] as number);
          const normal = Math.abs(((row[i] as number) - wanted.mean) * wanted.inverse);
          const bound =
            weight * (normal * (relative + 4 * U) + 2 * meanError * wanted.inverse + 2 * U * normal) +
            2 * U * Math.abs(wanted.y[i] as number) +
            2 ** -140;
          const found = floatsIn(y)[at(i)] as number;
          expect(Math.abs(found - (wanted.y[i] as number)), `row ${r} column ${i}`).toBeLessThanOrEqual(bound);
        }
      }
    }
  }
});

test('reduce_f32', () => {
  coversSlots('reduce_f32');
  for (const [kind, reduction] of REDUCTIONS.entries()) {
    for (const axis of AWKWARD_SIZES) {
      for (const inner of axis > 100 ? [1, 5] : [1, 3, 17, 64]) {
        const outer = 2;
        // Products of many numbers stay finite.
        const x = randomFloats(outer * axis * inner, axis + inner, kind === 4 ? 0.6 : 2);
        const { y } = runEverywhere(
          {
            buffers: { x, y: outer * inner * 4 },
            steps: [['reduce_f32', { x: 'x', y: 'y', kind, outer, axis, inner }]],
          },
          { floats: ['y'] },
        );
        for (let o = 0; o < outer; o++) {
          for (let i = 0; i < inner; i++) {
            const row = Array.from({ length: axis }, (_, a) => x[(o * axis + a) * inner + i] as number);
            const real = reduction(row);
            const found = floatsIn(y)[o * inner + i] as number;
            const magnitude = row.reduce((sum, value) => sum + (kind === 5 ? value * value : Math.abs(value)), 0);
            const terms = inner === 1 ? axis / 16 + 5 : axis;
            // Sums by their magnitudes, means by a division more, products by a rounding per factor, extremes exactly.
            const bounds = [
              terms * U * magnitude,
              ((terms + 1) * U * magnitude) / axis,
              0,
              0,
              2 * axis * U * Math.abs(real) + 2 ** -125,
              (terms + 1) * U * magnitude,
              terms * U * magnitude,
            ];
            const bound = bounds[kind] as number;
            expect(Math.abs(found - real), `kind ${kind} of ${axis}`).toBeLessThanOrEqual(bound);
          }
        }
      }
    }
  }
});
