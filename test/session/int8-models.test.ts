// Quantized networks: the same bytes on every instruction set and backend, the answers of onnxruntime.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadBackendOf } from '../../src/backend/load.js';
import { openDataset } from '../../src/calibrate/open-dataset.js';
import { quantizeModel } from '../../src/calibrate/quantize-model.js';
import { InferenceSession, type SessionOptions } from '../../src/session/inference-session.js';

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

const NETWORKS = [
  ['cifar10-resnet20', 'cifar10/calibration-200.bin'],
  ['squeezenet1.1', 'photos'],
  ['mobilenetv2', 'photos'],
] as const;

/** Every instruction set of this machine, and both variants of WebAssembly. */
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

/** The target's outputs for a sample, the same for all targets. */
async function runEverywhere(
  bytes: Uint8Array,
  sample: { dims: readonly number[]; data: Float32Array },
): Promise<Float32Array> {
  const outputs = new Map<string, Float32Array>();
  for (const target of targets()) {
    using session = await InferenceSession.create(bytes, target.options);
    const feeds = { [session.inputNames[0] as string]: { type: 'float32', dims: sample.dims, data: sample.data } };
    const result = (await session.run(feeds))[session.outputNames[0] as string];
    expect(session.runSync(feeds)[session.outputNames[0] as string]?.data, target.name).toEqual(result?.data);
    outputs.set(target.name, result?.data as Float32Array);
  }
  const [first] = outputs.values() as Iterable<Float32Array>;
  if (first === undefined) throw new Error('no target');
  for (const [target, output] of outputs) {
    expect(Buffer.from(output.buffer).equals(Buffer.from(first.buffer)), target).toBe(true);
  }
  return first;
}

/** Largest difference between two outputs, relative to the largest value. */
async function distanceToPeer(
  bytes: Uint8Array,
  sample: { dims: readonly number[]; data: Float32Array },
  mine: Float32Array,
): Promise<number> {
  const peer = await ort.InferenceSession.create(bytes);
  const input = new ort.Tensor('float32', sample.data, [...sample.dims]);
  const results = await peer.run({ [peer.inputNames[0] as string]: input });
  const theirs = results[peer.outputNames[0] as string]?.data as Float32Array;
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return mine.reduce((most, value, i) => Math.max(most, Math.abs(value - (theirs[i] as number))), 0) / largest;
}

describe.skipIf(!existsSync(DATA))('int8 networks (skipped without ../shared/data)', () => {
  it.each(NETWORKS)('%s, static', async (name, calibration) => {
    const dataset = await openDataset(`${DATA}${calibration}`);
    const { bytes } = await quantizeModel(`${DATA}models/${name}.onnx`, { dataset, samples: 4 });
    const sample = await dataset.read(5);
    const mine = await runEverywhere(bytes, sample);
    // Additions round differently in onnxruntime (numerics, QLinearAdd), so a code may differ by one now and then.
    expect(await distanceToPeer(bytes, sample, mine)).toBeLessThan(0.05);
  });

  it('the graph of floats between QuantizeLinear and DequantizeLinear gives what its integer form gives', async () => {
    const dataset = await openDataset(`${DATA}cifar10/calibration-200.bin`);
    const { bytes } = await quantizeModel(`${DATA}models/cifar10-resnet20.onnx`, { dataset, samples: 4 });
    const sample = await dataset.read(7);
    const results: Float32Array[] = [];
    for (const optimize of [true, false]) {
      using session = await InferenceSession.create(bytes, { optimize });
      const feeds = { [session.inputNames[0] as string]: { type: 'float32', dims: sample.dims, data: sample.data } };
      results.push((await session.run(feeds))[session.outputNames[0] as string]?.data as Float32Array);
    }
    const [integer, float] = results as [Float32Array, Float32Array];
    const largest = float.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    integer.forEach((value, i) => {
      expect(Math.abs(value - (float[i] as number)) / largest).toBeLessThan(0.05);
    });
  });

  it.each(NETWORKS)('%s, dynamic', async (name, calibration) => {
    const dataset = await openDataset(`${DATA}${calibration}`);
    const { bytes, report } = await quantizeModel(`${DATA}models/${name}.onnx`, { scheme: 'dynamic-u8i8-conv' });
    expect(report.samples).toBe(0);
    const sample = await dataset.read(5);
    const mine = await runEverywhere(bytes, sample);
    // Codes at a tie may fall to the other side where float operators in between differ in the last bit.
    expect(await distanceToPeer(bytes, sample, mine)).toBeLessThan(0.05);
  });
});
