// matmul over every pair of formats of codes, to sums, codes and floats, against the oracle.

import { describe, expect, it } from 'vitest';
import { type MatmulOptions, matmulSync } from '../../src/runtime/arrays/matmul.js';
import { packWeightsSync } from '../../src/runtime/arrays/pack-weights.js';
import { f32 } from '../oracle/arithmetic.js';
import { product } from '../oracle/product.js';

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

function codes(count: number, format: 'u8' | 'i8', seed: number): Uint8Array | Int8Array {
  const next = random(seed);
  const values = Uint8Array.from({ length: count }, () => next() & 255);
  return format === 'u8' ? values : new Int8Array(values.buffer);
}

const FORMATS = ['u8', 'i8'] as const;
const CASES = FORMATS.flatMap((a) =>
  FORMATS.flatMap((w) => ([1, 2, 3, 5, 8, 9, 30] as const).map((m) => ({ a, w, m, k: 37 + m, n: 70 - m }))),
);

describe('matmul', () => {
  it.each(CASES)('$a by $w, $m rows', ({ a: aFormat, w: wFormat, m, k, n }) => {
    const [a, w] = [codes(m * k, aFormat, m), codes(k * n, wFormat, m + 1)];
    const [aZero, wZero] = [aFormat === 'u8' ? 131 : -7, wFormat === 'u8' ? 120 : 3];
    const scale = Float32Array.from({ length: n }, (_, j) => f32(0.001 * (j + 1)));
    const packed = packWeightsSync(w, { k, n, scale, zeroPoint: wZero });
    const bias = Int32Array.from({ length: n }, (_, j) => 1000 - 31 * j);
    const aScale = f32(0.02);
    const input = { m, k, n, a, w, aZero: Int32Array.of(aZero), wZero: new Int32Array(n).fill(wZero), offset: bias };
    const options = { m, scale: aScale, zeroPoint: aZero, bias } satisfies MatmulOptions;

    const sums = matmulSync(a, packed, { ...options, output: { format: 'i32' } });
    expect(sums).toEqual(Int32Array.from(product(input, { output: 'i32' })));
    const unscaled = matmulSync(a, packed, { m, zeroPoint: aZero, bias, output: { format: 'i32' }, out: sums });
    expect(unscaled).toBe(sums);

    const multiplier = scale.map((one) => f32(f32(aScale * one) / f32(0.7)));
    for (const [format, zeroPoint] of [
      ['u8', 99],
      ['i8', -5],
    ] as const) {
      const [qlo, qhi] = format === 'u8' ? [0, 255] : [-128, 127];
      const wanted = product(input, { output: 'codes', multiplier, zeroPoint, qlo, qhi });
      const found = matmulSync(a, packed, { ...options, output: { format, scale: f32(0.7), zeroPoint } });
      expect(Uint8Array.from(found)).toEqual(Uint8Array.from(wanted));
      // Another output scale with the same weights, and the first again.
      matmulSync(a, packed, { ...options, output: { format, scale: 3, zeroPoint } });
      expect(matmulSync(a, packed, { ...options, output: { format, scale: f32(0.7), zeroPoint } })).toEqual(found);
    }
    const floats = product(input, { output: 'floats', multiplier: scale, rowScale: Float32Array.of(aScale) });
    expect(matmulSync(a, packed, options)).toEqual(Float32Array.from(floats));
    packed.dispose();
  });

  it('refuses what sums cannot have', () => {
    const packed = packWeightsSync(new Int8Array(8 * 3), { k: 8, n: 3, scale: 1 });
    const output = { format: 'i32' } as const;
    const a = new Uint8Array(16);
    expect(() => matmulSync(new Float32Array(16), packed, { m: 2, output })).toThrow(/sums of floats/);
    expect(() => matmulSync(a, packed, { m: 2, output, activation: 'relu' })).toThrow(/'none'/);
    expect(() => matmulSync(a, packed, { m: 2, output, bias: new Float32Array(3) })).toThrow(/an Int32Array/);
    expect(() => matmulSync(a, packed, { m: 2, output, out: new Float32Array(6) })).toThrow(/out/);
    const groups = packWeightsSync(new Int8Array(8 * 3), {
      k: 8,
      n: 3,
      scale: new Float32Array(6).fill(1),
      groupSize: 4,
    });
    expect(() => matmulSync(a, groups, { m: 2, output })).toThrow(/groups/);
    packed.dispose();
    groups.dispose();
  });
});
