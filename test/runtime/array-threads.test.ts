// The option `threads` of the typed-array functions.

import { expect, it } from 'vitest';
import { loadBackend } from '../../src/backend/load.js';
import { dequantizeSync } from '../../src/runtime/arrays/dequantize.js';
import { matmulSync } from '../../src/runtime/arrays/matmul.js';
import { packWeightsSync } from '../../src/runtime/arrays/pack-weights.js';
import { quantizationParametersSync } from '../../src/runtime/arrays/quantization-parameters.js';
import { quantizeSync } from '../../src/runtime/arrays/quantize.js';
import { randomFloats } from '../kernels/harness.js';

const [m, k, n] = [64, 256, 320];
const x = randomFloats(m * k, 1);
const w = randomFloats(k * n, 2);

it('changes no byte of any result', () => {
  const results = [undefined, 1, 2, 256].map((threads) => {
    const { scale, zeroPoint } = quantizationParametersSync(w, { format: 'i8', symmetric: true, threads });
    const codes = quantizeSync(w, { format: 'i8', scale, zeroPoint, threads });
    const packed = packWeightsSync(codes, { k, n, scale, zeroPoint, threads });
    const halves = packWeightsSync(w, { k, n, format: 'f16', threads });
    return {
      ...{ scale, codes, halves: quantizeSync(w, { format: 'f16', threads }) },
      floats: dequantizeSync(codes, { scale, zeroPoint, threads }),
      product: matmulSync(x, packed, { m, threads }),
      product16: matmulSync(x, halves, { m, threads }),
    };
  });
  for (const result of results) expect(result).toEqual(results[0]);
});

it('reaches the plan that the backend gets', () => {
  const backend = loadBackend();
  const given: number[] = [];
  const watched = Object.create(backend, {
    createPlan: {
      value: (words: Int32Array, ...rest: [Uint8Array]) => {
        given.push(words[8] as number);
        return backend.createPlan(words, ...rest);
      },
    },
  }) as typeof backend;
  const codes = (threads: number | undefined) =>
    quantizeSync(w, { format: 'u8', scale: 0.1, threads, backend: watched });
  for (const threads of [undefined, 1, 2, 2, 1, undefined]) codes(threads);
  expect(given).toEqual([0, 1, 2]);
});

it('is an integer from 1 to 256', () => {
  for (const threads of [0, 257, 1.5, Number.NaN, '2' as never]) {
    expect(() => quantizeSync(w, { format: 'u8', scale: 0.1, threads })).toThrowError(
      expect.objectContaining({
        code: 'ERR_BAD_ARGUMENT',
        message: expect.stringMatching(/from 1 to 256 for threads/),
      }),
    );
  }
});
