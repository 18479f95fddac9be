// The typed-array functions against their formulas, and what they say of bad arguments.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dequantize, dequantizeSync } from '../../src/runtime/arrays/dequantize.js';
import { matmul, matmulSync } from '../../src/runtime/arrays/matmul.js';
import { type PackedWeights, packWeights, packWeightsSync } from '../../src/runtime/arrays/pack-weights.js';
import {
  quantizationParameters,
  quantizationParametersSync,
} from '../../src/runtime/arrays/quantization-parameters.js';
import { quantize, quantizeSync } from '../../src/runtime/arrays/quantize.js';
import { clamp, f32 as f, rint } from '../oracle/arithmetic.js';

const u8 = (x: number, scale: number, zero: number): number => clamp(rint(f(x / scale)) + zero, 0, 255);

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function floats(count: number, seed: number, spread = 4): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: count }, () => (next() - 0.5) * spread);
}

describe('quantize and dequantize', () => {
  it('per tensor, with ties, NaN and infinities', async () => {
    const x = Float32Array.of(0.25, 0.75, -0.25, 1e9, -1e9, Number.NaN, Number.POSITIVE_INFINITY, 1.25);
    const codes = await quantize(x, { format: 'u8', scale: 0.5, zeroPoint: 10 });
    expect([...codes]).toEqual([10, 12, 10, 255, 0, 0, 255, 12]);
    expect([...quantizeSync(x, { format: 'i8', scale: 0.5 })]).toEqual([0, 2, 0, 127, -128, -128, 127, 2]);
    const back = await dequantize(codes, { scale: 0.5, zeroPoint: 10 });
    expect([...back.slice(0, 3)]).toEqual([0, 1, 0]);
    expect([...dequantizeSync(Int32Array.of(-7, 9), { scale: 0.5 })]).toEqual([-3.5, 4.5]);
  });

  it('per channel and per block, along any axis', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        (outer, axis, inner, blockSize) => {
          const x = floats(outer * axis * inner, outer * 100 + axis * 10 + inner);
          const blocks = blockSize === 0 ? axis : Math.ceil(axis / blockSize);
          const count = blockSize === 0 ? axis : outer * blocks * inner;
          const scale = Float32Array.from({ length: count }, (_, i) => f(0.01 + i * 0.003));
          const zeroPoint = Int32Array.from({ length: count }, (_, i) => (i * 37) % 256);
          const options = {
            format: 'u8' as const,
            ...{ scale, zeroPoint, dims: [outer, axis, inner], axis: 1 },
            ...(blockSize === 0 ? {} : { blockSize }),
          };
          const codes = quantizeSync(x, options);
          const back = dequantizeSync(codes, options);
          for (let i = 0; i < x.length; i++) {
            const [o, a, n] = [Math.floor(i / (axis * inner)), Math.floor(i / inner) % axis, i % inner];
            const at = blockSize === 0 ? a : (o * blocks + Math.floor(a / blockSize)) * inner + n;
            const [s, z] = [scale[at] as number, zeroPoint[at] as number];
            expect(codes[i]).toBe(u8(x[i] as number, s, z));
            expect(back[i]).toBe(f(f((codes[i] as number) - z) * s));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('fills and returns what it was given', async () => {
    const out = new Uint8Array(3);
    expect(await quantize(Float32Array.of(1, 2, 3), { format: 'u8', scale: 1, out })).toBe(out);
    expect([...out]).toEqual([1, 2, 3]);
    expect(quantizeSync(new Float32Array(0), { format: 'u8', scale: 1 }).length).toBe(0);
  });

  it.each([
    [() => quantizeSync([1] as never, { format: 'u8', scale: 1 }), /Expected a Float32Array for x/],
    [
      () => quantizeSync(new Float32Array(2), { format: 'u3' as never, scale: 1 }),
      /'u8', 'i8', .* for format but received 'u3'/,
    ],
    [() => quantizeSync(new Float32Array(2), { format: 'u8', scale: 0 }), /positive, finite float32 for scale\[0\]/],
    [() => quantizeSync(new Float32Array(2), { format: 'u8', scale: 1, zeroPoint: 256 }), /integers from 0 to 255/],
    [
      () => quantizeSync(new Float32Array(2), { format: 'u8', scale: [1, 2, 3], dims: [2], axis: 0 }),
      /2 numbers for scale/,
    ],
    [() => quantizeSync(new Float32Array(2), { format: 'u8', scale: 1, axis: 0 }), /for dims/],
    [() => quantizeSync(new Float32Array(2), { format: 'u8', scale: 1, dims: [3], axis: 0 }), /a shape of 2 elements/],
    [
      () => quantizeSync(new Float32Array(2), { format: 'u8', scale: 1, out: new Uint8Array(3) }),
      /Uint8Array of 2 elements for out/,
    ],
    [() => dequantizeSync(new Float32Array(2) as never, { scale: 1 }), /for codes but received Float32Array/],
  ])('says what is wrong: %#', (call, message) => {
    expect(call).toThrowError(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT', message: expect.stringMatching(message) }),
    );
  });
});

describe('quantizationParameters', () => {
  it('asymmetric u8 follows DynamicQuantizeLinear', async () => {
    const { scale, zeroPoint } = await quantizationParameters(Float32Array.of(-1, 3, Number.NaN), {
      format: 'u8',
      symmetric: false,
    });
    expect(scale).toBe(f(4 / 255));
    expect(zeroPoint).toBe(64);
  });

  it('per channel and per block agree with a loop', () => {
    for (const [dims, axis, blockSize] of [
      [[3, 4, 5], 1, undefined],
      [[3, 7, 5], 1, 3],
      [[2, 8], 1, 4],
      [[6, 3], 0, 4],
    ] as const) {
      const x = floats(
        dims.reduce<number>((a, b) => a * b, 1),
        7,
      );
      const options = {
        format: 'i8' as const,
        symmetric: true,
        dims,
        axis,
        ...(blockSize === undefined ? {} : { blockSize }),
      };
      const { scale, zeroPoint } = quantizationParametersSync(x, options);
      const outer = dims.slice(0, axis).reduce<number>((a, b) => a * b, 1);
      const inner = dims.slice(axis + 1).reduce<number>((a, b) => a * b, 1);
      const size = dims[axis] as number;
      const most = new Float32Array(scale.length);
      x.forEach((value, i) => {
        const [o, a, n] = [Math.floor(i / (size * inner)), Math.floor(i / inner) % size, i % inner];
        const blocks = Math.ceil(size / (blockSize ?? 1));
        const at = blockSize === undefined ? a : (o * blocks + Math.floor(a / blockSize)) * inner + n;
        most[at] = Math.max(most[at] as number, Math.abs(value));
      });
      expect(scale.length).toBe(blockSize === undefined ? size : outer * Math.ceil(size / blockSize) * inner);
      expect([...scale]).toEqual([...most].map((value) => f(value / 127)));
      expect(zeroPoint.every((zero) => zero === 0)).toBe(true);
    }
  });

  it('refuses data without a range', async () => {
    await expect(quantizationParameters(new Float32Array(0), { format: 'u8', symmetric: false })).rejects.toMatchObject(
      { code: 'ERR_BAD_ARGUMENT' },
    );
    const infinite = Float32Array.of(1, Number.POSITIVE_INFINITY);
    await expect(quantizationParameters(infinite, { format: 'u8', symmetric: false })).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
    });
  });
});

interface Case {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly signed: boolean;
  readonly perColumn: boolean;
  readonly wZero: number;
  readonly groupSize: number | undefined;
}

function weightsOf({ k, n, signed, perColumn, wZero, groupSize }: Case) {
  const next = random(k * 31 + n);
  const codes = signed
    ? Int8Array.from({ length: k * n }, () => Math.floor(next() * 256) - 128)
    : Uint8Array.from({ length: k * n }, () => Math.floor(next() * 256));
  const groups = groupSize === undefined ? 1 : Math.ceil(k / groupSize);
  const count = groupSize !== undefined ? groups * n : perColumn ? n : 1;
  const scale = Float32Array.from({ length: count }, () => f(0.001 + next() * 0.01));
  return {
    codes,
    scale,
    zeroPoint: Int32Array.from(scale, (_, i) => (wZero === 0 ? 0 : signed ? (i % 5) - 2 : (wZero + i) % 256)),
  };
}

/** Σ (a - za)(w - zw) over the rows [from, to) of w. */
function dot(
  a: ArrayLike<number>,
  row: number,
  za: number,
  w: ArrayLike<number>,
  zw: number,
  column: number,
  k: number,
  n: number,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += ((a[row * k + i] as number) - za) * ((w[i * n + column] as number) - zw);
  return sum | 0;
}

const CASES: readonly Case[] = [
  { m: 3, k: 17, n: 5, signed: true, perColumn: true, wZero: 0, groupSize: undefined },
  { m: 1, k: 64, n: 33, signed: false, perColumn: false, wZero: 128, groupSize: undefined },
  { m: 7, k: 40, n: 16, signed: false, perColumn: true, wZero: 3, groupSize: undefined },
  { m: 4, k: 37, n: 20, signed: true, perColumn: true, wZero: 1, groupSize: 8 },
  { m: 2, k: 8, n: 3, signed: true, perColumn: false, wZero: 0, groupSize: undefined },
];

describe('packWeights and matmul', () => {
  it.each(CASES)('float rows: m $m k $k n $n signed $signed group $groupSize', async (shape) => {
    const { m, k, n, groupSize } = shape;
    const { codes, scale, zeroPoint } = weightsOf(shape);
    const packed = await packWeights(codes, {
      k,
      n,
      scale,
      zeroPoint,
      ...(groupSize === undefined ? {} : { groupSize }),
    });
    expect([packed.k, packed.n, packed.format]).toEqual([k, n, shape.signed ? 'i8' : 'u8']);
    const a = floats(m * k, 5);
    const bias = floats(n, 6);
    const y = await matmul(a, packed, { m, bias, activation: 'relu' });
    expect(matmulSync(a, packed, { m, bias, activation: 'relu' })).toEqual(y);
    const at = (list: ArrayLike<number>, g: number, j: number): number =>
      list[list.length === 1 ? 0 : g * n + j] as number;
    for (let row = 0; row < m; row++) {
      const part = a.subarray(row * k, row * k + k);
      const [mn, mx] = [Math.min(0, ...part), Math.max(0, ...part)];
      const as = f(f(mx - mn) / 255);
      const za = clamp(rint(f(0 - f(mn / as))), 0, 255);
      const quantized = Array.from(part, (value) => u8(value, as, za));
      for (let j = 0; j < n; j++) {
        let value = 0;
        const group = groupSize ?? k;
        for (let g = 0; g * group < k; g++) {
          const acc = dot(
            quantized,
            0,
            za,
            codes,
            at(zeroPoint, g, j),
            j,
            k,
            n,
            g * group,
            Math.min(k, (g + 1) * group),
          );
          const term = f(f(acc) * f(as * at(scale, g, j)));
          value = g === 0 ? term : f(value + term);
        }
        expect(y[row * n + j]).toBe(Math.max(0, f(value + (bias[j] as number))));
      }
    }
    packed.dispose();
  });

  it.each(CASES.filter(({ groupSize }) => groupSize === undefined))('codes to codes: m $m k $k n $n', async (shape) => {
    const { m, k, n } = shape;
    const { codes, scale, zeroPoint } = weightsOf(shape);
    const packed = packWeightsSync(codes, { k, n, scale, zeroPoint });
    const next = random(9);
    const a = Uint8Array.from({ length: m * k }, () => Math.floor(next() * 256));
    const bias = Int32Array.from({ length: n }, () => Math.floor((next() - 0.5) * 4000));
    const output = { format: 'u8', scale: f(0.31), zeroPoint: 100 } as const;
    const y = await matmul(a, packed, { m, scale: f(0.02), zeroPoint: 7, bias, activation: 'relu', output });
    for (let row = 0; row < m; row++) {
      for (let j = 0; j < n; j++) {
        const zw = zeroPoint[zeroPoint.length === 1 ? 0 : j] as number;
        const acc = (dot(a, row, 7, codes, zw, j, k, n, 0, k) + (bias[j] as number)) | 0;
        const multiplier = f(f(f(0.02) * (scale[scale.length === 1 ? 0 : j] as number)) / output.scale);
        expect(y[row * n + j]).toBe(clamp(rint(f(f(acc) * multiplier)) + 100, 100, 255));
      }
    }
    const floatRows = matmulSync(a, packed, {
      m,
      scale: new Float32Array(m).fill(f(0.02)),
      zeroPoint: new Array(m).fill(7),
    });
    expect(floatRows).toEqual(matmulSync(a, packed, { m, scale: f(0.02), zeroPoint: 7 }));
    const viaFloat = matmulSync(a, packed, { m, scale: f(0.02), zeroPoint: 7, bias: new Float32Array(n), output });
    expect(viaFloat).toEqual(quantizeSync(floatRows, output));
    packed.dispose();
  });

  it('says what is wrong', () => {
    const packed = packWeightsSync(new Int8Array(12), { k: 4, n: 3, scale: 1 });
    const a = new Float32Array(8);
    expect(() => matmulSync(a, {} as PackedWeights, { m: 2 })).toThrow(/made by packWeights\(\) for packed/);
    expect(() => matmulSync(a, packed, { m: 3 })).toThrow(/m \* k = 12 elements for a/);
    expect(() => matmulSync(a, packed, { m: 2, scale: 1 })).toThrow(/rows of floats get their own/);
    expect(() => matmulSync(a, packed, { m: 2, bias: new Int32Array(3) })).toThrow(/integer bias/);
    expect(() => matmulSync(new Uint8Array(8), packed, { m: 2 })).toThrow(/for scale but received undefined/);
    expect(() => matmulSync(a, packed, { m: 2, activation: { min: 2, max: 1 } })).toThrow(/min <= max/);
    expect(() => packWeightsSync(new Int8Array(11), { k: 4, n: 3, scale: 1 })).toThrow(/k \* n = 12 codes/);
    expect(() => packWeightsSync(new Int8Array(12), { k: 4, n: 3, scale: 1, format: 'u8' })).toThrow(/a Uint8Array/);
    packed.dispose();
    expect(() => matmulSync(a, packed, { m: 2 })).toThrowError(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  it('aborts', async () => {
    const packed = packWeightsSync(new Int8Array(12), { k: 4, n: 3, scale: 1 });
    const signal = AbortSignal.abort();
    await expect(matmul(new Float32Array(8), packed, { m: 2, signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect(quantize(new Float32Array(8), { format: 'u8', scale: 1, signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});
