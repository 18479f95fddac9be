// max_pool, average_pool_f32 and average_pool_i8 on every target, against the oracle.

import { describe, expect, test } from 'vitest';
import { averagePool, averagePoolCodes, maxPool, type PoolShape } from '../oracle/pool.js';
import { coversSlots, floatsIn, randomCodes, randomFloats, runEverywhere, targets } from './harness.js';

type Window = readonly [
  kernel: number,
  stride: number,
  pads: readonly [number, number, number, number],
  dilation: number,
];

/** Output sizes by ONNX's floor rule, or by its ceiling. */
function shapeOf(
  n: number,
  h: number,
  w: number,
  c: number,
  [kernel, stride, pads, dilation]: Window,
  ceil = false,
): PoolShape {
  const round = ceil ? Math.ceil : Math.floor;
  const size = (input: number, before: number, after: number) =>
    round((input + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
  const [pad_top, pad_left, pad_bottom, pad_right] = pads;
  return {
    n,
    h,
    w,
    c,
    oh: size(h, pad_top, pad_bottom),
    ow: size(w, pad_left, pad_right),
    kh: kernel,
    kw: kernel,
    stride_h: stride,
    stride_w: stride,
    pad_top,
    pad_left,
    pad_bottom,
    pad_right,
    dilation_h: dilation,
    dilation_w: dilation,
  };
}

const SHAPES: PoolShape[] = [
  ...[1, 3, 8, 16, 17, 31, 33, 64, 65, 130, 257].map((c) => shapeOf(1, 6, 5, c, [3, 2, [1, 1, 1, 1], 1])),
  shapeOf(2, 9, 7, 5, [2, 2, [0, 0, 0, 0], 1]),
  shapeOf(1, 9, 40, 12, [3, 1, [0, 0, 0, 0], 1]),
  shapeOf(1, 9, 9, 4, [3, 1, [1, 0, 2, 1], 2]),
  shapeOf(1, 7, 7, 20, [3, 2, [0, 0, 0, 0], 1], true),
  shapeOf(1, 8, 8, 6, [3, 2, [1, 1, 1, 1], 1], true),
  shapeOf(1, 5, 5, 9, [1, 2, [0, 0, 0, 0], 1]),
  shapeOf(1, 30, 30, 40, [5, 1, [2, 2, 2, 2], 1]),
  shapeOf(3, 7, 7, 70, [7, 1, [0, 0, 0, 0], 1]),
  shapeOf(1, 20, 20, 300, [20, 1, [0, 0, 0, 0], 1]),
];

const elements = (s: PoolShape) => s.n * s.h * s.w * s.c;
const results = (s: PoolShape) => s.n * s.oh * s.ow * s.c;

function maxFields({ pad_bottom, pad_right, ...rest }: PoolShape, format: number) {
  return { ...rest, format };
}

const SPECIAL = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

test('max_pool of floats agrees with the oracle, NaN included', () => {
  coversSlots('max_pool_f32');
  for (const [seed, s] of SHAPES.entries()) {
    const x = randomFloats(elements(s), seed, 3, seed % 2 ? SPECIAL : []);
    const { y } = runEverywhere(
      { buffers: { x, y: 4 * results(s) }, steps: [['max_pool', { x: 'x', y: 'y', ...maxFields(s, 1) }]] },
      { floats: ['y'] },
    );
    expect(floatsIn(y), JSON.stringify(s)).toEqual(Float32Array.from(maxPool(x, s)));
  }
});

describe.each([
  { name: 'u8', format: 2, signed: false },
  { name: 'i8', format: 3, signed: true },
])('codes $name', ({ format, signed }) => {
  const codesOf = (bytes: Uint8Array | undefined, asSigned = signed) => {
    const own = (bytes as Uint8Array).slice();
    return Array.from(asSigned ? new Int8Array(own.buffer) : own);
  };

  test('max_pool agrees with the oracle', () => {
    coversSlots('max_pool_u8', 'max_pool_i8');
    for (const [seed, s] of SHAPES.entries()) {
      const x = randomCodes(elements(s), seed, signed);
      const { y } = runEverywhere({
        buffers: { x, y: results(s) },
        steps: [['max_pool', { x: 'x', y: 'y', ...maxFields(s, format) }]],
      });
      expect(codesOf(y), JSON.stringify(s)).toEqual(maxPool(x, s));
    }
  });

  test.each([0, 1])('average_pool_i8 agrees with the oracle, count_include_pad %d', (count_include_pad) => {
    coversSlots('sum_u8_i32', 'sum_i8_i32', 'requantize_i32_u8', 'requantize_i32_i8');
    for (const [seed, s] of SHAPES.entries()) {
      const toSigned = seed % 3 === 0 ? !signed : signed;
      const q = {
        xScale: Math.fround(0.02),
        xZero: seed % 2 ? 7 : signed ? -128 : 255,
        yScale: Math.fround(seed % 4 === 0 ? 0.02 : 0.013),
        yZero: toSigned ? -5 : 11,
        qmin: toSigned ? -128 : 0,
        qmax: toSigned ? 127 : 255,
      };
      const x = randomCodes(elements(s), seed, signed);
      const { y } = runEverywhere({
        buffers: { x, y: results(s) },
        steps: [
          [
            'average_pool_i8',
            {
              x: 'x',
              y: 'y',
              ...s,
              count_include_pad,
              x_format: format,
              x_zero_point: q.xZero,
              x_scale: q.xScale,
              y_format: toSigned ? 3 : 2,
              y_zero_point: q.yZero,
              y_scale: q.yScale,
            },
          ],
        ],
      });
      expect(codesOf(y, toSigned), JSON.stringify(s)).toEqual(averagePoolCodes(x, s, count_include_pad === 1, q));
    }
  });
});

test.each([0, 1])('average_pool_f32 agrees with the oracle, count_include_pad %d', (count_include_pad) => {
  coversSlots('average_pool_f32');
  for (const [seed, s] of SHAPES.entries()) {
    const x = randomFloats(elements(s), seed, 3, seed % 2 ? [Number.NaN, Number.POSITIVE_INFINITY] : []);
    const { y } = runEverywhere(
      { buffers: { x, y: 4 * results(s) }, steps: [['average_pool_f32', { x: 'x', y: 'y', ...s, count_include_pad }]] },
      { floats: ['y'] },
    );
    expect(floatsIn(y), JSON.stringify(s)).toEqual(Float32Array.from(averagePool(x, s, count_include_pad === 1)));
  }
});

test('a window that sees no input is refused when the plan is loaded', () => {
  const outside = { ...shapeOf(1, 4, 4, 2, [2, 1, [0, 0, 0, 0], 1]), pad_top: 2 };
  for (const s of [outside, { ...shapeOf(1, 4, 4, 2, [2, 1, [0, 0, 0, 0], 1]), ow: 5 }]) {
    expect(() =>
      runEverywhere({
        buffers: { x: new Float32Array(elements(s)), y: 4 * results(s) },
        steps: [['max_pool', { x: 'x', y: 'y', ...maxFields(s, 1) }]],
      }),
    ).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }));
  }
  expect(targets().length).toBeGreaterThan(0);
});
