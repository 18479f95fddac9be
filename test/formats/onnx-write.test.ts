// Writing ONNX: round trips judged by onnxruntime, opsets, and files that are never half written.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadOnnx, onnxInfo, readOnnx, saveOnnx, writeOnnx } from '../../src/formats/onnx/onnx.js';
import { editGraph } from '../../src/ir/edit.js';
import type { Graph, ValueType } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { prepare } from '../../src/passes/passes.js';
import { floatTensor, modelBytes, node } from './onnx-build.js';
import { RandomBytes } from './random-bytes.js';
import { modelFolder, sharedModels } from './shared-models.js';

/** Sizes for the dimensions that models name; anything else is 1. */
const SIZES: Readonly<Record<string, number>> = { sequence: 576 };

function feed({ dtype, dims }: ValueType, random: RandomBytes): Tensor {
  const sizes = (dims ?? []).map((dim) => (typeof dim === 'number' ? dim : (SIZES[dim] ?? 1)));
  const length = sizes.reduce((product, dim) => product * dim, 1);
  if (dtype === 'float32') {
    return new Tensor(
      'float32',
      Float32Array.from({ length }, () => random.next() / 2 ** 31 - 1),
      sizes,
    );
  }
  if (dtype === 'int64') return new Tensor('int64', new BigInt64Array(length).fill(16000n), sizes);
  return new Tensor(
    'int32',
    Int32Array.from({ length }, () => random.below(256)),
    sizes,
  );
}

async function outputsOf(bytes: Uint8Array, graph: Graph): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const random = new RandomBytes(7);
  const feeds = graph.inputs.map((name) => [name, feed(graph.types.get(name) as ValueType, random)]);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return new Map(Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]));
}

describe.skipIf(sharedModels.length === 0)('every network of ../shared/data/models', () => {
  test.each(sharedModels)('%s', async (name) => {
    const bytes = await readFile(path.join(modelFolder, name));
    const graph = verifyGraph(readOnnx(bytes));
    const reference = await outputsOf(bytes, graph);
    const again = await outputsOf(writeOnnx(graph), graph);
    expect(again).toEqual(reference);
    const folded = await outputsOf(writeOnnx(prepare(graph)), graph);
    for (const [output, values] of reference) {
      const found = folded.get(output) as Float32Array;
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] as number))), 0);
      // Folding rounds each weight once; 2^-20 of the largest output is 16 roundings in a row that all add up.
      expect(worst).toBeLessThanOrEqual(scale * 2 ** -20);
    }
  });
});

const init = {
  nodes: [node('Add', ['x', 'w'], ['y'], { name: 'add' })],
  initializers: [floatTensor('w', [4], [1, 2, 3, 4])],
};

test('the opset of a file that was not edited stays; domains that passes use get a version', () => {
  const graph = verifyGraph(readOnnx(modelBytes({ ...init, opset: 11 })));
  expect(onnxInfo(readOnnx(writeOnnx(graph)))?.opsets).toEqual(new Map([['', 11]]));
  const editor = editGraph(graph);
  const [add] = [...editor];
  if (add === undefined) throw new Error('no node');
  editor.replaceNode(add, { ...add, domain: 'lowbit', attributes: { lo: { kind: 'float', value: 0 } } });
  const written = readOnnx(writeOnnx(editor.build()));
  expect(written.opsets).toEqual(
    new Map([
      ['', 11],
      ['lowbit', 1],
    ]),
  );
  expect(written.nodes[0]?.attributes.get('lo')).toEqual({ kind: 'float', value: 0 });
});

test('a newer opset raises the IR version', () => {
  const graph = readOnnx(modelBytes(init));
  expect(onnxInfo(readOnnx(writeOnnx({ ...graph, opsets: new Map([['', 21]]) })))?.irVersion).toBe(10);
});

test('a graph that was built, not read, is written too', async () => {
  const graph: Graph = {
    name: 'built',
    opsets: new Map([['', 13]]),
    inputs: ['x'],
    outputs: ['y'],
    nodes: [
      {
        name: 'clip',
        op: 'HardSigmoid',
        domain: '',
        inputs: ['x'],
        outputs: ['y'],
        attributes: new Map([['alpha', { kind: 'float', value: 0.5 }]]),
      },
    ],
    constants: new Map(),
    types: new Map([
      ['x', { dtype: 'float32', dims: ['N', 2] }],
      ['y', { dtype: 'float32', dims: ['N', 2] }],
    ]),
  };
  const session = await InferenceSession.create(writeOnnx(graph));
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(-10, 0.5), [1, 2]) });
  expect(Array.from(y?.data as Float32Array)).toEqual([0, 0.75]);
});

describe('saving', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'save-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('does not replace without force, and leaves nothing beside', async () => {
    const graph = readOnnx(modelBytes(init));
    const file = path.join(folder, 'model.onnx');
    await saveOnnx(graph, file);
    expect((await loadOnnx(file)).nodes).toHaveLength(1);
    await writeFile(file, 'mine');
    await expect(saveOnnx(graph, file)).rejects.toMatchObject({ code: 'ERR_FILE_EXISTS', place: { file } });
    expect(await readFile(file, 'utf8')).toBe('mine');
    await saveOnnx(graph, file, { force: true });
    expect((await loadOnnx(file)).nodes).toHaveLength(1);
    await expect(saveOnnx(graph, path.join(folder, 'absent', 'model.onnx'))).rejects.toMatchObject({ code: 'ERR_IO' });
    expect(await readdir(folder)).toEqual(['model.onnx']);
  });
});
