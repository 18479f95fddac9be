// conv_i8 and conv_f32 on every target, against the oracle.

import fc from 'fast-check';
import { describe, test } from 'vitest';
import { clamp } from '../oracle/arithmetic.js';
import { floatProduct, product, windows } from '../oracle/product.js';
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
  ruleOf,
  shapeOf,
  X_SCALE,
} from './convolution-cases.js';
import { coversSlots, type Program, randomFloats, runEverywhere } from './harness.js';
import { codesOf, expectWithin, int32sOf, packedF32Bytes, packedI8Bytes, packFields } from './product-program.js';

/** Puts the products of the groups side by side, and zeros behind each pixel: [pixels, groups * filters + gap]. */
function interleave(parts: readonly (readonly number[])[], pixels: number, filters: number, gap = 0): number[] {
  const y: number[] = [];
  for (let p = 0; p < pixels; p++) {
    for (const part of parts) y.push(...part.slice(p * filters, (p + 1) * filters));
    for (let i = 0; i < gap; i++) y.push(0);
  }
  return y;
}

/** The step that fills y with zeros. */
function clear(bytes: number): Program['steps'][number] {
  const row = { rows: 1, row_bytes: bytes, x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 };
  return ['copy_rows', { x: 'zeros', y: 'y', ...row }];
}

function checkInteger(
  g: Geometry,
  xFormat: number,
  wFormat: number,
  yFormat: number,
  wZeros: boolean,
  seed: number,
): void {
  const shape = shapeOf(g);
  const oc = g.filters * g.groups;
  const k = shape.kh * shape.kw * g.channels;
  const x = codesOf(inputsOf(shape), xFormat, seed, 'random');
  const w = codesOf(g.groups * k * g.filters, wFormat, seed + 1, seed % 5 === 0 ? 'lowest' : 'random'); // [groups, k, filters]
  const zero = lowest(xFormat) + (seed % 256);
  const gap = seed % 4 === 1 ? 5 : 0; // elements behind the channels of a pixel of y
  const atRunTime = seed % 3 === 0; // the zero point and scale come in buffers, as for inputs that are quantized at run time
  const wZero = wZeros ? int32sOf(oc, seed + 2, lowest(wFormat), lowest(wFormat) + 255) : undefined;
  const offset = seed % 2 === 0 ? int32sOf(oc, seed + 3, -9999, 9999) : undefined;
  const out = outputOf(yFormat, oc, k, seed);
  const rule = atRunTime ? { ...out.rule, rowScale: X_SCALE } : out.rule;
  const { y } = runEverywhere({
    buffers: {
      x,
      w,
      ...(wZero && { wZero }),
      ...(offset && { offset }),
      xScale: X_SCALE,
      xZero: Int32Array.of(zero),
      ...out.buffers,
      packed: g.groups * packedI8Bytes(k, g.filters),
      zeros: new Uint8Array(pixelsOf(shape) * (oc + gap) * out.bytes),
      y: pixelsOf(shape) * (oc + gap) * out.bytes,
    },
    steps: [
      ...(gap === 0 ? [] : [clear(pixelsOf(shape) * (oc + gap) * out.bytes)]),
      ['pack_i8', { w: 'w', packed: 'packed', ...packFields(g.groups, k, g.filters), group_size: 0, format: wFormat }],
      [
        'conv_i8',
        {
          ...shape,
          x: 'x',
          x_scale: atRunTime ? 'xScale' : undefined,
          x_zero: atRunTime ? 'xZero' : undefined,
          packed: 'packed',
          w_zero: wZero && 'wZero',
          offset: offset && 'offset',
          y: 'y',
          oc,
          groups: g.groups,
          y_stride: oc + gap,
          x_format: xFormat,
          x_zero_point: atRunTime ? lowest(xFormat) : zero,
          ...out.fields,
          w: shape.w,
        },
      ],
    ],
  });
  const parts = Array.from({ length: g.groups }, (_, group) => {
    const slice = (values: ArrayLike<number> | undefined) =>
      values && Array.from(values).slice(group * g.filters, (group + 1) * g.filters);
    const a = windows(shape, x, g.groups, group, zero);
    const weights = Array.from(w).slice(group * k * g.filters, (group + 1) * k * g.filters);
    return product(
      { m: pixelsOf(shape), k, n: g.filters, a, w: weights, aZero: [zero], wZero: slice(wZero), offset: slice(offset) },
      ruleOf(rule, group, g.filters),
    );
  });
  expectOutput(y, interleave(parts, pixelsOf(shape), g.filters, gap), rule);
}

