// depthwise_i8 and depthwise_f32 on every target, against the oracle.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clamp, f32 } from '../oracle/arithmetic.js';
import { type ConvolutionShape, finish, windows } from '../oracle/product.js';
import {
  expectOutput,
  type Geometry,
  geometry,
  INFINITE,
  inputsOf,
  lowest,
  outputOf,
  POINTWISE,
  pixelsOf,
  shapeOf,
  X_SCALE,
} from './convolution-cases.js';
import { coversSlots, floatsIn, randomFloats, runEverywhere } from './harness.js';
import { codesOf, int32sOf } from './product-program.js';

/** Depthwise: [pixels, taps, channels] windows by weights [taps, channels], one sum per pixel and channel. */
function depthwise(
  s: ConvolutionShape,
  a: readonly number[],
  sum: (taps: readonly number[], channel: number) => number,
): number[] {
  const y: number[] = [];
  const taps = s.kh * s.kw;
  for (let p = 0; p < pixelsOf(s); p++) {
    for (let c = 0; c < s.c; c++) {
      y.push(
        sum(
          Array.from({ length: taps }, (_, t) => a[(p * taps + t) * s.c + c] as number),
          c,
        ),
      );
    }
  }
  return y;
}

const depthwiseGeometry = fc
  .tuple(geometry, fc.constantFrom(1, 3, 8, 15, 16, 17, 32, 40, 63, 64, 65, 96, 130))
  .map(([g, c]): Geometry => ({ ...g, channels: c, filters: c, groups: 1 }));

describe('depthwise_i8', () => {
  const check = (g: Geometry, xFormat: number, yFormat: number, seed: number) => {
    const shape = shapeOf(g);
    const taps = shape.kh * shape.kw;
    const x = codesOf(inputsOf(shape), xFormat, seed, seed % 7 === 0 ? 'highest' : 'random');
    const w = codesOf(taps * shape.c, 3, seed + 1, seed % 5 === 0 ? 'lowest' : 'random') as Int8Array<ArrayBuffer>;
    const zero = lowest(xFormat) + (seed % 256);
    const atRunTime = seed % 3 === 0;
    const offset = seed % 2 === 0 ? int32sOf(shape.c, seed + 3, -9999, 9999) : undefined;
    const out = outputOf(yFormat, shape.c, taps, seed);
    const rule = atRunTime ? { ...out.rule, rowScale: X_SCALE } : out.rule;
    const { y } = runEverywhere({
      buffers: {
        x,
        weights: w,
        xScale: X_SCALE,
        xZero: Int32Array.of(zero),
        ...(offset && { offset }),
        ...out.buffers,
        y: pixelsOf(shape) * shape.c * out.bytes,
      },
      steps: [
        [
          'depthwise_i8',
          {
            ...shape,
            x: 'x',
            x_scale: atRunTime ? 'xScale' : undefined,
            x_zero: atRunTime ? 'xZero' : undefined,
            weights: 'weights',
            offset: offset && 'offset',
            y: 'y',
            x_format: xFormat,
            x_zero_point: atRunTime ? lowest(xFormat) : zero,
            ...out.fields,
          },
        ],
      ],
    });
    const wanted = depthwise(shape, windows(shape, x, 1, 0, zero), (values, c) => {
      const acc = values.reduce((sum, v, t) => sum + (v - zero) * (w[t * shape.c + c] as number), offset?.[c] ?? 0);
      return finish(acc, 0, c, rule);
    });
    expectOutput(y, wanted, rule);
  };

  test('any geometry, format, zero point and output', () => {
    coversSlots('depthwise_u8i8_i32', 'depthwise_i8i8_i32');
    coversSlots('depthwise_u8i8_u8', 'depthwise_u8i8_i8', 'depthwise_i8i8_u8', 'depthwise_i8i8_i8');
    fc.assert(
      fc.property(depthwiseGeometry, fc.constantFrom(2, 3), fc.constantFrom(1, 2, 3, 6), fc.nat(1_000_000), check),
      { numRuns: 120 },
    );
  });

  test('3 x 3, any channels, stride and padding', () => {
    const threes = depthwiseGeometry.map(
      (g): Geometry => ({ ...g, w: g.w + 4, kernel: [3, 3], dilation: [g.dilation[0], 1] }),
    );
    fc.assert(fc.property(threes, fc.constantFrom(2, 3), fc.constantFrom(2, 3), fc.nat(1_000_000), check), {
      numRuns: 120,
    });
  });

  test('3 x 3 and 5 x 5 over more pixels than one block holds', () => {
    for (const format of [2, 3]) {
      check(
        { ...POINTWISE, h: 24, w: 25, channels: 96, filters: 96, kernel: [3, 3], pads: [1, 1, 1, 1] },
        format,
        format,
        10,
      );
      check(
        { ...POINTWISE, h: 12, w: 11, channels: 70, filters: 70, kernel: [5, 5], pads: [2, 2, 2, 2], stride: [2, 2] },
        format,
        6,
        11,
      );
    }
  });
});

