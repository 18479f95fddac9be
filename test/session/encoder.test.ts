// A BERT-shaped encoder end to end: onnxruntime agrees, and its dynamic int8 form gives the same bytes everywhere.

import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { encoderGraph, encoderInputs } from '../../bench/encoder.mjs';
import { loadBackendOf } from '../../src/backend/load.js';
import { quantizeModel } from '../../src/calibrate/quantize-model.js';
import { writeOnnx } from '../../src/formats/onnx/onnx.js';
import { InferenceSession, type SessionOptions } from '../../src/session/inference-session.js';

const SIZES = { layers: 2, vocabulary: 100, positions: 64 };
const SHAPE = [2, 21];
const INPUTS = encoderInputs(2, 21, { vocabulary: 100, padding: 4 });

async function run(bytes: Uint8Array, options: SessionOptions = {}): Promise<Float32Array> {
  using session = await InferenceSession.create(bytes, options);
  const feeds = Object.entries(INPUTS).map(([name, data]) => [name, { type: 'int64', dims: SHAPE, data }] as const);
  return (await session.run(Object.fromEntries(feeds))).last_hidden_state?.data as Float32Array;
}

async function runPeer(bytes: Uint8Array): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = Object.entries(INPUTS).map(([name, data]) => [name, new ort.Tensor('int64', data, SHAPE)] as const);
  return (await session.run(Object.fromEntries(feeds))).last_hidden_state?.data as Float32Array;
}

function distance(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0) / largest;
}

function targets(): { name: string; options: SessionOptions }[] {
  const native = loadBackendOf('native');
  const wasm = (['simd128', 'relaxed'] as const).flatMap((variant) => {
    try {
      return [{ name: `wasm ${variant}`, options: { backend: loadBackendOf('wasm', { variant }) } }];
    } catch (error) {
      console.log(`wasm ${variant} is not tested: ${String(error)}`);
      return [];
    }
  });
  return [...native.isas.map((isa) => ({ name: isa, options: { backend: native, isa } })), ...wasm];
}

describe.each(['operator', 'decomposed'] as const)('layer norm and Gelu as %s', (form) => {
  const bytes = writeOnnx(encoderGraph({ ...SIZES, layerNorm: form, gelu: form }));

  test('float32 agrees with onnxruntime', async () => {
    // Four layer norms after sums of up to 1536 products, whose roundings add up like their root.
    expect(distance(await run(bytes), await runPeer(bytes))).toBeLessThanOrEqual(4 * Math.sqrt(1536) * 2 ** -24);
  });

  test('dynamic int8: the same bytes on every target, and near the float32 form and the peer', async () => {
    const int8 = (await quantizeModel(bytes, { scheme: 'dynamic-u8i8' })).bytes;
    const outputs = new Map<string, Float32Array>();
    for (const { name, options } of targets()) outputs.set(name, await run(int8, options));
    outputs.set('two threads', await run(int8, { threads: 2 }));
    const [first] = outputs.values() as Iterable<Float32Array>;
    for (const [name, output] of outputs) {
      expect(Buffer.from(output.buffer).equals(Buffer.from((first as Float32Array).buffer)), name).toBe(true);
    }
    // One code is 1/255 of a tensor's range; a rounding that falls the other way moves a value by a part of that.
    expect(distance(first as Float32Array, await runPeer(int8))).toBeLessThan(8 / 255);
    expect(distance(first as Float32Array, await run(bytes))).toBeLessThan(32 / 255);
  });
});
