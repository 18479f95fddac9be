// Float networks end to end, against onnxruntime.

import { existsSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../src/backend/load.js';
import { readOnnx } from '../../src/formats/onnx/onnx.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { compile } from '../../src/runtime/compile.js';

const MODELS = new URL('../../../shared/data/models/', import.meta.url);

/** Models, the shape of their input, and the largest value that it takes. */
const NETWORKS = [
  ['mnist-12', [1, 1, 28, 28], 255],
  ['cifar10-resnet20', [1, 3, 32, 32], 2],
  ['cifar10-resnet56', [2, 3, 32, 32], 2],
  ['squeezenet1.1', [1, 3, 224, 224], 2],
  ['mobilenetv2', [2, 3, 224, 224], 2],
] as const;

function noise(count: number, scale: number): Float32Array {
  let state = 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * scale;
  });
}

describe.skipIf(!existsSync(MODELS))('float networks (skipped without ../shared/data)', () => {
  it.each(NETWORKS)('%s agrees with onnxruntime', async (name, dims, scale) => {
    const bytes = readFileSync(new URL(`${name}.onnx`, MODELS));
    const graph = verifyGraph(readOnnx(bytes));
    const input = graph.inputs[0] as string;
    const output = graph.outputs[0] as string;
    const data = noise(
      dims.reduce<number>((a, b) => a * b, 1),
      scale,
    );
    const plan = await compile(graph, loadBackend(), { inputShapes: new Map([[input, dims]]) });
    const mine = (await plan.run(new Map([[input, data]]))).outputs.get(output) as Float32Array;
    plan.dispose();
    const session = await ort.InferenceSession.create(bytes);
    const theirs = (await session.run({ [input]: new ort.Tensor('float32', data, dims) }))[output]
      ?.data as Float32Array;
    expect(mine.length).toBe(theirs.length);
    const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = mine.reduce((most, value, i) => Math.max(most, Math.abs(value - (theirs[i] as number))), 0);
    expect(error / largest).toBeLessThan(2e-5);
  });
});
