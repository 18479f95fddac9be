// Initializers of f16 and bf16 behind a Cast: sessions multiply by the floats that they stand for.

import { Tensor } from 'onnxruntime-common';
import { expect, it } from 'vitest';
import { encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage } from '../../src/formats/onnx/messages.js';
import { InferenceSession } from '../../src/session/inference-session.js';
import { model, node, valueInfo } from '../formats/onnx-build.js';
import { randomFloats } from '../kernels/harness.js';
import { LAYOUTS, nearestCode, positiveValues, valueOfCode } from '../oracle/minifloat.js';
import { floatProduct, gamma } from '../oracle/product.js';

const [m, k, n] = [3, 20, 9];

it.each([
  ['f16', 10],
  ['bf16', 16],
] as const)('weights of %s', async (format, dataType) => {
  const layout = LAYOUTS[format];
  const positives = positiveValues(layout);
  const codes = Uint16Array.from(randomFloats(k * n, 1, 2), (value) => nearestCode(layout, positives, value, false));
  const to = createMessage('AttributeProto', { name: 'to', type: 2, i: 1n });
  const message = model({
    nodes: [node('Cast', ['w'], ['wide'], { attribute: [to] }), node('MatMul', ['x', 'wide'], ['y'])],
    inputs: [valueInfo('x', [m, k])],
    outputs: [valueInfo('y', [m, n])],
    initializers: [
      createMessage('TensorProto', {
        ...{ name: 'w', dims: [BigInt(k), BigInt(n)], dataType },
        rawData: new Uint8Array(codes.buffer),
      }),
    ],
    opset: 17,
  });
  const x = randomFloats(m * k, 2, 3);
  const w = Float32Array.from(codes, (code) => valueOfCode(layout, code));
  const { value, magnitude } = floatProduct({ m, k, n, a: x, w }, undefined);
  for (const backend of ['native', 'wasm'] as const) {
    using session = await InferenceSession.create(encodeMessage('ModelProto', message), { backend });
    const { y } = await session.run({ x: new Tensor('float32', x, [m, k]) });
    const found = y?.data as Float32Array;
    expect(found).toHaveLength(m * n);
    for (const [i, wanted] of value.entries()) {
      const bound = (gamma(k) + k * 2 ** -53) * (magnitude[i] as number);
      expect(Math.abs((found[i] as number) - wanted)).toBeLessThanOrEqual(bound);
    }
  }
});
