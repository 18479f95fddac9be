// Weights and biases in codes: errors within half a scale, and accumulators that cannot overflow.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constantOf, elementsOf } from '../../src/core/tensor.js';
import { MIN_SCALE } from '../../src/numerics/params.js';
import {
  accumulatorScales,
  biasRoom,
  biasVector,
  quantizeBias,
  quantizeWeights,
} from '../../src/passes/quantize-weights.js';
import type { WeightScheme } from '../../src/schemes/scheme.js';

const channelwise: WeightScheme = { format: 'i8', symmetric: true, granularity: 'channel' };
/** Sizes over the whole of float32 that weights of real networks reach, dead channels included. */
const magnitude = fc.oneof(
  fc.constant(0),
  fc.double({ min: -40, max: 6, noNaN: true }).map((e) => 10 ** e),
);

describe('quantizeWeights with a bias', () => {
  const channels = fc.array(fc.record({ weight: magnitude, bias: magnitude, sign: fc.constantFrom(-1, 1) }), {
    minLength: 1,
    maxLength: 6,
  });

  it('leaves room in the accumulator for every channel, and keeps its scale normal', () => {
    fc.assert(
      fc.property(channels, fc.double({ min: -30, max: 5, noNaN: true }), fc.boolean(), (rows, exponent, perTensor) => {
        const inputScale = Math.fround(10 ** exponent);
        const depth = 3;
        const values = Float32Array.from(rows.flatMap(({ weight }) => [weight, -weight / 2, weight / 3]));
        const bias = Float32Array.from(rows, (row) => row.bias * row.sign);
        const scheme: WeightScheme = { ...channelwise, granularity: perTensor ? 'tensor' : 'channel' };
        const tensor = constantOf('float32', [rows.length, depth], values);
        const quantized = quantizeWeights(tensor, 0, scheme, { bias, inputScale, depth });
        const scales = accumulatorScales(inputScale, quantized.scale);
        for (const scale of scales) expect(scale).toBeGreaterThanOrEqual(MIN_SCALE);
        const codes = quantizeBias(bias, scales, biasRoom(depth) as number);
        expect(codes).toBeDefined();
        const weights = elementsOf(quantized.codes) as Int8Array;
        rows.forEach((_row, channel) => {
          const own = weights.subarray(channel * depth, (channel + 1) * depth);
          const largest = own.reduce((sum, code) => sum + Math.abs(code) * 255, Math.abs(codes?.[channel] as number));
          expect(largest).toBeLessThanOrEqual(2 ** 31 - 1);
          const scale = scales[perTensor ? 0 : channel] as number;
          const back = (codes?.[channel] as number) * scale;
          expect(Math.abs(back - (bias[channel] as number))).toBeLessThanOrEqual(
            scale * 0.501 + Math.abs(back) * 2 ** -22,
          );
          const weightScale = quantized.scale[perTensor ? 0 : channel] as number;
          own.forEach((code, i) => {
            const error = Math.abs(code * weightScale - (values[channel * depth + i] as number));
            expect(error).toBeLessThanOrEqual(weightScale * 0.501);
          });
        });
      }),
    );
  });

  it('gives a dead channel a scale that its bias needs, not 1', () => {
    const tensor = constantOf('float32', [2, 4], new Float32Array(8));
    const bias = Float32Array.of(0.3, 0);
    const { scale } = quantizeWeights(tensor, 0, channelwise, { bias, inputScale: 0.05, depth: 4 });
    const scales = accumulatorScales(0.05, scale);
    const codes = quantizeBias(bias, scales, biasRoom(4) as number) as Int32Array;
    expect(Math.abs((codes[0] as number) * (scales[0] as number) - 0.3)).toBeLessThan(1e-7);
    expect(codes[1]).toBe(0);
  });

  it('does not touch the scales of ordinary channels', () => {
    const tensor = constantOf('float32', [2, 2], Float32Array.of(1, -1.27, 0.5, 0.254));
    const plain = quantizeWeights(tensor, 0, channelwise);
    const biased = quantizeWeights(tensor, 0, channelwise, {
      bias: Float32Array.of(3, -4),
      inputScale: 0.02,
      depth: 2,
    });
    expect(biased.scale).toEqual(plain.scale);
    expect(Array.from(elementsOf(plain.codes) as Int8Array)).toEqual([100, -127, 127, 65]);
  });

  it('refuses weights that are not finite', () => {
    const tensor = constantOf('float32', [1, 2], Float32Array.of(1, Infinity));
    expect(() => quantizeWeights(tensor, 0, channelwise)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }),
    );
  });
});

describe('biasRoom', () => {
  it('shrinks with the depth and ends where no useful bias is left', () => {
    expect(biasRoom(1)).toBe(2 ** 30);
    expect(biasRoom(40000)).toBe(2 ** 31 - 1 - 40000 * 255 * 128);
    expect(biasRoom(70000)).toBeUndefined();
  });
});

describe('biasVector', () => {
  it('takes [n], [1, n] and single elements', () => {
    const of = (dims: number[], ...values: number[]): Float32Array | undefined =>
      biasVector(constantOf('float32', dims, Float32Array.from(values)), 2);
    expect(of([2], 1, 2)).toEqual(Float32Array.of(1, 2));
    expect(of([1, 2], 1, 2)).toEqual(Float32Array.of(1, 2));
    expect(of([], 3)).toEqual(Float32Array.of(3, 3));
    expect(of([2, 1], 1, 2)).toBeUndefined();
    expect(of([3], 1, 2, 3)).toBeUndefined();
  });
});
