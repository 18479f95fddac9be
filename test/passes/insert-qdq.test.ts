// Static quantization: the form of the graph, and what onnxruntime makes of it.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { elementsOf, floatsOf } from '../../src/core/tensor.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { insertQdq, valuesToObserve } from '../../src/passes/insert-qdq.js';
import { resolveScheme, type SchemeChanges } from '../../src/schemes/scheme.js';
import { type Feeds, judge, observe, sqnrDb } from './judge.js';
import { countOf, feedsOf, ModelMaker, operatorsOf } from './model.js';

/** A small residual network with everything that convolutional networks have. */
function network(): Graph {
  const m = new ModelMaker();
  const x = m.input('x', [1, 3, 12, 12]);
  const pads = [1, 1, 1, 1];
  const relu = (value: string, name: string): string => m.node('Relu', [value], {}, name);
  const stem = relu(m.node('Conv', [x, m.random('w0', [8, 3, 3, 3]), m.random('b0', [8])], { pads }), 'stem');
  const pooled = m.node('MaxPool', [stem], { kernel_shape: [2, 2], strides: [2, 2] }, 'pooled');
  const depthwise = m.node('Conv', [pooled, m.random('w1', [8, 1, 3, 3]), m.random('b1', [8])], { pads, group: 8 });
  const six = m.node('Clip', [depthwise, m.floats('c0', 0), m.floats('c6', 6)], {}, 'six');
  const linear = m.node('Conv', [six, m.random('w2', [8, 8, 1, 1], 0.5)], {}, 'linear');
  const sum = relu(m.node('Add', [linear, pooled]), 'sum');
  const left = relu(m.node('Conv', [sum, m.random('w3', [4, 8, 1, 1]), m.random('b3', [4])]), 'left');
  const right = relu(m.node('Conv', [sum, m.random('w4', [4, 8, 3, 3]), m.random('b4', [4])], { pads }), 'right');
  const both = m.node('Concat', [left, right], { axis: 1 }, 'both');
  const average = m.node('GlobalAveragePool', [both], {}, 'average');
  const flat = m.node('Flatten', [average], {}, 'flat');
  const logits = m.node('Gemm', [flat, m.random('w5', [10, 8]), m.random('b5', [10])], { transB: 1 }, 'logits');
  return m
    .output(logits)
    .output(m.node('Softmax', [logits], { axis: -1 }, 'probabilities'))
    .graph();
}

const calibration = feedsOf([1, 3, 12, 12], 8);

async function quantized(graph: Graph, changes: SchemeChanges | string = {}): Promise<Graph> {
  const scheme = resolveScheme(changes);
  const statistics = await observe(graph, valuesToObserve(graph, scheme), calibration);
  return verifyGraph(insertQdq(graph, scheme, statistics));
}

