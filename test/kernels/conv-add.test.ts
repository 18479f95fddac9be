// conv_add_i8: the same bytes as the convolution and the addition of codes behind it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Geometry, geometry, inputsOf, lowest, POINTWISE, pixelsOf, shapeOf } from './convolution-cases.js';
import { coversSlots, type Program, runEverywhere, runProgram, type Step, targets } from './harness.js';
import { codesOf, int32sOf, multipliersOf, packedI8Bytes, packFields } from './product-program.js';

const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

interface Formats {
  readonly x: number;
  readonly y: number;
  readonly added: number;
  readonly sum: number;
}

/** What a program says of the sum, with its bounds; a seed decides. */
function sumFields({ added, sum }: Formats, seed: number): Record<string, number> {
  return {
    ...{ added_format: added, added_zero: lowest(added) + ((seed * 7) % 256) },
    ...{ ratio: [0.7, 1.9, 0.003, 40][seed % 4] as number, added_ratio: [1.1, 0.25, 3][seed % 3] as number },
    ...{ sum_format: sum, sum_zero: lowest(sum) + ((seed * 11) % 256) },
    ...{ sum_lo: lowest(sum) + (seed % 3) * 9, sum_hi: lowest(sum) + 255 - (seed % 2) * 21 },
  };
}

function programOf(g: Geometry, formats: Formats, wZeros: boolean, seed: number, stretch: number): Program {
  const shape = shapeOf(g);
  const oc = g.filters * g.groups;
  const k = shape.kh * shape.kw * g.channels;
  const n = pixelsOf(shape) * oc;
  const low = lowest(formats.y);
  const codes = {
    ...{
      y_format: formats.y,
      y_zero_point: low + (seed % 256),
      qlo: low + (seed % 2) * 12,
      qhi: low + 255 - (seed % 3),
    },
  };
  const conv = {
    ...shape,
    ...{ x: 'x', x_scale: undefined, x_zero: undefined, packed: 'packed', w_zero: wZeros ? 'wZero' : undefined },
    ...{ offset: 'offset', multiplier: 'multiplier', bias: undefined, oc, groups: g.groups, y_stride: oc },
    ...{
      multiplier_step: 1,
      x_format: formats.x,
      x_zero_point: lowest(formats.x) + (seed % 200),
      ...codes,
      ...INFINITE,
    },
    w: shape.w,
  };
  const sum = sumFields(formats, seed);
  const flat = { d0: 1, d1: 1, d2: 1, d3: n, a0: 0, a1: 0, a2: 0, a3: 1, b0: 0, b1: 0, b2: 0, b3: 1 };
  const steps: Step[] = [
    ['pack_i8', { w: 'w', packed: 'packed', ...packFields(g.groups, k, g.filters), group_size: 0, format: 3 }],
    ['conv_add_i8', { ...conv, y: 'y', added: 'added', ...sum }],
    ['conv_i8', { ...conv, y: 'term' }],
    [
      'binary_i8',
      {
        ...{ a: 'term', b: 'added', y: 'apart', kind: 0, ...flat, a_format: formats.y, b_format: formats.added },
        ...{ y_format: formats.sum, a_zero: codes.y_zero_point, b_zero: sum.added_zero as number },
        ...{ y_zero: sum.sum_zero as number, a_ratio: sum.ratio as number, b_ratio: sum.added_ratio as number },
        ...{ qlo: sum.sum_lo as number, qhi: sum.sum_hi as number },
      },
    ],
  ];
  return {
    buffers: {
      x: codesOf(inputsOf(shape), formats.x, seed, 'random'),
      w: codesOf(g.groups * k * g.filters, 3, seed + 1, 'random'),
      offset: int32sOf(oc, seed + 2, -9999, 9999),
      multiplier: multipliersOf(oc, seed + 3, k).map((one) => one * stretch),
      added: codesOf(n, formats.added, seed + 4, 'random'),
      ...(wZeros && { wZero: int32sOf(oc, seed + 5, -9, 9) }),
      ...{ packed: g.groups * packedI8Bytes(k, g.filters), y: n, term: n, apart: n },
    },
    steps,
  };
}

function check(g: Geometry, formats: Formats, wZeros = false, seed = 1, stretch = 1): void {
  const { y, apart } = runEverywhere(programOf(g, formats, wZeros, seed, stretch));
  expect(y).toEqual(apart);
}

const format = fc.constantFrom(2, 3);
const formats = fc.record({ x: format, y: format, added: format, sum: format });

describe('conv_add_i8', () => {
  test('any geometry and formats, zero points of the weights, multipliers of 1 and more', () => {
    coversSlots('gemm_add_u8i8_u8', 'gemm_add_u8i8_i8', 'gemm_add_i8i8_u8', 'gemm_add_i8i8_i8');
    fc.assert(fc.property(geometry, formats, fc.boolean(), fc.nat(1_000_000), fc.constantFrom(1, 1, 100), check), {
      numRuns: 120,
    });
  });

  test('pointwise, every number of panels, whole and not, few rows and many', () => {
    for (const [seed, filters] of [1, 16, 24, 33, 48, 64, 75, 112, 130].entries()) {
      const code = 2 + (seed % 2);
      const all = { x: code, y: 2 + ((seed >> 1) % 2), added: 5 - code, sum: code };
      check({ ...POINTWISE, h: 9, w: 7 + seed, channels: 20 + seed, filters }, all, false, seed);
      check({ ...POINTWISE, h: 1, w: 1 + seed, channels: 64, filters }, all, false, seed + 50);
      check({ ...POINTWISE, h: 11, w: 10, channels: 16, filters }, all, false, seed + 90);
    }
  });

  test('windows of several lines and blocks', () => {
    const strip = { ...POINTWISE, n: 2, channels: 8, filters: 40, kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
    check({ ...strip, h: 30, w: 29 }, { x: 2, y: 3, added: 3, sum: 2 }, false, 10);
    check({ ...strip, h: 15, w: 17, stride: [2, 2], filters: 130 }, { x: 3, y: 2, added: 2, sum: 3 }, false, 11);
    check({ ...strip, h: 5, w: 5, channels: 6, groups: 2 }, { x: 2, y: 2, added: 2, sum: 2 }, false, 12);
  });

  test('what it cannot do is refused when the plan is loaded', () => {
    const [target] = targets();
    if (target === undefined) throw new Error('there is no target');
    const right = programOf(POINTWISE, { x: 2, y: 2, added: 2, sum: 2 }, false, 1, 1);
    const [pack, [op, fields]] = right.steps as [Step, Step];
    const wrong = [
      { y_format: 1 },
      { added_format: 6 },
      { sum_format: 1 },
      { ratio: Number.POSITIVE_INFINITY },
      { added_ratio: Number.NaN },
      { sum_lo: 9, sum_hi: 8 },
      { added_zero: 256 },
      { y_stride: (fields.oc as number) + 1 },
    ];
    for (const change of wrong) {
      const program = { ...right, steps: [pack, [op, { ...fields, ...change }] as Step] };
      expect(() => runProgram(target, program), JSON.stringify(change)).toThrow(/conv_add_i8|out of its range/);
    }
  });
});
