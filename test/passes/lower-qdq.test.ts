// Lowered graphs, raised again to standard operators, give what the graph with QuantizeLinear gave, bit for bit.

import { describe, expect, it } from 'vitest';
import { elementsOf } from '../../src/core/tensor.js';
import type { Graph } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { insertQdq, valuesToObserve } from '../../src/passes/insert-qdq.js';
import { lowerQdq } from '../../src/passes/lower-qdq.js';
import { resolveScheme, type SchemeChanges } from '../../src/schemes/scheme.js';
import { codesFrom, judge, observe } from './judge.js';
import { countOf, feedsOf, ModelMaker, operatorsOf } from './model.js';
import { QdqMaker } from './qdq-model.js';
import { raise } from './raise.js';

/** The lowered graph, after checking that onnxruntime finds no difference. All arithmetic between codes is done in float32. */
async function lowered(graph: Graph, dims: readonly number[]): Promise<Graph> {
  const result = verifyGraph(lowerQdq(graph));
  expect(result.inputs).toEqual(graph.inputs);
  expect(result.outputs).toEqual(graph.outputs);
  const plain = { graphOptimizationLevel: 'disabled' } as const;
  const [before, after] = [await judge(graph, plain), await judge(raise(result), plain)];
  for (const feed of feedsOf(dims)) {
    const [wanted, found] = [await before.run(feed), await after.run(feed)];
    for (const name of graph.outputs) {
      expect(found[name]?.type).toBe(wanted[name]?.type);
      expect(found[name]?.dims).toEqual(wanted[name]?.dims);
      expect(Array.from(found[name]?.data as Float32Array)).toEqual(Array.from(wanted[name]?.data as Float32Array));
    }
  }
  return result;
}

async function quantized(graph: Graph, dims: readonly number[], changes: SchemeChanges | string = {}): Promise<Graph> {
  const scheme = resolveScheme(changes);
  const statistics = await observe(graph, valuesToObserve(graph, scheme), feedsOf(dims));
  return verifyGraph(insertQdq(graph, scheme, statistics));
}

const image = [1, 3, 8, 8];

function residual(): Graph {
  const m = new ModelMaker();
  const x = m.input('x', image);
  const pads = [1, 1, 1, 1];
  const stem = m.node('Relu', [m.node('Conv', [x, m.random('w0', [8, 3, 3, 3]), m.random('b0', [8])], { pads })]);
  const pool = m.node('MaxPool', [stem], { kernel_shape: [2, 2], strides: [2, 2] });
  const depthwise = m.node('Conv', [pool, m.random('w1', [8, 1, 3, 3]), m.random('b1', [8])], { pads, group: 8 });
  const six = m.node('Clip', [depthwise, m.floats('c0', 0), m.floats('c6', 6)]);
  const sum = m.node('Relu', [m.node('Add', [m.node('Conv', [six, m.random('w2', [8, 8, 1, 1])]), pool])]);
  const odd = m.node('Slice', [
    sum,
    m.integers('st', [0, 0]),
    m.integers('en', [99, 99]),
    m.integers('ax', [2, 3]),
    m.integers('sp', [2, 2]),
  ]);
  const padded = m.node('Pad', [odd, m.integers('pd', [0, 2, 0, 0, 0, 2, 0, 0])]);
  const wide = m.node('Conv', [sum, m.random('w3', [12, 8, 1, 1])], { strides: [2, 2] });
  const joined = m.node('Add', [wide, padded]);
  const gated = m.node('Mul', [joined, m.node('Sigmoid', [joined])]);
  const both = m.node('Concat', [gated, padded], { axis: 1 });
  const average = m.node('AveragePool', [both], { kernel_shape: [2, 2], pads: [1, 0, 0, 0], count_include_pad: 1 });
  const global = m.node('GlobalAveragePool', [average]);
  const flat = m.node('Flatten', [global]);
  const hidden = m.node('Relu', [m.node('Gemm', [flat, m.random('w5', [24, 16]), m.random('b5', [16])])]);
  return m.output(m.node('Gemm', [hidden, m.random('w6', [5, 16]), m.random('b6', [5])], { transB: 1 }, 'y')).graph();
}

