// gemm_i8 with a residual, an activation and bounds: the same bytes as the product and the three operations behind it.

import { describe, expect, test } from 'vitest';
import { type Program, randomFloats, runEverywhere, runProgram, type Step, targets } from './harness.js';
import { codesOf, packedI8Bytes, packFields } from './product-program.js';

const INFINITY = Number.POSITIVE_INFINITY;

interface Case {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly groupSize: number;
  /** A kind of unary_f32, -1 for none. */
  readonly activation: number;
  readonly residual: boolean;
  readonly bounds: { readonly lo: number; readonly hi: number };
  readonly wZero: boolean;
  /** One scale for all rows, as of activations that are quantized at run time. */
  readonly oneScale?: boolean;
}

const SIMPLE: Case = {
  m: 5,
  k: 33,
  n: 37,
  groupSize: 0,
  activation: -1,
  residual: true,
  bounds: { lo: -INFINITY, hi: INFINITY },
  wZero: false,
};

function check(c: Case): void {
  const { m, k, n } = c;
  const groups = c.groupSize === 0 ? 1 : Math.ceil(k / c.groupSize);
  const [alpha, beta] = [1.5, 0.25];
  const product = (y: string, tail: Record<string, number | string | undefined>): Step => [
    'gemm_i8',
    {
      ...{ a: 'a', a_scale: 'scale', a_zero: undefined, packed: 'packed', w_zero: c.wZero ? 'wZero' : undefined },
      ...{ offset: undefined, multiplier: 'multiplier', bias: 'bias', y, batch: 1, b_batched: 0, m, k, n },
      ...{
        a_step: c.oneScale === true ? 0 : 1,
        multiplier_step: 1,
        a_format: 2,
        y_format: 1,
        y_zero_point: 0,
        qlo: 0,
        qhi: 0,
        ...tail,
      },
    },
  ];
  const none = { residual: undefined, activation: -1, alpha: 0, beta: 0, lo: -INFINITY, hi: INFINITY };
  const steps: Step[] = [
    ['pack_i8', { w: 'w', packed: 'packed', ...packFields(1, k, n), group_size: c.groupSize, format: 3 }],
    product('y', {
      ...{ residual: c.residual ? 'residual' : undefined, activation: c.activation, alpha, beta, ...c.bounds },
    }),
    product('apart', none),
  ];
  if (c.residual) {
    const shape = { d0: 1, d1: 1, d2: 1, d3: m * n, a0: 0, a1: 0, a2: 0, a3: 1, b0: 0, b1: 0, b2: 0, b3: 1 };
    steps.push([
      'binary_f32',
      { a: 'apart', b: 'residual', y: 'apart', kind: 0, ...shape, lo: -INFINITY, hi: INFINITY },
    ]);
  }
  if (c.activation >= 0) {
    steps.push(['unary_f32', { x: 'apart', y: 'apart', kind: c.activation, n: m * n, alpha, beta }]);
  }
  steps.push(['clamp_f32', { x: 'apart', y: 'apart', n: m * n, ...c.bounds }]);
  const special = [Number.NaN, INFINITY, -INFINITY, -0, 1e-40];
  const { y, apart } = runEverywhere(
    {
      buffers: {
        a: codesOf(m * k, 2, 1, 'random'),
        w: codesOf(k * n, 3, 2, 'random'),
        ...{ scale: randomFloats(m, 3, 0.02), multiplier: randomFloats(groups * n, 4, 0.01), bias: randomFloats(n, 5) },
        ...(c.wZero && { wZero: new Int32Array(groups * n).fill(9) }),
        ...(c.residual && { residual: randomFloats(m * n, 6, 3, special) }),
        ...{ packed: packedI8Bytes(k, n, c.groupSize === 0 ? k : c.groupSize), y: 4 * m * n, apart: 4 * m * n },
      },
      steps,
    },
    { floats: ['y', 'apart'] },
  );
  expect(y).toEqual(apart);
}

describe('gemm_i8', () => {
  test.each([-1, 7, 8, 10, 11, 9])('activation %i', (activation) => {
    check({ ...SIMPLE, activation, residual: false });
    check({ ...SIMPLE, activation, bounds: { lo: -0.1, hi: 2 } });
  });

  test('more rows than a block finishes at a time, many columns, groups, zero points', () => {
    check({ ...SIMPLE, m: 130, n: 18, activation: 7 });
    check({ ...SIMPLE, m: 1, n: 300, activation: 11 });
    check({ ...SIMPLE, m: 60, n: 150, activation: 7, bounds: { lo: 0, hi: 6 } });
    check({ ...SIMPLE, groupSize: 8, activation: 7 });
    check({ ...SIMPLE, m: 50, wZero: true, activation: 8 });
    check({ ...SIMPLE, m: 130, k: 20, n: 150, oneScale: true, activation: 7 });
    check({ ...SIMPLE, m: 29, n: 115, oneScale: true, residual: false, activation: 11, bounds: { lo: -1, hi: 0.5 } });
    check({ ...SIMPLE, m: 100, n: 64, oneScale: true, bounds: { lo: -1, hi: 0.5 } });
  });

  test('codes and sums have neither', () => {
    const fields = {
      ...{ a: 'a', a_scale: undefined, a_zero: undefined, packed: 'packed', w_zero: undefined, offset: undefined },
      ...{ multiplier: 'multiplier', bias: undefined, y: 'y', batch: 1, b_batched: 0, m: 1, k: 4, n: 4, a_step: 0 },
      ...{ multiplier_step: 0, a_format: 2, y_zero_point: 0, qlo: 0, qhi: 255, lo: -INFINITY, hi: INFINITY },
      ...{ alpha: 0, beta: 0 },
    };
    const program = (extra: Record<string, number | string | undefined>): Program => ({
      buffers: {
        ...{
          a: new Uint8Array(4),
          w: new Int8Array(16),
          multiplier: Float32Array.of(0.5),
          residual: new Float32Array(4),
        },
        ...{ packed: packedI8Bytes(4, 4), y: 16 },
      },
      steps: [
        ['pack_i8', { w: 'w', packed: 'packed', ...packFields(1, 4, 4), group_size: 0, format: 3 }],
        ['gemm_i8', { ...fields, ...extra }],
      ],
    });
    const [target] = targets();
    if (target === undefined) throw new Error('there is no target');
    for (const y_format of [2, 3, 6]) {
      const none = { y_format, ...(y_format === 3 ? { qlo: -128, qhi: 127 } : {}) };
      runProgram(target, program({ ...none, residual: undefined, activation: -1 }));
      expect(() => runProgram(target, program({ ...none, residual: 'residual', activation: -1 }))).toThrow();
      expect(() => runProgram(target, program({ ...none, residual: undefined, activation: 7 }))).toThrow();
    }
    const unknown = { y_format: 1, residual: undefined, activation: 99 };
    expect(() => runProgram(target, program(unknown))).toThrow();
  });
});
