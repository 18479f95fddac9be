// matmul over every pair of formats of codes, to sums, codes and floats, against the oracle.

import { describe, expect, it } from 'vitest';
import { type MatmulOptions, matmulSync } from '../../src/runtime/arrays/matmul.js';
import { packWeightsSync } from '../../src/runtime/arrays/pack-weights.js';
import { quantizeSync } from '../../src/runtime/arrays/quantize.js';
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

  it('adds a residual and applies Gelu and Silu to floats', () => {
    const [m, k, n] = [6, 40, 35];
    const packed = packWeightsSync(codes(k * n, 'i8', 1), { k, n, scale: 0.01 });
    const a = codes(m * k, 'u8', 2) as Uint8Array;
    const residual = Float32Array.from(codes(m * n, 'i8', 3), (code) => code / 16);
    const options = { m, scale: 0.01, zeroPoint: 128 };
    const plain = matmulSync(a, packed, options).map((value, i) => f32(value + (residual[i] as number)));
    expect(matmulSync(a, packed, { ...options, residual })).toEqual(plain);
    const relu = matmulSync(a, packed, { ...options, residual, activation: 'relu' });
    expect(relu).toEqual(plain.map((value) => (value < 0 ? 0 : value)));
    const tanh = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    for (const [activation, of] of [
      ['gelu-tanh', tanh],
      ['silu', (x: number) => x / (1 + Math.exp(-x))],
    ] as const) {
      const y = matmulSync(a, packed, { ...options, residual, activation });
      // unary_f32 promises less: a few units in the last place of the argument.
      y.forEach((value, i) => {
        const x = plain[i] as number;
        expect(Math.abs(value - of(x))).toBeLessThanOrEqual(8 * 2 ** -24 * Math.abs(x));
      });
      const output = { format: 'u8', scale: 0.05, zeroPoint: 100 } as const;
      const quantized = matmulSync(a, packed, { ...options, residual, activation, output });
      expect(quantized).toEqual(quantizeSync(y, output));
    }
    // Gelu by erf and by tanh are less than 0.001 apart.
    const erf = matmulSync(a, packed, { ...options, residual, activation: 'gelu' });
    erf.forEach((value, i) => {
      expect(Math.abs(value - tanh(plain[i] as number))).toBeLessThan(1e-3);
    });
    packed.dispose();
  });

  it('refuses what sums cannot have', () => {
    const packed = packWeightsSync(new Int8Array(8 * 3), { k: 8, n: 3, scale: 1 });
    const output = { format: 'i32' } as const;
    const a = new Uint8Array(16);
    expect(() => matmulSync(new Float32Array(16), packed, { m: 2, output })).toThrow(/sums of floats/);
    expect(() => matmulSync(a, packed, { m: 2, output, activation: 'relu' })).toThrow(/'none'/);
    expect(() => matmulSync(a, packed, { m: 2, output, activation: 'gelu' })).toThrow(/'none'/);
    expect(() => matmulSync(a, packed, { m: 2, output, residual: new Float32Array(6) })).toThrow(/residual/);
    expect(() => matmulSync(a, packed, { m: 2, scale: 1, residual: new Float32Array(5) })).toThrow(/6 elements/);
    expect(() => matmulSync(a, packed, { m: 2, output, bias: new Float32Array(3) })).toThrow(/an Int32Array/);
    expect(() => matmulSync(a, packed, { m: 2, output, out: new Float32Array(6) })).toThrow(/out/);
    const groups = packWeightsSync(new Int8Array(8 * 3), {
      k: 8,
      n: 3,
      scale: new Float32Array(6).fill(1),
      groupSize: 4,
    });
    expect(() => matmulSync(a, groups, { m: 2, output })).toThrow(/groups/);
    const four = packWeightsSync(Uint8Array.of(0x52), { k: 1, n: 2, scale: 0.5, format: 'u4' });
    const row = Float32Array.of(1);
    expect(() => matmulSync(row, four, { m: 1, residual: new Float32Array(2) })).toThrow(/4 bits/);
    expect(() => matmulSync(row, four, { m: 1, activation: 'silu' })).toThrow(/4 bits/);
    packed.dispose();
    groups.dispose();
    four.dispose();
  });
});