describe('lowerQdq after insertQdq', () => {
  it('leaves one quantization, of the input, and no float operator but the last output', async () => {
    const graph = await lowered(await quantized(residual(), image), image);
    expect(operatorsOf(graph)).toEqual([
      'QuantizeLinear',
      'lowbit:QConv',
      'MaxPool',
      'lowbit:QConv',
      'lowbit:QConv',
      'lowbit:QAdd',
      'Slice',
      'Pad',
      'lowbit:QConv',
      'lowbit:QAdd',
      'lowbit:QLookup',
      'lowbit:QMul',
      'lowbit:QConcat',
      'lowbit:QAveragePool',
      'lowbit:QGlobalAveragePool',
      'Flatten',
      'lowbit:QGemm',
      'lowbit:QGemm',
    ]);
    expect(graph.opsets.get('lowbit')).toBe(1);
  });

  it.each<[string, SchemeChanges]>([
    ['i8 activations', { preset: 'static-i8i8' }],
    ['symmetric i8 activations', { activations: { format: 'i8', symmetric: true } }],
    ['symmetric u8 activations', { activations: { symmetric: true } }],
    ['one scale for all weights', { weights: { granularity: 'tensor' } }],
    ['u8 weights', { weights: { format: 'u8' } }],
    ['a node in float', { exclude: ['n_add*', 'n_conv0'] }],
  ])('loses nothing with %s', async (_name, changes) => {
    const graph = await lowered(await quantized(residual(), image, changes), image);
    expect(countOf(graph, 'lowbit:QConv')).toBeGreaterThanOrEqual(3);
    expect(countOf(graph, 'Conv')).toBe(changes.exclude === undefined ? 0 : 1);
  });

  it('clamps codes where saturation does not', async () => {
    const graph = await lowered(
      await quantized(residual(), image, { activations: { format: 'i8', symmetric: true } }),
      image,
    );
    const stem = graph.nodes.find((node) => node.op === 'QConv');
    expect(stem?.attributes.get('qlo')).toEqual({ kind: 'int', value: 0 });
    expect(countOf(graph, 'Relu') + countOf(graph, 'Clip')).toBe(0);
  });

  it('quantizes MatMul of any rank', async () => {
    const m = new ModelMaker();
    const x = m.input('x', [2, 3, 8]);
    const h = m.node('Relu', [m.node('MatMul', [x, m.random('w0', [8, 6])])]);
    const graph = m.output(m.node('MatMul', [h, m.random('w1', [6, 4])], {}, 'y')).graph();
    const result = await lowered(await quantized(graph, [2, 3, 8]), [2, 3, 8]);
    expect(operatorsOf(result)).toEqual(['QuantizeLinear', 'lowbit:QGemm', 'lowbit:QGemm']);
  });
});