describe('depthwise_f32', () => {
  const checkFloats = (g: Geometry, seed: number) => {
    const shape = shapeOf(g);
    const taps = shape.kh * shape.kw;
    const x = randomFloats(inputsOf(shape), seed, 2);
    const weights = randomFloats(taps * shape.c, seed + 1);
    const bias = seed % 2 === 0 ? randomFloats(shape.c, seed + 2) : undefined;
    const bounds = seed % 3 === 0 ? { lo: 0, hi: 6 } : INFINITE;
    const { y } = runEverywhere({
      buffers: { x, weights, ...(bias && { bias }), y: pixelsOf(shape) * shape.c * 4 },
      steps: [['depthwise_f32', { ...shape, x: 'x', weights: 'weights', bias: bias && 'bias', y: 'y', ...bounds }]],
    });
    const wanted = depthwise(shape, windows(shape, x, 1, 0, 0), (values, c) => {
      let sum = 0;
      for (const [t, v] of values.entries()) sum = f32(sum + f32(v * (weights[t * shape.c + c] as number)));
      return clamp(bias === undefined ? sum : f32(sum + (bias[c] as number)), bounds.lo, bounds.hi);
    });
    expect(floatsIn(y)).toEqual(Float32Array.from(wanted));
  };

  test('any geometry, the same bytes everywhere: taps in order, nothing fused', () => {
    coversSlots('depthwise_f32');
    fc.assert(fc.property(depthwiseGeometry, fc.nat(1_000_000), checkFloats), { numRuns: 80 });
  });

  test('3 and 5 columns, strides of 1 and 2, lines of any length', () => {
    const known = fc
      .tuple(
        depthwiseGeometry,
        fc.constantFrom(3, 5),
        fc.constantFrom(1, 2),
        fc.integer({ min: 1, max: 31 }),
        fc.nat(2),
      )
      .map(
        ([g, columns, stride, w, pad]): Geometry => ({
          ...{ ...g, w: Math.max(w, columns), dilation: [1, 1], stride: [stride, stride] },
          ...{ kernel: [3, columns], pads: [1, pad, 1, (pad + 1) % 3] },
        }),
      );
    fc.assert(fc.property(known, fc.nat(1_000_000), checkFloats), { numRuns: 120 });
  });

  test('3 x 3 and 5 x 5, several blocks of lines, windows beyond the image', () => {
    const square = { ...POINTWISE, kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
    checkFloats({ ...square, h: 61, w: 40, channels: 70, filters: 70 }, 1);
    checkFloats({ ...square, n: 2, h: 15, w: 17, channels: 33, filters: 33, stride: [2, 2] }, 2);
    checkFloats({ ...square, h: 12, w: 11, channels: 24, filters: 24, kernel: [5, 5], pads: [2, 2, 2, 2] }, 3);
    checkFloats({ ...square, h: 3, w: 2, channels: 17, filters: 17, kernel: [5, 5], pads: [6, 7, 6, 7] }, 4);
    checkFloats({ ...square, h: 9, w: 9, channels: 16, filters: 16, dilation: [2, 3], pads: [2, 3, 2, 3] }, 5);
  });
});