const folder = mkdtempSync(join(tmpdir(), 'lowbit-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The operators that onnxruntime makes of a graph. */
async function optimized(graph: Graph): Promise<Graph> {
  const path = join(folder, 'optimized.onnx');
  const session = await judge(graph, { optimizedModelFilePath: path, graphOptimizationLevel: 'all' });
  await session.release();
  return readOnnx(readFileSync(path));
}

describe('insertQdq', () => {
  it('gives onnxruntime a network that it runs on integers throughout', async () => {
    const fused = await optimized(await quantized(network()));
    expect(countOf(fused, 'QLinearConv') + countOf(fused, 'com.microsoft:QLinearConv')).toBe(5);
    expect(countOf(fused, 'com.microsoft:QLinearAdd')).toBe(1);
    expect(countOf(fused, 'com.microsoft:QGemm')).toBe(1);
    for (const op of ['Conv', 'Add', 'Gemm', 'MatMul', 'Relu', 'Clip', 'MaxPool', 'Concat'])
      expect(countOf(fused, op)).toBe(0);
    expect(countOf(fused, 'QuantizeLinear')).toBe(1); // the input
  });

  it.each(['static-u8i8', 'static-i8i8'])('%s computes what the float network does, nearly', async (preset) => {
    const graph = network();
    const [float, codes] = [await judge(graph), await judge(await quantized(graph, preset))];
    for (const feed of feedsOf([1, 3, 12, 12], 4)) {
      const [wanted, found] = [await float.run(feed), await codes.run(feed)];
      expect(Object.keys(found)).toEqual(['logits', 'probabilities']);
      expect(sqnrDb(wanted['logits']?.data as Float32Array, found['logits']?.data as Float32Array)).toBeGreaterThan(24);
    }
  });

  it('leaves Relu and Clip out where saturation does the same, and keeps them where it does not', async () => {
    const graph = network();
    expect(countOf(await quantized(graph), 'Relu')).toBe(0);
    expect(countOf(await quantized(graph), 'Clip')).toBe(0);
    const symmetric = await quantized(graph, { activations: { format: 'i8', symmetric: true } });
    expect(countOf(symmetric, 'Relu')).toBe(4);
    expect(countOf(symmetric, 'Clip')).toBe(1);
  });

  it('stores every weight once, in 8 bits, and no float weight', async () => {
    const graph = await quantized(network());
    const floats = [...graph.constants].filter(([, tensor]) => tensor.dtype === 'float32' && tensor.dims.length > 1);
    expect(floats).toEqual([]);
    const codes = [...graph.constants.values()].filter((tensor) => tensor.dtype === 'int8' && tensor.dims.length > 1);
    expect(codes.map((tensor) => tensor.dims.join('x')).sort()).toEqual(
      ['10x8', '4x8x1x1', '4x8x3x3', '8x1x3x3', '8x3x3x3', '8x8x1x1'].sort(),
    );
    for (const tensor of codes) expect(Math.min(...(elementsOf(tensor) as Int8Array))).toBeGreaterThanOrEqual(-127);
  });

  it('scales biases by f32(x_scale * w_scale)', async () => {
    const graph = await quantized(network());
    const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
    const scaleOf = (value: string | undefined): Float32Array =>
      floatsOf(
        graph.constants.get(makers.get(value)?.inputs[1] ?? '') as NonNullable<ReturnType<typeof graph.constants.get>>,
      );
    const weighted = graph.nodes.filter((node) => ['Conv', 'Gemm'].includes(node.op) && node.inputs.length === 3);
    expect(weighted.length).toBe(5);
    for (const { inputs } of weighted) {
      const [x] = scaleOf(inputs[0]);
      expect(scaleOf(inputs[2])).toEqual(scaleOf(inputs[1]).map((w) => (x as number) * w));
    }
  });

  it('lets operators that move codes share the parameters of their input', async () => {
    const graph = await quantized(network());
    const quantizeOf = (value: string): readonly string[] | undefined =>
      graph.nodes.find((node) => node.op === 'QuantizeLinear' && node.inputs[0] === value)?.inputs.slice(1);
    expect(quantizeOf('pooled')).toEqual(quantizeOf('stem'));
    expect(quantizeOf('flat')).toEqual(quantizeOf('average'));
    expect(quantizeOf('left')).toEqual(quantizeOf('both'));
    expect(quantizeOf('right')).toEqual(quantizeOf('both'));
    expect(quantizeOf('stem')).not.toEqual(quantizeOf('six'));
  });

  it('does not share the parameters of a Concat whose inputs differ too much', async () => {
    const m = new ModelMaker();
    const x = m.input('x', [1, 3, 12, 12]);
    const small = m.node('Conv', [x, m.random('w0', [2, 3, 1, 1], 0.01)], {}, 'small');
    const large = m.node('Conv', [x, m.random('w1', [2, 3, 1, 1], 1)], {}, 'large');
    const both = m.node('Concat', [small, large], { axis: 1 }, 'both');
    const graph = await quantized(m.output(m.node('Conv', [both, m.random('w2', [2, 4, 1, 1])], {}, 'y')).graph());
    const scale = (value: string): string | undefined =>
      graph.nodes.find((node) => node.op === 'QuantizeLinear' && node.inputs[0] === value)?.inputs[1];
    expect(new Set(['small', 'large', 'both'].map(scale)).size).toBeGreaterThanOrEqual(2);
    expect(scale('small')).not.toBe(scale('both'));
  });

  it('quantizes weights that two nodes share once', async () => {
    const m = new ModelMaker();
    const x = m.input('x', [1, 3, 12, 12]);
    const w = m.random('w', [3, 3, 1, 1]);
    const graph = await quantized(m.output(m.node('Conv', [m.node('Conv', [x, w], {}, 'a'), w], {}, 'b')).graph());
    expect([...graph.constants.values()].filter((tensor) => tensor.dims.length === 4).length).toBe(1);
    expect(operatorsOf(graph).filter((op) => op === 'DequantizeLinear').length).toBe(4);
  });

  it('keeps excluded nodes, other operators and what follows them in float', async () => {
    const graph = await quantized(network(), { exclude: ['n_linear'] });
    const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
    const linear = graph.nodes.find((node) => node.name === 'n_linear');
    expect(graph.constants.get(linear?.inputs[1] ?? '')?.dtype).toBe('float32');
    expect(makers.get('probabilities')?.op).toBe('Softmax');
    expect(graph.types.get('probabilities')?.dtype).toBe('float32');
    const scheme = resolveScheme({ operators: ['Gemm'] });
    const source = network();
    const only = insertQdq(source, scheme, await observe(source, valuesToObserve(source, scheme), calibration));
    expect(countOf(only, 'QuantizeLinear')).toBe(1);
  });

  it('keeps the names and types of inputs and outputs, also of an output in the middle', async () => {
    const base = network();
    const graph = await quantized({ ...base, outputs: [...base.outputs, 'sum', 'pooled'] });
    expect(graph.inputs).toEqual(['x']);
    expect(graph.outputs).toEqual(['logits', 'probabilities', 'sum', 'pooled']);
    const session = await judge(graph);
    const results = await session.run(calibration[0] as Feeds);
    expect(Object.keys(results).sort()).toEqual(['logits', 'pooled', 'probabilities', 'sum']);
    expect(results['sum']?.type).toBe('float32');
  });

  it('is the same file every time', async () => {
    const [a, b] = [await quantized(network()), await quantized(network())];
    expect(Buffer.from(writeOnnx(a)).equals(Buffer.from(writeOnnx(b)))).toBe(true);
  });

  it('raises the operator set for scales per channel', async () => {
    const m = new ModelMaker(9);
    const x = m.input('x', [1, 3, 12, 12]);
    const y = m.node('Clip', [m.node('Conv', [x, m.random('w', [2, 3, 1, 1])])], {
      min: { float: -1 },
      max: { float: 1 },
    });
    const graph = await quantized(m.output(m.node('Conv', [y, m.random('w2', [2, 2, 1, 1])])).graph());
    expect(graph.opsets.get('')).toBe(13);
    await expect(judge(graph)).resolves.toBeDefined();
  });

  it('folds alpha and beta of Gemm into its constants', async () => {
    const m = new ModelMaker();
    const x = m.input('x', [1, 3, 12, 12]);
    const flat = m.node('Flatten', [x]);
    const [w, c] = [m.random('w', [432, 5]), m.random('c', [1, 5], 20)];
    const y = m.node('Gemm', [flat, w, c], { alpha: { float: 0.25 }, beta: { float: -2 } }, 'y');
    const graph = m.output(y).graph();
    const codes = await quantized(graph);
    expect([...(codes.nodes.find((node) => node.op === 'Gemm')?.attributes.keys() ?? [])]).toEqual([]);
    const feed = calibration[0] as Feeds;
    const [wanted, found] = [await (await judge(graph)).run(feed), await (await judge(codes)).run(feed)];
    expect(sqnrDb(wanted['y']?.data as Float32Array, found['y']?.data as Float32Array)).toBeGreaterThan(30);
  });

  it('says which values have no statistics', () => {
    const attempt = (): unknown => insertQdq(network(), resolveScheme(), new Map([['x', { min: -1, max: 1 }]]));
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }));
    expect(attempt).toThrow(/statistics lack .*stem/);
  });

  it('refuses a network without weights, a dynamic scheme, and weights that are not finite', () => {
    const m = new ModelMaker();
    m.input('x', [2]);
    const bare = m.output(m.node('Relu', ['x'])).graph();
    expect(() => insertQdq(bare, resolveScheme(), new Map())).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED' }),
    );
    expect(() => insertQdq(bare, resolveScheme('dynamic-u8i8'), new Map())).toThrow(/dynamic/);
    const n = new ModelMaker();
    n.input('x', [1, 1, 2, 2]);
    n.constant('w', 'float32', [1, 1, 1, 1], Float32Array.of(Number.NaN));
    const broken = n.output(n.node('Conv', ['x', 'w'], {}, 'y')).graph();
    const range = { min: -1, max: 1 };
    const statistics = new Map(['x', 'y'].map((name) => [name, range]));
    expect(() => insertQdq(broken, resolveScheme(), statistics)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }),
    );
  });
});