describe('conv_i8', () => {
  test('any geometry, format, zero point and output', () => {
    coversSlots('gemm_u8i8_i32', 'gemm_i8i8_i32');
    const format = fc.constantFrom(2, 3);
    fc.assert(
      fc.property(geometry, format, format, fc.constantFrom(1, 2, 3, 6), fc.boolean(), fc.nat(1_000_000), checkInteger),
      { numRuns: 150 },
    );
  });

  test('pointwise, strided pointwise, grouped pointwise, and a first layer of three channels', () => {
    for (const format of [2, 3]) {
      checkInteger(POINTWISE, format, 3, format, false, 3);
      checkInteger({ ...POINTWISE, stride: [2, 2] }, format, 3, format, false, 4);
      checkInteger({ ...POINTWISE, groups: 2 }, format, 3, 1, false, 6);
      checkInteger(
        { ...POINTWISE, h: 33, w: 31, channels: 3, filters: 32, kernel: [3, 3], stride: [2, 2], pads: [0, 0, 1, 1] },
        format,
        3,
        2,
        false,
        7,
      );
      const widened = { ...POINTWISE, h: 9, w: 81, channels: 3, kernel: [3, 4], stride: [2, 2] } as const;
      checkInteger({ ...widened, filters: 40, pads: [0, 0, 1, 2] }, format, 3, format, false, 8);
      checkInteger({ ...widened, filters: 21, pads: [1, 1, 1, 2] }, format, 3, 5 - format, false, 9);
    }
  });

  test('strips: padded and unpadded, several lines and blocks, strides, tall dilations, one image after the other', () => {
    const strip = { ...POINTWISE, n: 2, channels: 8, filters: 40, kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
    for (const format of [2, 3]) {
      checkInteger({ ...strip, h: 30, w: 29 }, format, 3, 2, false, 10);
      checkInteger({ ...strip, h: 14, w: 13, pads: [0, 0, 0, 0] }, format, 3, 3, false, 11);
      checkInteger({ ...strip, h: 15, w: 17, stride: [2, 2], filters: 130 }, format, 3, 1, false, 12);
      checkInteger({ ...strip, h: 20, w: 9, dilation: [3, 1], pads: [3, 1, 3, 1] }, format, 3, 6, false, 13);
      checkInteger(
        { ...strip, h: 3, w: 120, channels: 4, kernel: [2, 5], pads: [1, 4, 0, 3] },
        format,
        3,
        2,
        false,
        14,
      );
    }
  });

  test('more rows and columns than one block holds', () => {
    checkInteger({ ...POINTWISE, h: 30, w: 31, channels: 20, filters: 24 }, 2, 3, 2, false, 8);
    checkInteger(
      { ...POINTWISE, h: 5, w: 5, channels: 260, filters: 150, kernel: [3, 3], pads: [1, 1, 1, 1] },
      2,
      3,
      3,
      false,
      9,
    );
  });
});

describe('conv_f32', () => {
  const check = (g: Geometry, seed: number) => {
    const shape = shapeOf(g);
    const oc = g.filters * g.groups;
    const k = shape.kh * shape.kw * g.channels;
    const x = randomFloats(inputsOf(shape), seed, 2);
    const w = randomFloats(g.groups * k * g.filters, seed + 1);
    const bias = seed % 2 === 0 ? randomFloats(oc, seed + 2) : undefined;
    const bounds = seed % 3 === 0 ? { lo: -1, hi: 2 } : INFINITE;
    // Columns of zeros between the rows, which stay what they are.
    const gap = seed % 5;
    const rowsWithGap = pixelsOf(shape) * (oc + gap);
    const program: Program = {
      buffers: {
        x,
        w,
        ...(bias && { bias }),
        packed: g.groups * packedF32Bytes(k, g.filters),
        zeros: new Uint8Array(rowsWithGap * 4),
        y: rowsWithGap * 4,
      },
      steps: [
        ...(gap === 0 ? [] : [clear(rowsWithGap * 4)]),
        ['pack_f32', { w: 'w', packed: 'packed', ...packFields(g.groups, k, g.filters) }],
        [
          'conv_f32',
          {
            ...shape,
            x: 'x',
            packed: 'packed',
            bias: bias && 'bias',
            y: 'y',
            oc,
            groups: g.groups,
            y_stride: oc + gap,
            exact: 0,
            ...bounds,
          },
        ],
      ],
    };
    const parts = Array.from({ length: g.groups }, (_, group) => {
      const a = windows(shape, x, g.groups, group, 0);
      const weights = w.slice(group * k * g.filters, (group + 1) * k * g.filters);
      const some = bias?.slice(group * g.filters, (group + 1) * g.filters);
      return floatProduct({ m: pixelsOf(shape), k, n: g.filters, a, w: weights }, some);
    });
    const all = (name: 'value' | 'magnitude') =>
      interleave(
        parts.map((part) => part[name]),
        pixelsOf(shape),
        g.filters,
        gap,
      );
    // A clamp never widens a difference.
    expectWithin(
      program,
      { value: all('value').map((v) => clamp(v, bounds.lo, bounds.hi)), magnitude: all('magnitude') },
      k + 1,
    );
  };

  test('any geometry, within the bound of its sums', () => {
    coversSlots('gemm_f32');
    fc.assert(fc.property(geometry, fc.nat(1_000_000), check), { numRuns: 80 });
  });

  test('pointwise, and more rows than one block holds', () => {
    check(POINTWISE, 1);
    check({ ...POINTWISE, h: 20, w: 21, channels: 30, filters: 36, kernel: [3, 3], pads: [1, 1, 1, 1] }, 2);
  });

  test('strips: cut between and within kernel rows, padded and not, strides, tall dilations, many output channels', () => {
    const strip = { ...POINTWISE, n: 2, channels: 8, filters: 20, kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
    check({ ...strip, channels: 60, h: 9, w: 7, filters: 40 }, 3);
    check({ ...strip, n: 1, channels: 150, h: 7, w: 5, filters: 270 }, 4);
    check({ ...strip, h: 14, w: 13, pads: [0, 0, 0, 0] }, 5);
    check({ ...strip, h: 15, w: 17, stride: [2, 2], filters: 130 }, 6);
    check({ ...strip, h: 20, w: 9, dilation: [3, 1], pads: [3, 1, 3, 1] }, 7);
    check({ ...strip, n: 1, h: 70, w: 67, channels: 12, filters: 9 }, 8);
    check({ ...strip, channels: 3, h: 21, w: 23, kernel: [7, 7], stride: [2, 2], pads: [3, 3, 3, 3], filters: 33 }, 9);
    check({ ...POINTWISE, h: 21, w: 20, stride: [2, 2] }, 10);
  });
});
