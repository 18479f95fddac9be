// attention_f32 on every target: the same bytes without fused multiply-add, and within derived bounds of the float64 oracle.

import { expect, test } from 'vitest';
import { softmax } from '../oracle/elementwise.js';
import { coversSlots, floatsIn, type Program, randomFloats, runEverywhere, runProgram, targets } from './harness.js';

const U = 2 ** -24;

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly v_depth: number;
}

/** Strides of a mask over [batch, heads, queries, keys]; its elements follow from them. */
type Strides = readonly [number, number, number, number];

function inputs(sizes: Sizes, strides: Strides | undefined, seed: number) {
  const { batch, heads, queries, keys, depth, v_depth } = sizes;
  const dims = [batch, heads, queries, keys];
  const count = (strides ?? []).reduce((sum, stride, axis) => sum + stride * ((dims[axis] as number) - 1), 1);
  return {
    q: randomFloats(batch * queries * heads * depth, seed),
    k: randomFloats(batch * keys * heads * depth, seed + 1),
    v: randomFloats(batch * keys * heads * v_depth, seed + 2),
    // Some positions are masked out for good.
    ...(strides && { mask: randomFloats(count, seed + 3, 1, [-10000]) }),
  };
}

function programOf(
  sizes: Sizes,
  buffers: ReturnType<typeof inputs>,
  strides: Strides | undefined,
  exact: number,
): Program {
  const [m0, m1, m2, m3] = strides ?? [0, 0, 0, 0];
  const { batch, heads, queries, v_depth } = sizes;
  const names = { q: 'q', k: 'k', v: 'v', mask: strides && 'mask', y: 'y' };
  const fields = { ...names, ...sizes, exact, scale: 0.25, m0, m1, m2, m3 };
  return {
    buffers: { ...buffers, y: batch * queries * heads * v_depth * 4 },
    steps: [['attention_f32', fields]],
  };
}

/**
 * The scores have the error of a sum of `depth` products, the scale and the mask a rounding each; a share moves by twice
 * the greatest error of its row of scores, relative, and by its own roundings; the last product sums `keys` of them.
 */
function check(
  sizes: Sizes,
  { q, k, v, mask }: ReturnType<typeof inputs>,
  strides: Strides | undefined,
  y: Float32Array,
) {
  const { batch, heads, queries, keys, depth, v_depth } = sizes;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const at = (x: Float32Array, rows: number, row: number, size: number, d: number): number =>
          x[((b * rows + row) * heads + h) * size + d] as number;
        let slack = 0;
        const scores = Array.from({ length: keys }, (_, j) => {
          let [sum, magnitude] = [0, 0];
          for (let d = 0; d < depth; d++) {
            const product = at(q, queries, i, depth, d) * at(k, keys, j, depth, d);
            sum += product;
            magnitude += Math.abs(product);
          }
          const place = (strides ?? [0]).reduce(
            (all, stride, axis) => all + stride * ([b, h, i, j][axis] as number),
            0,
          );
          const score = sum * 0.25 + (mask?.[place] ?? 0);
          slack = Math.max(slack, (depth + 2) * U * magnitude * 0.25 + U * Math.abs(score));
          return score;
        });
        const shares = softmax(scores);
        const most = Math.max(...scores);
        const widest = Math.min(87, most - Math.min(...scores));
        for (let d = 0; d < v_depth; d++) {
          let [real, magnitude] = [0, 0];
          shares.forEach((share, j) => {
            const product = share * at(v, keys, j, v_depth, d);
            real += product;
            magnitude += Math.abs(product);
          });
          const bound = magnitude * (2 * slack + (2 * widest + keys / 16 + 16 + keys) * U) + 2 ** -120;
          const found = y[((b * queries + i) * heads + h) * v_depth + d] as number;
          expect(Math.abs(found - real), `[${b}, ${i}, ${h}, ${d}]`).toBeLessThanOrEqual(bound);
        }
      }
    }
  }
}

const CASES: readonly [Sizes, Strides | undefined][] = [
  [{ batch: 1, heads: 1, queries: 1, keys: 1, depth: 1, v_depth: 1 }, undefined],
  [{ batch: 2, heads: 3, queries: 5, keys: 7, depth: 4, v_depth: 3 }, [7, 0, 0, 1]],
  [{ batch: 1, heads: 2, queries: 33, keys: 17, depth: 32, v_depth: 16 }, [0, 33 * 17, 17, 1]],
  [{ batch: 1, heads: 2, queries: 40, keys: 64, depth: 24, v_depth: 40 }, [0, 0, 1, 0]],
  [{ batch: 1, heads: 1, queries: 65, keys: 33, depth: 8, v_depth: 17 }, [0, 0, 1, 65]],
];

test.for(CASES)('%o with the mask %o', ([sizes, strides]) => {
  coversSlots('gemm_f32', 'gemm_unfused_f32', 'softmax_f32');
  const buffers = inputs(sizes, strides, sizes.keys);
  const exact = runEverywhere(programOf(sizes, buffers, strides, 1), { floats: ['y'] });
  check(sizes, buffers, strides, floatsIn(exact.y));
  for (const target of targets()) {
    const { y } = runProgram(target, programOf(sizes, buffers, strides, 0));
    check(sizes, buffers, strides, floatsIn(y));
  }
});
