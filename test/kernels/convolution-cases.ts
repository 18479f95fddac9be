// Geometries, outputs and operands that the tests of convolutions share.

import fc from 'fast-check';
import { expect } from 'vitest';
import type { ConvolutionShape, OutputRule } from '../oracle/product.js';
import { floatsIn, int32sIn, randomFloats } from './harness.js';
import { multipliersOf } from './product-program.js';

export const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

export interface Geometry {
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

export const geometry = fc.record({
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
export function shapeOf(g: Geometry): ConvolutionShape {
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

export const X_SCALE = Float32Array.of(0.0137);

export const pixelsOf = (s: ConvolutionShape) => s.n * s.oh * s.ow;
export const inputsOf = (s: ConvolutionShape) => s.n * s.h * s.w * s.c;
export const lowest = (format: number) => (format === 3 ? -128 : 0);

/** The output side of an integer convolution, by seed: fields of the instruction and the oracle's rule. */
export function outputOf(yFormat: number, oc: number, k: number, seed: number) {
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

export function expectOutput(y: Uint8Array | undefined, wanted: readonly number[], rule: OutputRule): void {
  if (rule.output === 'floats') expect(floatsIn(y)).toEqual(Float32Array.from(wanted));
  else if (rule.output === 'i32') expect(int32sIn(y)).toEqual(Int32Array.from(wanted));
  else expect(y).toEqual(Uint8Array.from(wanted));
}

/** The rule for the channels of one group. */
export function ruleOf(rule: OutputRule, group: number, filters: number): OutputRule {
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

export const POINTWISE: Geometry = {
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
