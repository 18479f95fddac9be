// conv_i8, conv_f32, depthwise_i8 and depthwise_f32 on every target, against the oracle.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clamp, f32 } from '../oracle/arithmetic.js';
import { type ConvolutionShape, finish, floatProduct, type OutputRule, product, windows } from '../oracle/product.js';
import { coversSlots, floatsIn, int32sIn, type Program, randomFloats, runEverywhere } from './harness.js';
import {
  codesOf,
  expectWithin,
  int32sOf,
  multipliersOf,
  packedF32Bytes,
  packedI8Bytes,
  packFields,
} from './product-program.js';

const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

interface Geometry {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly channels: number; // of a group
  readonly filters: number; // of a group
  readonly groups: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pads: readonly [top: number, left: number, bottom: number, right: number];
  readonly dilation: readonly [number, number];
}

const geometry = fc.record({
  n: fc.integer({ min: 1, max: 2 }),
  h: fc.integer({ min: 1, max: 9 }),
  w: fc.integer({ min: 1, max: 9 }),
  channels: fc.integer({ min: 1, max: 12 }),
  filters: fc.integer({ min: 1, max: 20 }),
  groups: fc.constantFrom(1, 1, 1, 2, 3),
  kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pads: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
  dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
});

/** ONNX's output size; at least 1, which leaves the windows of a too small image in its padding. */
function shapeOf(g: Geometry): ConvolutionShape {
  const size = (input: number, pads: number, kernel: number, stride: number, dilation: number) =>
    Math.max(1, Math.floor((input + pads - dilation * (kernel - 1) - 1) / stride) + 1);
  const [pad_top, pad_left, pad_bottom, pad_right] = g.pads;
  return {
    n: g.n,
    h: g.h,
    w: g.w,
    c: g.channels * g.groups,
    oh: size(g.h, pad_top + pad_bottom, g.kernel[0], g.stride[0], g.dilation[0]),
    ow: size(g.w, pad_left + pad_right, g.kernel[1], g.stride[1], g.dilation[1]),
    kh: g.kernel[0],
    kw: g.kernel[1],
    stride_h: g.stride[0],
    stride_w: g.stride[1],
    pad_top,
    pad_left,
    dilation_h: g.dilation[0],
    dilation_w: g.dilation[1],
  };
}

const X_SCALE = Float32Array.of(0.0137);

const pixelsOf = (s: ConvolutionShape) => s.n * s.oh * s.ow;
const inputsOf = (s: ConvolutionShape) => s.n * s.h * s.w * s.c;
const lowest = (format: number) => (format === 3 ? -128 : 0);

/** The output side of an integer convolution, by seed: fields of the instruction and the oracle's rule. */
function outputOf(yFormat: number, oc: number, k: number, seed: number) {
  const codes = yFormat === 2 || yFormat === 3;
  const perChannel = seed % 3 !== 0;
  const multiplier = yFormat === 6 ? undefined : multipliersOf(perChannel ? oc : 1, seed + 5, k);
  const bias = yFormat === 1 && seed % 2 === 0 ? randomFloats(oc, seed + 6) : undefined;
  const zeroPoint = codes ? lowest(yFormat) + (seed % 256) : 0;
  const qlo = codes ? lowest(yFormat) + (seed % 5) : 0;
  const qhi = codes ? lowest(yFormat) + 255 - (seed % 7) : 0;
  const bounds = seed % 4 === 0 ? { lo: 0, hi: 2 } : INFINITE;
  const rule: OutputRule = {
    output: codes ? 'codes' : yFormat === 6 ? 'i32' : 'floats',
    multiplier,
    zeroPoint,
    qlo,
    qhi,
    bias,
    ...bounds,
  };
  const fields = {
    multiplier: multiplier && 'multiplier',
    bias: bias && 'bias',
    multiplier_step: perChannel ? 1 : 0,
    y_format: yFormat,
    y_zero_point: zeroPoint,
    qlo,
    qhi,
    ...bounds,
  };
  return { rule, fields, buffers: { ...(multiplier && { multiplier }), ...(bias && { bias }) }, bytes: codes ? 1 : 4 };
}

function expectOutput(y: Uint8Array | undefined, wanted: readonly number[], rule: OutputRule): void {
  if (rule.output === 'floats') expect(floatsIn(y)).toEqual(Float32Array.from(wanted));
  else if (rule.output === 'i32') expect(int32sIn(y)).toEqual(Int32Array.from(wanted));
  else expect(y).toEqual(Uint8Array.from(wanted));
}

/** The rule for the channels of one group. */
function ruleOf(rule: OutputRule, group: number, filters: number): OutputRule {
  const part = (values: ArrayLike<number> | undefined) =>
    values === undefined || values.length === 1
      ? values
      : Array.from(values).slice(group * filters, (group + 1) * filters);
  return {
    ...rule,
    multiplier: part(rule.multiplier),
    bias: rule.bias && Array.from(rule.bias).slice(group * filters, (group + 1) * filters),
  };
}

/** Puts the products of the groups side by side: [pixels, groups * filters]. */
function interleave(parts: readonly (readonly number[])[], pixels: number, filters: number): number[] {
  const y: number[] = [];
  for (let p = 0; p < pixels; p++) for (const part of parts) y.push(...part.slice(p * filters, (p + 1) * filters));
  return y;
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
      y: pixelsOf(shape) * oc * out.bytes,
    },
    steps: [
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
  expectOutput(y, interleave(parts, pixelsOf(shape), g.filters), rule);
}

const POINTWISE: Geometry = {
  n: 1,
  h: 7,
  w: 7,
  channels: 40,
  filters: 50,
  groups: 1,
  kernel: [1, 1],
  stride: [1, 1],
  pads: [0, 0, 0, 0],
  dilation: [1, 1],
};

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
    const program: Program = {
      buffers: {
        x,
        w,
        ...(bias && { bias }),
        packed: g.groups * packedF32Bytes(k, g.filters),
        y: pixelsOf(shape) * oc * 4,
      },
      steps: [
        ['pack_f32', { w: 'w', packed: 'packed', ...packFields(g.groups, k, g.filters) }],
        [
          'conv_f32',
          { ...shape, x: 'x', packed: 'packed', bias: bias && 'bias', y: 'y', oc, groups: g.groups, ...bounds },
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
      );
    // A clamp never widens a difference.
    expectWithin(
      program,
      { value: all('value').map((v) => clamp(v, bounds.lo, bounds.hi)), magnitude: all('magnitude') },
      k + 1,
    );
  };

  test('any geometry, within the bound of its sums', () => {
    coversSlots('gemm_f32', 'bias_clamp_f32');
    fc.assert(fc.property(geometry, fc.nat(1_000_000), check), { numRuns: 80 });
  });

  test('pointwise, and more rows than one block holds', () => {
    check(POINTWISE, 1);
    check({ ...POINTWISE, h: 20, w: 21, channels: 30, filters: 36, kernel: [3, 3], pads: [1, 1, 1, 1] }, 2);
  });
});

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
    fc.assert(
      fc.property(depthwiseGeometry, fc.constantFrom(2, 3), fc.constantFrom(1, 2, 3, 6), fc.nat(1_000_000), check),
      { numRuns: 120 },
    );
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
  test('any geometry, the same bytes everywhere: taps in order, nothing fused', () => {
    coversSlots('depthwise_f32', 'bias_clamp_f32');
    fc.assert(
      fc.property(depthwiseGeometry, fc.nat(1_000_000), (g, seed) => {
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
      }),
      { numRuns: 80 },
    );
  });
});
