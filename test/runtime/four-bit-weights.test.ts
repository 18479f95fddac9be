// Weights of 4 bits through the typed-array functions: quantize, packWeights, matmul.

import { describe, expect, it } from 'vitest';
import { matmul, matmulSync } from '../../src/runtime/arrays/matmul.js';
import { packWeights, packWeightsSync } from '../../src/runtime/arrays/pack-weights.js';
import { quantizationParametersSync } from '../../src/runtime/arrays/quantization-parameters.js';
import { quantize } from '../../src/runtime/arrays/quantize.js';
import { randomFloats } from '../kernels/harness.js';
import { toCode } from '../oracle/arithmetic.js';
import { dequantizedMatrix, type GroupedMatrix, groupedProduct, quantizeGroups } from '../oracle/groups.js';
import { floatProduct, gamma } from '../oracle/product.js';

const [m, k, n] = [7, 100, 37];
const x = randomFloats(m * k, 1, 2);
const w = randomFloats(k * n, 2);
const bias = randomFloats(n, 3);

/** The matrix as packWeights() takes it, and as the oracle does. */
async function weightsOf(format: 'i4' | 'u4', groupSize: number | undefined) {
  const dims = [k, n];
  const blocks = groupSize === undefined ? { dims, axis: 1 } : { dims, axis: 0, blockSize: groupSize };
  const { scale, zeroPoint } = quantizationParametersSync(w, { format, symmetric: format === 'i4', ...blocks });
  const codes = await quantize(w, { format, scale, zeroPoint, ...blocks });
  const packed = await packWeights(codes, { k, n, scale, zeroPoint, format, groupSize });
  const shift = format === 'i4' ? 8 : 0;
  const nibble = (i: number): number => ((codes[i >> 1] as number) >> (4 * (i & 1))) & 15;
  const matrix: GroupedMatrix = {
    ...{ k, n, groupSize: groupSize ?? k, scale: scale as Float32Array },
    codes: Array.from({ length: k * n }, (_, i) => nibble(i) ^ shift),
    zero: Array.from(zeroPoint as Int32Array, (zero) => zero + shift),
  };
  return { packed, matrix, codes, scale, zeroPoint };
}

describe('weights of 4 bits', () => {
  for (const format of ['i4', 'u4'] as const) {
    for (const groupSize of [undefined, 8, 32, 64]) {
      it(`${format} in groups of ${groupSize ?? 'all k'}`, async () => {
        const { packed, matrix } = await weightsOf(format, groupSize);
        expect(packed).toMatchObject({ k, n, format, groupSize: groupSize ?? k });
        const rows = quantizeGroups(x, m, k, matrix.groupSize);
        const wanted = Float32Array.from(groupedProduct(rows, m, matrix, bias, 0));
        expect(await matmul(x, packed, { m, bias, activation: 'relu' })).toEqual(wanted);
        expect(matmulSync(x, packed, { m, bias, activation: 'relu', activations: 'i8' })).toEqual(wanted);

        const exact = floatProduct({ m, k, n, a: x, w: dequantizedMatrix(matrix) }, bias);
        const floats = await matmul(x, packed, { m, bias, activations: 'f32' });
        const bound = gamma(k + 1) + (k + 1) * 2 ** -53;
        for (const [i, value] of exact.value.entries()) {
          expect(Math.abs((floats[i] as number) - value)).toBeLessThanOrEqual(bound * (exact.magnitude[i] as number));
        }

        const codes = await matmul(x, packed, { m, output: { format: 'u8', scale: 0.25, zeroPoint: 100 } });
        const plain = groupedProduct(rows, m, matrix);
        expect(codes).toEqual(Uint8Array.from(plain, (value) => toCode(Math.fround(value / 0.25), 100, 0, 255)));
      });
    }
  }

  it('u4 without a zero point stands for codes times the scale', () => {
    const packed = packWeightsSync(Uint8Array.of(0x52), { k: 1, n: 2, scale: 0.5, format: 'u4' });
    expect([...matmulSync(Float32Array.of(127), packed, { m: 1 })]).toEqual([127, 317.5]);
    packed.dispose();
    expect(() => matmulSync(Float32Array.of(1), packed, { m: 1 })).toThrowError(
      expect.objectContaining({ code: 'ERR_DISPOSED' }),
    );
  });

  it('says what is wrong', async () => {
    const { packed, codes, scale } = await weightsOf('i4', 32);
    const given = { k, n, scale, format: 'i4' as const, groupSize: 32 };
    const eightBit = packWeightsSync(new Int8Array(k * n), { k, n, scale: 1 });
    const cases: [() => unknown, RegExp][] = [
      [() => packWeightsSync(codes.slice(1), given), /k \* n \/ 2 = 1850 bytes for codes/],
      [() => packWeightsSync(codes, { ...given, groupSize: 12 }), /a multiple of 8 for groupSize/],
      [() => packWeightsSync(codes, { ...given, zeroPoint: 8 }), /integers from -8 to 7 for zeroPoint/],
      [() => packWeightsSync(codes, { ...given, scale: [1, 2] }), /a number or 148 numbers for scale/],
      [() => matmulSync(new Int8Array(m * k), packed, { m, scale: 1 }), /a Float32Array for a/],
      [
        () => matmulSync(x, packed, { m, activations: 'f16' as never }),
        /'i8' or 'f32' \(the weights have 4 bits\) for activations/,
      ],
      [() => matmulSync(x, eightBit, { m, activations: 'f32' }), /'i8' \(the weights have 8 bits\) for activations/],
      [() => matmulSync(x, packed, { m, bias: new Int32Array(n) }), /a Float32Array .* for bias/],
      [() => matmulSync(x, packed, { m, output: { format: 'i32' } }), /for output.format/],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrowError(
        expect.objectContaining({ code: 'ERR_BAD_ARGUMENT', message: expect.stringMatching(message) }),
      );
    }
  });
});
