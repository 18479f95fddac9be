// Dynamic quantization: the pattern that onnxruntime runs, and its way back into one operator.

import { describe, expect, it } from 'vitest';
import { elementsOf } from '../../src/core/tensor.js';
import type { Graph } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { lowerDynamic } from '../../src/passes/lower-dynamic.js';
import { quantizeDynamic } from '../../src/passes/quantize-dynamic.js';
import { resolveScheme } from '../../src/schemes/scheme.js';
import { type Feeds, judge, sqnrDb } from './judge.js';
import { countOf, ModelMaker, operatorsOf, randomFloats } from './model.js';
import { raise } from './raise.js';

const scheme = resolveScheme('dynamic-u8i8-conv');

async function closeness(a: Graph, b: Graph, dims: readonly number[]): Promise<number> {
  const data = randomFloats(
    dims.reduce((x, y) => x * y, 1),
    3,
    2,
  );
  const feed: Feeds = { x: { dims, data } };
  const output = a.outputs[0] as string;
  const [wanted, found] = [(await (await judge(a)).run(feed))[output], (await (await judge(b)).run(feed))[output]];
  expect(found?.dims).toEqual(wanted?.dims);
  return sqnrDb(wanted?.data as Float32Array, found?.data as Float32Array);
}

function products(): Graph {
  const m = new ModelMaker();
  const x = m.input('x', [2, 5, 16]);
  const a = m.node('MatMul', [x, m.random('w0', [16, 12])]);
  const b = m.node('MatMul', [x, m.random('w1', [16, 12])]);
  const hidden = m.node('Relu', [m.node('Add', [m.node('Add', [a, m.random('c0', [12])]), b])]);
  const flat = m.node('Reshape', [hidden, m.integers('shape', [10, 12])]);
  const gemm = m.node('Gemm', [flat, m.random('w2', [6, 12]), m.random('c2', [6])], {
    transB: 1,
    alpha: { float: 0.5 },
  });
  return m.output(m.node('Relu', [gemm], {}, 'y')).graph();
}

function convolution(): Graph {
  const m = new ModelMaker();
  const x = m.input('x', [1, 4, 9, 9]);
  const pads = [1, 1, 1, 1];
  const first = m.node('Conv', [x, m.random('w0', [8, 4, 3, 3]), m.random('b0', [8])], { pads, strides: [2, 2] });
  const second = m.node('Conv', [m.node('Relu', [first]), m.random('w1', [8, 1, 3, 3])], { pads, group: 8 });
  return m.output(m.node('Clip', [second, m.floats('lo', -3), m.floats('hi', 3)], {}, 'y')).graph();
}

describe('quantizeDynamic', () => {
  it('computes what the float products do, nearly, in onnxruntime', async () => {
    const graph = products();
    const result = verifyGraph(quantizeDynamic(graph, scheme));
    expect(countOf(result, 'MatMulInteger')).toBe(3);
    expect(countOf(result, 'DynamicQuantizeLinear')).toBe(2); // x once for two readers
    expect(await closeness(graph, result, [2, 5, 16])).toBeGreaterThan(30);
  });

  it('gives convolutions u8 weights around 128', async () => {
    const graph = convolution();
    const result = verifyGraph(quantizeDynamic(graph, scheme));
    expect(countOf(result, 'ConvInteger')).toBe(2);
    expect(await closeness(graph, result, [1, 4, 9, 9])).toBeGreaterThan(30);
    for (const node of result.nodes.filter(({ op }) => op === 'ConvInteger')) {
      const zero = result.constants.get(node.inputs[3] ?? '');
      expect(zero?.dtype).toBe('uint8');
      expect(Array.from(elementsOf(zero as NonNullable<typeof zero>) as Uint8Array)).toEqual([128]);
    }
  });

  it('leaves convolutions alone unless they are asked for', () => {
    expect(() => quantizeDynamic(convolution(), resolveScheme('dynamic-u8i8'))).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED' }),
    );
    expect(() => quantizeDynamic(products(), resolveScheme())).toThrow(/static/);
  });

  it('stores no float weight, and shared weights once', () => {
    const m = new ModelMaker();
    const x = m.input('x', [3, 8]);
    const w = m.random('w', [8, 8]);
    const graph = quantizeDynamic(m.output(m.node('MatMul', [m.node('MatMul', [x, w]), w])).graph(), scheme);
    const matrices = [...graph.constants.values()].filter((tensor) => tensor.dims.length === 2);
    expect(matrices.map((tensor) => tensor.dtype)).toEqual(['int8']);
  });
});

