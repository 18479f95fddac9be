// unary_f32 on every target: the same bytes, and within derived bounds of the float64 oracle.

import { expect, test } from 'vitest';
import { FUNCTIONS } from '../oracle/functions.js';
import { AWKWARD_SIZES, coversSlots, floatsIn, randomFloats, runEverywhere, SHIFTS } from './harness.js';

const U = 2 ** -24;
const NAMES = [
  ...['exp', 'log', 'sqrt', 'reciprocal', 'negative', 'absolute', 'erf', 'gelu', 'gelu tanh', 'tanh', 'sigmoid'],
  ...['swish', 'hard sigmoid', 'hard swish', 'leaky relu', 'elu', 'softplus', 'softsign', 'floor', 'ceil', 'round'],
  ...['sign', 'mish', 'thresholded relu'],
];
const EXACT = new Set([
  'sqrt',
  'reciprocal',
  'negative',
  'absolute',
  'floor',
  'ceil',
  'round',
  'sign',
  'thresholded relu',
]);

function run(kind: number, x: Float32Array, alpha: number, beta: number, shifts?: readonly number[]): Float32Array {
  const { y } = runEverywhere(
    { buffers: { x, y: x.byteLength }, steps: [['unary_f32', { x: 'x', y: 'y', kind, n: x.length, alpha, beta }]] },
    { floats: ['y'], ...(shifts && { shifts }) },
  );
  return floatsIn(y);
}

/**
 * Bounds of |y - real|, u = 2^-24. exp, log, tanh and erf: their contract, 4u of the result. A quotient of 1 + e^t adds
 * three roundings to the 4u of the exponential, and the relative rounding of t moves e^t by |t| times as much. Gelu: the
 * rounding of 1 + erf and the slope of erf, which is below 1.2. Beyond that one unit of the smallest numbers.
 */
function boundOf(name: string, x: number, real: number, alpha: number, beta: number): number {
  const size = Math.abs(real) * U;
  const smallest = 2 ** -148;
  switch (name) {
    case 'exp':
    case 'log':
    case 'tanh':
    case 'erf':
      return 4 * size + smallest;
    case 'gelu':
      return 4 * U * Math.abs(x) + smallest;
    case 'gelu tanh': {
      const t = 1.6 * (Math.abs(x) + 0.0448 * Math.abs(x) ** 3);
      return (4 * t + 8) * size + 2 ** -120;
    }
    case 'sigmoid':
      return 8 * size + 2 ** -120;
    case 'swish':
      return (Math.abs(alpha * x) + 8) * size + 2 ** -120;
    case 'hard sigmoid':
      return 2 * U * (Math.abs(alpha * x) + Math.abs(beta));
    case 'hard swish':
      return Math.abs(x) * 2 * U * (Math.abs(x / 6) + 1);
    case 'elu':
      return x < 0 ? Math.abs(alpha) * U * (Math.abs(x / beta) * Math.exp(x / beta) + 7) : 0;
    case 'softplus':
      return 10 * size + smallest;
    case 'softsign':
      return 2 * size;
    case 'mish':
      return 16 * size + 2 ** -120;
    default:
      return size;
  }
}

/** A few parameters for each, and inputs from the smallest numbers to far beyond where the functions are flat. */
const PARAMETERS = [
  [0.2, 0.5],
  [1, 1],
  [1.75, 0.75],
] as const;

function inputs(n: number, seed: number): Float32Array<ArrayBuffer> {
  const wide = randomFloats(n, seed, 1);
  return wide.map((value, i) => Math.fround(value * [1e-30, 1e-3, 0.3, 1, 4, 30, 1e4][(i * 7 + seed) % 7]!));
}

test.for(NAMES.map((name, kind) => [name, kind] as const))('%s', ([name, kind]) => {
  coversSlots('unary_f32');
  let worst = 0;
  for (const n of [...AWKWARD_SIZES, 4000]) {
    const x = name === 'log' || name === 'sqrt' ? inputs(n, n).map(Math.abs) : inputs(n, n);
    const [alpha, beta] = PARAMETERS[n % 3] as (typeof PARAMETERS)[number];
    const [a, b] = [Math.fround(alpha), Math.fround(beta)];
    const y = run(kind, x, a, b, n < 40 ? SHIFTS : undefined);
    for (let i = 0; i < n; i++) {
      const real = (FUNCTIONS[kind] as (typeof FUNCTIONS)[number])(x[i] as number, a, b);
      if (EXACT.has(name) || Math.abs(real) > 3.4e38) {
        expect(y[i], `${name}(${x[i]})`).toBe(Math.fround(real));
        continue;
      }
      const bound = boundOf(name, x[i] as number, real, a, b);
      worst = Math.max(worst, Math.abs((y[i] as number) - real) / (bound + 1e-300));
      expect(Math.abs((y[i] as number) - real), `${name}(${x[i]}) is ${y[i]} for ${real}`).toBeLessThanOrEqual(bound);
    }
  }
  expect(worst).toBeLessThanOrEqual(1);
});

test('ends of the range', () => {
  const inf = Number.POSITIVE_INFINITY;
  const x = Float32Array.of(Number.NaN, inf, -inf, 0, -0, 1e-45, 3.4e38, -3.4e38);
  const at = (name: string): number[] => Array.from(run(NAMES.indexOf(name), x, 1, 1));
  for (const name of NAMES) expect(at(name)[0], name).toBeNaN();
  expect(at('exp').slice(1)).toEqual([inf, 0, 1, 1, 1, inf, 0]);
  expect(at('log').slice(1, 5)).toEqual([inf, Number.NaN, -inf, -inf]);
  expect(at('log')[5]).toBeCloseTo(Math.log(2 ** -149), 5);
  expect(at('tanh').slice(1)).toEqual([1, -1, 0, -0, Math.fround(1e-45), 1, -1]);
  expect(at('erf').slice(1, 5)).toEqual([1, -1, 0, -0]);
  expect(at('sigmoid').slice(1, 5)).toEqual([1, 0, 0.5, 0.5]);
  expect(at('softplus').slice(1, 3)).toEqual([inf, 0]);
  expect(at('round').slice(1)).toEqual([inf, -inf, 0, -0, 0, Math.fround(3.4e38), Math.fround(-3.4e38)]);
});