describe('lowerQdq of what other tools write', () => {
  it('takes a Relu between pairs as a table, and one before Q as a clamp', async () => {
    const m = new QdqMaker();
    const x = m.pair(m.input('x', image), 0.02, 128);
    const a = m.pair(m.node('Conv', [x, m.weights('w', [4, 3, 3, 3], 0.01)]), 0.05, 120);
    const b = m.pair(m.node('Relu', [a]), 0.03, 0);
    const c = m.node('Relu', [m.node('Conv', [b, m.weights('v', [4, 4, 1, 1], 0.02)])]);
    const graph = await lowered(m.output(m.pair(c, 0.04, 7)).graph(), image);
    expect(operatorsOf(graph)).toEqual([
      'QuantizeLinear',
      'lowbit:QConv',
      'lowbit:QLookup',
      'lowbit:QConv',
      'DequantizeLinear',
    ]);
    expect(graph.nodes[3]?.attributes.get('qlo')).toEqual({ kind: 'int', value: 7 });
    const table = graph.constants.get(graph.nodes[2]?.inputs[1] ?? '');
    expect(table?.dims).toEqual([256]);
    expect((elementsOf(table as NonNullable<typeof table>) as Uint8Array)[100]).toBe(0);
  });

  it('takes a Resize to the nearest element on codes, and leaves one that interpolates in float', async () => {
    for (const [mode, operators] of [
      ['nearest', ['Resize']],
      ['linear', ['DequantizeLinear', 'Resize', 'QuantizeLinear']],
    ] as const) {
      const m = new QdqMaker(13);
      const a = m.pair(
        m.node('Conv', [m.pair(m.input('x', image), 0.02, 128), m.weights('w', [4, 3, 3, 3], 0.01)]),
        0.05,
        120,
      );
      const wide = m.node('Resize', [a, '', m.floats('scales', [1, 1, 2, 3])], {
        ...{ mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      });
      const graph = m.output(m.node('Conv', [m.pair(wide, 0.05, 120), m.weights('v', [4, 4, 1, 1], 0.02)])).graph();
      const result = await lowered(graph, image);
      expect(operatorsOf(result)).toEqual(['QuantizeLinear', 'lowbit:QConv', ...operators, 'lowbit:QConv']);
    }
  });

  it('joins a chain of functions into one table', async () => {
    const m = new QdqMaker(14);
    const x = m.pair(m.input('x', [4, 16]), 0.02, -3, true);
    const y = m.node('Abs', [m.node('Neg', [m.node('Clip', [x, m.floats('lo', -1)])])]);
    const graph = await lowered(m.output(m.pair(y, 0.01, 2)).graph(), [4, 16]);
    expect(operatorsOf(graph)).toEqual(['QuantizeLinear', 'lowbit:QLookup', 'DequantizeLinear']);
  });

  it.each([
    ['Sigmoid', {}],
    ['Tanh', {}],
    ['HardSwish', {}],
    ['HardSigmoid', { alpha: { float: 0.3 } }],
    ['LeakyRelu', { alpha: { float: 0.1 } }],
    ['Elu', {}],
    ['Softplus', {}],
    ['Exp', {}],
  ])('makes a table of %s that is at most one code off', async (op, attributes) => {
    const m = new QdqMaker(14);
    const x = m.pair(m.input('x', [64]), 0.02, 100);
    const graph = m.output(m.q(m.node(op, [x], attributes), 0.011, 40)).graph();
    const result = verifyGraph(lowerQdq(graph));
    expect(operatorsOf(result)).toEqual(['QuantizeLinear', 'lowbit:QLookup']);
    const [before, after] = [await judge(graph), await judge(raise(result))];
    const output = graph.outputs[0] as string;
    for (const feed of feedsOf([64])) {
      const [wanted, found] = [await before.run(feed), await after.run(feed)].map((results) =>
        codesFrom(results, output),
      );
      const off = Array.from(wanted as Uint8Array, (code, i) => Math.abs(code - ((found as Uint8Array)[i] as number)));
      expect(Math.max(...off)).toBeLessThanOrEqual(1);
      expect(off.filter((distance) => distance > 0).length).toBeLessThanOrEqual(1);
    }
  });

  it('cancels Q of DQ with equal parameters and makes a table of other ones', async () => {
    const m = new QdqMaker();
    const x = m.pair(m.input('x', image), 0.02, 128);
    const same = m.pair(x, 0.02, 128);
    const other = m.pair(same, 0.03, 100);
    const signed = m.q(other, 0.05, 3, true);
    const graph = await lowered(m.output(other).output(signed).graph(), image);
    expect(operatorsOf(graph)).toEqual(['QuantizeLinear', 'lowbit:QLookup', 'lowbit:QLookup', 'DequantizeLinear']);
  });

  it('does without zero points, with constants added, and with several readers of one value', async () => {
    const m = new QdqMaker();
    const x = m.pair(m.input('x', image), 0.02, undefined);
    const bias = m.dq(m.constant('c', 'uint8', [3, 1, 1], Uint8Array.of(1, 100, 255)), 0.01, 50);
    const sum = m.node('Add', [x, bias]);
    const [a, b] = [m.pair(sum, 0.03, undefined), m.pair(sum, 0.03, undefined)];
    const product = m.pair(m.node('Mul', [a, b]), 0.1, 4);
    const graph = await lowered(m.output(product).graph(), image);
    expect(operatorsOf(graph)).toEqual(['QuantizeLinear', 'lowbit:QAdd', 'lowbit:QMul', 'DequantizeLinear']);
  });

  it('keeps a value that is read in float too in float', async () => {
    const m = new QdqMaker();
    const x = m.pair(m.input('x', image), 0.02, 128);
    const y = m.node('Conv', [x, m.weights('w', [4, 3, 3, 3], 0.01)], {}, 'y');
    const graph = await lowered(
      m
        .output(m.pair(y, 0.05, 120))
        .output(m.node('Softmax', [y], { axis: 1 }))
        .graph(),
      image,
    );
    expect(operatorsOf(graph)).toEqual([
      'QuantizeLinear',
      'lowbit:QConv',
      'QuantizeLinear',
      'Softmax',
      'DequantizeLinear',
    ]);
    expect(graph.nodes[1]?.inputs.slice(6)).toEqual(['', '']);
  });

  it('moves codes through operators whose output nobody quantizes', async () => {
    const m = new QdqMaker();
    const x = m.pair(m.input('x', image), 0.02, 128);
    const moved = m.node('Transpose', [m.node('Reshape', [x, m.integers('shape', [3, 64])])], { perm: [1, 0] });
    const graph = await lowered(m.output(m.node('Softmax', [moved], { axis: 1 })).graph(), image);
    expect(operatorsOf(graph)).toEqual(['QuantizeLinear', 'Reshape', 'Transpose', 'DequantizeLinear', 'Softmax']);
  });

  it('quantizes a float bias, and one of another scale, to the scale of the accumulator', async () => {
    for (const kind of ['float', 'other scale', 'exact'] as const) {
      const m = new QdqMaker();
      const x = m.pair(m.input('x', image), 0.5, 128);
      const w = m.weights('w', [2, 3, 1, 1], 0.25);
      // 0.5 * 0.25 = 2^-3, and every bias is a multiple, so nothing is rounded
      const bias =
        kind === 'float'
          ? m.floats('b', [3, -2.5])
          : m.dq(
              m.constant('b', 'int32', [2], kind === 'exact' ? Int32Array.of(24, -20) : Int32Array.of(6, -5)),
              kind === 'exact' ? 0.125 : 0.5,
              undefined,
            );
      const graph = await lowered(m.output(m.pair(m.node('Conv', [x, w, bias]), 1, 128)).graph(), image);
      const conv = graph.nodes.find((node) => node.op === 'QConv');
      const codes = graph.constants.get(conv?.inputs[8] ?? '');
      expect(Array.from(elementsOf(codes as NonNullable<typeof codes>) as Int32Array)).toEqual([24, -20]);
    }
  });

  it('leaves alone what has no form on codes', async () => {
    const m = new QdqMaker();
    const x = m.pair(m.input('x', [2, 8]), 0.02, 128);
    const rows = m.node('Gemm', [x, m.weights('w', [2, 4], 0.01)], { transA: 1 });
    const bare = m.node('Add', [m.pair(rows, 0.05, 120), m.random('c', [4])]);
    const graph = await lowered(m.output(m.pair(bare, 0.05, 120)).graph(), [2, 8]);
    expect(operatorsOf(graph).filter((op) => op.startsWith('lowbit:'))).toEqual([]);
    expect(countOf(graph, 'Gemm')).toBe(1);
  });

  it('keeps outputs that are codes, also where nothing is left to do', async () => {
    const m = new QdqMaker();
    const codes = m.q(m.input('x', image), 0.02, 128);
    const again = m.q(m.dq(codes, 0.02, 128), 0.02, 128);
    const graph = await lowered(m.output(codes).output(again).graph(), image);
    expect(operatorsOf(graph)).toEqual(['QuantizeLinear', 'Identity']);
  });

  it('returns a graph without quantization as it is', () => {
    const m = new ModelMaker();
    m.input('x', [2]);
    const graph = m.output(m.node('Relu', ['x'])).graph();
    expect(lowerQdq(graph)).toBe(graph);
  });
});