describe('lowerDynamic', () => {
  it('joins every part of a product, its bias and its clamp', () => {
    const graph = verifyGraph(lowerDynamic(quantizeDynamic(products(), scheme)));
    expect(operatorsOf(graph)).toEqual([
      'lowbit:DynamicGemm',
      'lowbit:DynamicGemm',
      'Add',
      'Relu',
      'Reshape',
      'lowbit:DynamicGemm',
    ]);
    const [without, withBias, last] = graph.nodes.filter(({ op }) => op === 'DynamicGemm');
    expect(withBias?.inputs.map((name) => (name === '' ? '' : 'there')).join()).toBe('there,there,there,there,there');
    expect(without?.inputs[4]).toBe('');
    expect(last?.attributes.get('lo')).toEqual({ kind: 'float', value: 0 });
    expect(last?.outputs).toEqual(['y']);
    expect(graph.types.get('y')?.dims).toEqual([10, 6]);
  });

  it('joins convolutions with vectors for scale and bias', () => {
    const graph = verifyGraph(lowerDynamic(quantizeDynamic(convolution(), scheme)));
    expect(operatorsOf(graph)).toEqual(['lowbit:DynamicConv', 'lowbit:DynamicConv']);
    const [first, second] = graph.nodes;
    expect(first?.attributes.get('lo')).toEqual({ kind: 'float', value: 0 });
    expect(first?.attributes.get('strides')).toEqual({ kind: 'ints', value: [2, 2] });
    expect(graph.constants.get(first?.inputs[2] ?? '')?.dims).toEqual([8]);
    expect(graph.constants.get(first?.inputs[4] ?? '')?.dims).toEqual([8]);
    expect(second?.attributes.get('hi')).toEqual({ kind: 'float', value: 3 });
    expect(second?.inputs[4]).toBe('');
  });

  it('means what the pattern meant, bit for bit', async () => {
    for (const [graph, dims] of [
      [products(), [2, 5, 16]],
      [convolution(), [1, 4, 9, 9]],
    ] as const) {
      const before = quantizeDynamic(graph, scheme);
      expect(await closeness(before, raise(lowerDynamic(before)), dims)).toBe(Infinity);
    }
  });

  it('leaves patterns whose inner values are read elsewhere', () => {
    const graph = quantizeDynamic(products(), scheme);
    const inner = graph.nodes.filter(({ op }) => op === 'Cast').map((node) => node.outputs[0] as string);
    const open = { ...graph, outputs: [...graph.outputs, ...inner] };
    expect(countOf(lowerDynamic(open), 'lowbit:DynamicGemm')).toBe(0);
    expect(countOf(lowerDynamic(open), 'MatMulInteger')).toBe(3);
  });

  it('takes DynamicQuantizeMatMul of com.microsoft', () => {
    const m = new ModelMaker();
    const x = m.input('x', [3, 4]);
    const b = m.constant('b', 'int8', [4, 2], Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const zero = m.constant('z', 'int8', [], Int8Array.of(0));
    const inputs = [x, b, m.floats('s', 0.1), zero, m.floats('c', [1, 2])];
    m.nodeOf('com.microsoft', 'DynamicQuantizeMatMul', inputs, [m.declare('y', 'float32', [3, 2])]);
    const graph = verifyGraph(lowerDynamic(m.output('y').graph()));
    expect(operatorsOf(graph)).toEqual(['lowbit:DynamicGemm']);
    expect(graph.nodes[0]?.inputs).toHaveLength(5);
  });
});
