// Weights of 16 bits through the typed-array functions: packWeights, matmul.

import { describe, expect, it } from 'vitest';
import { matmul, matmulSync } from '../../src/runtime/arrays/matmul.js';
import { packWeights, packWeightsSync } from '../../src/runtime/arrays/pack-weights.js';
import { quantizeSync } from '../../src/runtime/arrays/quantize.js';
import { randomFloats } from '../kernels/harness.js';
import { LAYOUTS, nearestCode, positiveValues, valueOfCode } from '../oracle/minifloat.js';
import { floatProduct, gamma } from '../oracle/product.js';

const [m, k, n] = [7, 101, 37];
const x = randomFloats(m * k, 1, 2);
const w = randomFloats(k * n, 2);
const bias = randomFloats(n, 3);

/** The floats that the codes of 16 bits nearest to the numbers stand for. */
function rounded(format: 'f16' | 'bf16', values: Float32Array): Float32Array {
  const positives = positiveValues(LAYOUTS[format]);
  return values.map((value) => valueOfCode(LAYOUTS[format], nearestCode(LAYOUTS[format], positives, value, false)));
}

function expectProduct(found: Float32Array, a: Float32Array, weights: Float32Array): void {
  const { value, magnitude } = floatProduct({ m, k, n, a, w: weights }, bias);
  const bound = gamma(k + 2) + (k + 2) * 2 ** -53;
  expect(found.length).toBe(m * n);
  for (const [i, wanted] of value.entries()) {
    expect(Math.abs((found[i] as number) - wanted)).toBeLessThanOrEqual(bound * (magnitude[i] as number));
  }
}

describe.each(['f16', 'bf16'] as const)('weights of %s', (format) => {
  it('from floats: rounded once, the activations as they are', async () => {
    const packed = await packWeights(w, { k, n, format });
    expect(packed).toMatchObject({ k, n, format, groupSize: k });
    expectProduct(await matmul(x, packed, { m, bias }), x, rounded(format, w));
    expectProduct(matmulSync(x, packed, { m, bias, activations: 'f32', threads: 1 }), x, rounded(format, w));
  });

  it('from codes: the same weights, byte for byte', () => {
    const options = { k, n, format };
    const codes = quantizeSync(w, { format });
    const [one, other] = [packWeightsSync(w, options), packWeightsSync(codes, options)];
    expect(one.byteLength).toBe(64 + Math.ceil(n / 16) * Math.ceil(k / 2) * 64);
    expect(matmulSync(x, other, { m })).toEqual(matmulSync(x, one, { m }));
  });

  it('ends in bounds, and in codes', () => {
    const packed = packWeightsSync(w, { k, n, format });
    const y = matmulSync(x, packed, { m, bias });
    expect(y.some((value) => value < -1) && y.some((value) => value > 1)).toBe(true);
    const clamped = matmulSync(x, packed, { m, bias, activation: { min: -1, max: 1 } });
    expect(clamped).toEqual(y.map((value) => Math.min(1, Math.max(-1, value))));
    const codes = matmulSync(x, packed, { m, bias, output: { format: 'u8', scale: 0.25, zeroPoint: 128 } });
    expect(codes).toEqual(quantizeSync(y, { format: 'u8', scale: 0.25, zeroPoint: 128 }));
  });

  it('is freed', () => {
    const packed = packWeightsSync(w, { k, n, format });
    matmulSync(x, packed, { m });
    packed.dispose();
    expect(() => matmulSync(x, packed, { m })).toThrowError(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});

describe('weights of 16 bits', () => {
  it('bf16 on both sides: the rows are rounded too', async () => {
    const packed = await packWeights(w, { k, n, format: 'bf16' });
    const y = await matmul(x, packed, { m, bias, activations: 'bf16' });
    expectProduct(y, rounded('bf16', x), rounded('bf16', w));
    expect(y).not.toEqual(await matmul(x, packed, { m, bias }));
  });

  it('says what is wrong', () => {
    const f16 = packWeightsSync(w, { k, n, format: 'f16' });
    const cases: [() => unknown, RegExp][] = [
      [() => packWeightsSync(w.slice(1), { k, n, format: 'f16' }), /k \* n = 3737 elements for values/],
      [() => packWeightsSync(new Int8Array(k * n) as never, { k, n, format: 'f16' }), /a Uint16Array of f16 codes/],
      [
        () => packWeightsSync(w as never, { k, n, format: 'i8', scale: 1 }),
        /a Uint8Array or an Int8Array .* for codes/,
      ],
      [() => packWeightsSync(w, { k, n, format: 'f16', scale: 1 } as never), /nothing \(f16 is .* for scale/],
      [() => matmulSync(new Int8Array(m * k), f16, { m, scale: 1 }), /a Float32Array for a/],
      [() => matmulSync(x, f16, { m, activations: 'bf16' }), /'f32' \(the weights have 16 bits\) for activations/],
      [() => matmulSync(x, f16, { m, activation: 'gelu' }), /a clamp \(the weights have 16 bits\) for activation/],
      [() => matmulSync(x, f16, { m, residual: x }), /nothing \(the weights have 16 bits\) for residual/],
      [() => matmulSync(x, f16, { m, output: { format: 'i32' } }), /for output.format/],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrowError(
        expect.objectContaining({ code: 'ERR_BAD_ARGUMENT', message: expect.stringMatching(message) }),
      );
    }
  });
});
