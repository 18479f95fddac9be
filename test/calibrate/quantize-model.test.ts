// Statistics over a dataset, and quantization from end to end on the small network that the repository ships.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { collectStatistics } from '../../src/calibrate/collect.js';
import { type Dataset, datasetOf } from '../../src/calibrate/dataset.js';
import { feedOfSample, madeUpFeeds } from '../../src/calibrate/feeds.js';
import { quantizeModel } from '../../src/calibrate/quantize-model.js';
import { randomIntegers } from '../../src/core/random.js';
import { constantOf } from '../../src/core/tensor.js';
import { readOnnx } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { InferenceSession } from '../../src/session/inference-session.js';

const MODEL = join(import.meta.dirname, '../../examples/models/mnist-12.onnx');

/** t = x + c, y = Relu(t), for x of [1, n]. */
function addRelu(c: readonly number[]): Graph {
  const dims = [1, c.length];
  const float = { dtype: 'float32', dims } as const;
  const node = (op: string, inputs: string[], output: string) =>
    ({ name: `${op}_0`, op, domain: '', inputs, outputs: [output], attributes: new Map() }) as const;
  return {
    name: 'add-relu',
    opsets: new Map([['', 13]]),
    inputs: ['x'],
    outputs: ['y'],
    nodes: [node('Add', ['x', 'c'], 't'), node('Relu', ['t'], 'y')],
    constants: new Map([['c', constantOf('float32', dims, Float32Array.from(c))]]),
    types: new Map([
      ['x', float],
      ['y', float],
    ]),
  };
}

function rows(...values: readonly number[][]): Dataset {
  return datasetOf(values.map((row, i) => ({ name: `r${i}`, dims: [1, row.length], data: Float32Array.from(row) })));
}

/** Noise of the range of pixels. */
function images(count: number): Dataset {
  const random = randomIntegers(1);
  return datasetOf(
    Array.from({ length: count }, (_, i) => ({
      name: `${i}`,
      dims: [1, 1, 28, 28],
      data: Float32Array.from({ length: 784 }, () => (random() >>> 24) * (i % 2)),
    })),
  );
}

