// Real networks through static quantization and lowering, judged by onnxruntime on real images.

import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../src/calibrate/open-dataset.js';
import { writeOnnx } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { insertQdq, valuesToObserve } from '../../src/passes/insert-qdq.js';
import { lowerDynamic } from '../../src/passes/lower-dynamic.js';
import { lowerQdq } from '../../src/passes/lower-qdq.js';
import { prepare } from '../../src/passes/passes.js';
import { quantizeDynamic } from '../../src/passes/quantize-dynamic.js';
import { resolveScheme } from '../../src/schemes/scheme.js';
import { argmax, type Feeds, judge, loadModel, observe, sharedData } from './judge.js';
import { countOf, operatorsOf } from './model.js';
import { raise } from './raise.js';

interface Case {
  readonly model: string;
  readonly preprocess: 'imagenet' | 'cifar10' | 'raw';
  readonly calibration: string;
  readonly validation: string;
  /** Operators that remain on floats after lowering. */
  readonly floats: readonly string[];
  /** Of the float file; a network of 6,000 weights is mostly names. */
  readonly size: number;
}

const imagenet = {
  preprocess: 'imagenet',
  calibration: 'imagenet/calibration',
  validation: 'imagenet/validation',
} as const;
const cifar = {
  preprocess: 'cifar10',
  calibration: 'cifar10/calibration-200.bin',
  validation: 'cifar10/validation-1000.bin',
} as const;

const CASES: readonly Case[] = [
  { model: 'cifar10-resnet20', ...cifar, floats: ['QuantizeLinear'], size: 0.28 },
  { model: 'cifar10-resnet56', ...cifar, floats: ['QuantizeLinear'], size: 0.28 },
  { model: 'mobilenetv2', ...imagenet, floats: ['QuantizeLinear'], size: 0.28 },
  {
    model: 'squeezenet1.1',
    ...imagenet,
    floats: ['QuantizeLinear', 'DequantizeLinear', 'GlobalAveragePool'],
    size: 0.28,
  },
  {
    model: 'mnist-12',
    preprocess: 'raw',
    calibration: 'mnist',
    validation: 'mnist',
    floats: ['QuantizeLinear'],
    size: 0.42,
  },
];
/** Operators that run on codes under their ONNX names. */
const MOVERS = ['MaxPool', 'Reshape', 'Flatten', 'Slice', 'Pad'];

async function images(path: string, input: string, count: number, preprocess: Case['preprocess']): Promise<Feeds[]> {
  const dataset = await openDataset(path, { preprocess });
  const feeds: Feeds[] = [];
  for await (const sample of dataset) {
    if (feeds.length === count) break;
    const dims = sample.dims.length === 3 ? [1, ...sample.dims] : sample.dims;
    feeds.push({ [input]: { dims, data: sample.data as Float32Array } });
  }
  return feeds;
}

describe.each(CASES)('$model', ({ model, preprocess, calibration, validation, floats, size }) => {
  const path = sharedData(`models/${model}.onnx`);
  const [calibrationPath, validationPath] = [sharedData(calibration), sharedData(validation)];
  const there = path !== undefined && calibrationPath !== undefined && validationPath !== undefined;
  const title = there ? 'quantizes, agrees and lowers' : 'is skipped: ../shared/data is not there';

  it.skipIf(!there)(title, { timeout: 60_000 }, async () => {
    const float = prepare(loadModel(path as string));
    const [input, output] = [float.inputs[0] as string, float.outputs[0] as string];
    const scheme = resolveScheme();
    const observed = await images(calibrationPath as string, input, 16, preprocess);
    const statistics = await observe(float, valuesToObserve(float, scheme), observed, scheme.activations.observer);
    const quantized = verifyGraph(insertQdq(float, scheme, statistics));
    expect(writeOnnx(quantized).byteLength / statSync(path as string).size).toBeLessThan(size);

    const lowered = verifyGraph(lowerQdq(quantized));
    const left = operatorsOf(lowered).filter((op) => !op.startsWith('lowbit:') && !MOVERS.includes(op));
    expect([...new Set(left)].sort()).toEqual([...floats].sort());
    expect(countOf(lowered, 'QuantizeLinear')).toBe(1);

    const [a, b, c] = [await judge(float), await judge(quantized), await judge(raise(lowered))];
    const feeds = await images(validationPath as string, input, 24, preprocess);
    let agreed = 0;
    for (const feed of feeds) {
      const [wanted, found, raised] = [await a.run(feed), await b.run(feed), await c.run(feed)].map(
        (results) => results[output]?.data as Float32Array,
      ) as [Float32Array, Float32Array, Float32Array];
      if (argmax(wanted) === argmax(found)) agreed++;
      expect(argmax(raised)).toBe(argmax(found));
    }
    expect(agreed / feeds.length).toBeGreaterThan(0.8);
  });
});

/** Networks of other kinds: whatever can be quantized is, the rest stays, and the result loads. */
const OTHERS = [
  'kws-dscnn',
  'mlperf-tiny-resnet8',
  'super-resolution-10',
  'ultraface-slim-320',
  'yunet-n-320',
  'vit-tracker',
  'magika-fast-v2.1',
];

describe.each(OTHERS)('%s', (model) => {
  const path = sharedData(`models/${model}.onnx`);
  const there = path === undefined ? ' (skipped: ../shared/data is not there)' : '';

  const quantizers: readonly [string, (graph: Graph) => Graph][] = [
    ['static', (graph) => insertQdq(graph, resolveScheme(), ranges(graph))],
    ['dynamic', (graph) => quantizeDynamic(graph, resolveScheme('dynamic-u8i8-conv'))],
  ];

  it.skipIf(path === undefined).each(quantizers)(`%s${there}`, { timeout: 60_000 }, async (_mode, quantize) => {
    const quantized = verifyGraph(quantize(prepare(loadModel(path as string))));
    await (await judge(quantized)).release();
    const lowered = verifyGraph(lowerDynamic(lowerQdq(quantized)));
    expect(operatorsOf(lowered).filter((op) => /^(Conv|MatMul)Integer$/.test(op))).toEqual([]);
    expect(operatorsOf(lowered).filter((op) => op.startsWith('lowbit:')).length).toBeGreaterThan(0);
    await (await judge(raise(lowered))).release();
  });

  /** Any ranges will do to build the graph. */
  function ranges(graph: Graph): Map<string, { min: number; max: number }> {
    return new Map(valuesToObserve(graph, resolveScheme()).map((value) => [value, { min: -4, max: 4 }]));
  }
});