describe('collectStatistics', () => {
  it('finds the smallest and the largest value of each over all samples', async () => {
    const dataset = rows([1, -2, 3], [0, 5, -7], [2, 2, 2]);
    const progress: string[] = [];
    const statistics = await collectStatistics(addRelu([10, 20, -30]), ['x', 't', 'y'], dataset, {
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    // t: [11, 18, -27], [10, 25, -37], [12, 22, -28]
    expect(Object.fromEntries(statistics)).toEqual({
      x: { min: -7, max: 5 },
      t: { min: -37, max: 25 },
      y: { min: 0, max: 25 },
    });
    expect(progress).toEqual(['1/3', '2/3', '3/3']);
  });

  it('refuses what has no range: no samples, infinite values, unknown names', async () => {
    const graph = addRelu([0, 0]);
    await expect(collectStatistics(graph, ['t'], rows())).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await expect(collectStatistics(graph, ['q'], rows([1, 2]))).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await expect(collectStatistics(graph, ['t'], rows([1, 2], [1, Infinity]))).rejects.toMatchObject({
      code: 'ERR_BAD_MODEL',
      place: { tensor: 't' },
      message: expect.stringContaining("'r1'"),
    });
    await expect(collectStatistics(graph, ['t'], rows([1, 2, 3]))).rejects.toMatchObject({ code: 'ERR_BAD_FEED' });
  });
});

describe('feeds', () => {
  const sample = { name: 's', dims: [4], data: Float32Array.from([-1.5, 0.4, 300, 2.5]) };
  it('convert a sample to the type of the input, rounded and clamped', () => {
    const as = (type: 'float32' | 'uint8' | 'int8' | 'int64') =>
      feedOfSample(sample, [{ name: 'x', type, dims: undefined }])['x']?.data;
    expect(as('float32')).toBe(sample.data);
    expect(as('uint8')).toEqual(Uint8Array.from([0, 0, 255, 3]));
    expect(as('int8')).toEqual(Int8Array.from([-1, 0, 127, 3]));
    expect(as('int64')).toEqual(BigInt64Array.from([-1n, 0n, 300n, 3n]));
    const two = ['a', 'b'].map((name) => ({ name, type: 'float32' as const, dims: undefined }));
    for (const inputs of [two, [], [{ name: 'x', type: 'string' as const, dims: undefined }]]) {
      expect(() => feedOfSample(sample, inputs)).toThrowError(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
    }
  });

  it('are made up with open dimensions of 1, the same ones every time', () => {
    const inputs = [
      { name: 'x', type: 'float32' as const, dims: ['N', 3] },
      { name: 'n', type: 'int32' as const, dims: [2] },
    ];
    const feeds = madeUpFeeds(inputs);
    expect(feeds['x']?.dims).toEqual([1, 3]);
    expect(Array.from(feeds['x']?.data as Float32Array).every((value) => value >= 0 && value < 1)).toBe(true);
    expect(feeds['n']).toEqual({ type: 'int32', dims: [2], data: new Int32Array(2) });
    expect(madeUpFeeds(inputs)).toEqual(feeds);
    expect(() => madeUpFeeds([{ name: 'x', type: 'float32', dims: undefined }])).toThrowError(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED' }),
    );
  });
});

describe('quantizeModel', () => {
  it('takes a path, bytes or a graph, and gives the same file', async () => {
    const bytes = await readFile(MODEL);
    const results = await Promise.all(
      [MODEL, bytes, readOnnx(bytes)].map((model) => quantizeModel(model, { dataset: images(6) })),
    );
    expect(results[1]?.bytes).toEqual(results[0]?.bytes);
    expect(results[2]?.bytes).toEqual(results[0]?.bytes);
    expect(results.map(({ report }) => report.bytes.reference)).toEqual([26454, 26454, null]);
    expect(results[0]?.report).toMatchObject({ scheme: 'static-u8i8', samples: 6, dataset: { kind: 'memory' } });
    expect(results[0]?.report.nodes.filter(({ op }) => op === 'Conv')).toEqual([
      { name: 'Convolution28', op: 'Conv', quantized: true, reason: null },
      { name: 'Convolution110', op: 'Conv', quantized: true, reason: null },
    ]);
  });

  it('agrees with onnxruntime about the file, for every scheme', async () => {
    const dataset = images(8);
    for (const scheme of ['static-u8i8', 'static-i8i8', 'dynamic-u8i8', 'dynamic-u8i8-conv']) {
      const { bytes } = await quantizeModel(MODEL, scheme.startsWith('static') ? { scheme, dataset } : { scheme });
      const ours = await InferenceSession.create(bytes);
      const judge = await ort.InferenceSession.create(bytes);
      for await (const { data, dims } of dataset) {
        const feeds = { Input3: new ort.Tensor('float32', data, [...dims]) };
        const a = (await ours.run(feeds))['Plus214_Output_0']?.data as Float32Array;
        const b = (await judge.run(feeds))['Plus214_Output_0']?.data as Float32Array;
        const scale = Math.max(...b.map(Math.abs));
        // A code more or less in a layer before the last moves a logit by some thousandths of the largest one.
        const worst = Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))));
        expect(worst / scale).toBeLessThan(0.02);
      }
      ours.dispose();
      await judge.release();
    }
  });

  it('draws samples by the seed', async () => {
    const make = (seed: number) => quantizeModel(MODEL, { dataset: images(20), samples: 3, seed });
    const [a, b, c] = [await make(1), await make(1), await make(2)];
    expect(a.report.samples).toBe(3);
    expect(b.bytes).toEqual(a.bytes);
    expect(c.bytes).not.toEqual(a.bytes);
  });

  it('refuses what it cannot do, and stops when it is told to', async () => {
    await expect(quantizeModel(MODEL)).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
      place: { argument: 'dataset' },
    });
    await expect(quantizeModel(MODEL, { dataset: datasetOf([]) })).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await expect(quantizeModel(MODEL, { scheme: 'int3' })).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await expect(quantizeModel('/nowhere.onnx', { dataset: images(1) })).rejects.toMatchObject({ code: 'ERR_IO' });
    // Nothing with weights is in this graph.
    await expect(quantizeModel(addRelu([1, 2]), { dataset: rows([1, 2]) })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
    });
    const controller = new AbortController();
    const seen: number[] = [];
    const run = quantizeModel(MODEL, {
      dataset: images(50),
      signal: controller.signal,
      onProgress: (done) => {
        seen.push(done);
        if (done === 3) controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(seen).toEqual([1, 2, 3]);
  });
});
