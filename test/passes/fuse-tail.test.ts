// Products of codes take the residual and the activation behind them: which nodes, which they leave, and the same bytes.

import { describe, expect, test } from 'vitest';
import { constantOf } from '../../src/core/tensor.js';
import type { NodeInit } from '../../src/ir/edit.js';
import type { Attribute, Graph } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { OPTIMIZE, runPasses } from '../../src/passes/passes.js';
import { InferenceSession } from '../../src/session/inference-session.js';
import { graphOf } from '../ir/graph-build.js';
import { randomFloats, randomNumbers } from './model.js';

const [ROWS, DEPTH, COLUMNS] = [37, 40, 72];
const float = (value: number): Attribute => ({ kind: 'float', value });
const text = (value: string): Attribute => ({ kind: 'string', value });

const product: NodeInit = {
  op: 'DynamicQuantizeMatMul',
  domain: 'com.microsoft',
  inputs: ['x', 'w', 'w_scale', '', 'bias'],
  outputs: ['p'],
};

function scalar(value: number) {
  return constantOf('float32', [], Float32Array.of(value));
}

function modelOf(nodes: readonly NodeInit[], outputs?: readonly string[], other = [ROWS, COLUMNS]): Graph {
  const next = randomNumbers(3);
  const codes = Int8Array.from({ length: DEPTH * COLUMNS }, () => Math.floor(next() * 255) - 127);
  const graph = graphOf({
    nodes,
    inputs: { x: [ROWS, DEPTH], r: other },
    constants: {
      w: constantOf('int8', [DEPTH, COLUMNS], codes),
      w_scale: constantOf('float32', [COLUMNS], randomFloats(COLUMNS, 4, 0.01)),
      bias: constantOf('float32', [COLUMNS], randomFloats(COLUMNS, 5)),
      ...{ slope: scalar(1.702), six: scalar(6), zero: scalar(0) },
    },
    ...(outputs && { outputs }),
    opset: 20,
  });
  return verifyGraph({ ...graph, opsets: new Map([...graph.opsets, ['com.microsoft', 1]]) });
}

const operators = (graph: Graph) => graph.nodes.map(({ op, domain }) => (domain === '' ? op : `${domain}:${op}`));

async function run(graph: Graph): Promise<Uint8Array> {
  using session = await InferenceSession.create(graph, { optimize: false });
  const feeds = Object.fromEntries(
    graph.inputs.map((name, seed) => {
      const dims = graph.types.get(name)?.dims as number[];
      const size = dims.reduce((count, dim) => count * dim, 1);
      return [name, { type: 'float32', dims, data: randomFloats(size, seed + 8, 2) }];
    }),
  );
  const y = (await session.run(feeds))[graph.outputs[0] as string]?.data as Float32Array;
  return new Uint8Array(y.buffer, y.byteOffset, y.byteLength);
}

/** The operators with the pass; the bytes are those that the graph without it gives. */
async function fused(graph: Graph): Promise<string[]> {
  const without = runPasses(
    graph,
    OPTIMIZE.filter((name) => name !== 'fuse-tail'),
  );
  const with_ = runPasses(graph, OPTIMIZE);
  expect(await run(with_)).toEqual(await run(without));
  return operators(with_);
}

describe('an activation', () => {
  test.each<[string, NodeInit]>([
    ['Gelu', { op: 'Gelu', inputs: ['p'], outputs: ['y'] }],
    ['Gelu by tanh', { op: 'Gelu', inputs: ['p'], outputs: ['y'], attributes: { approximate: text('tanh') } }],
    ['Sigmoid', { op: 'Sigmoid', inputs: ['p'], outputs: ['y'] }],
    ['Tanh', { op: 'Tanh', inputs: ['p'], outputs: ['y'] }],
    ['HardSwish', { op: 'HardSwish', inputs: ['p'], outputs: ['y'] }],
    ['Mish', { op: 'Mish', inputs: ['p'], outputs: ['y'] }],
  ])('%s', async (_, node) => {
    expect(await fused(modelOf([product, node]))).toEqual(['lowbit:DynamicGemm']);
  });

  test('Silu and QuickGelu in pieces', async () => {
    const silu: NodeInit[] = [
      { op: 'Sigmoid', inputs: ['p'], outputs: ['s'] },
      { op: 'Mul', inputs: ['s', 'p'], outputs: ['y'] },
    ];
    expect(await fused(modelOf([product, ...silu]))).toEqual(['lowbit:DynamicGemm']);
    const quick: NodeInit[] = [
      { op: 'Mul', inputs: ['slope', 'p'], outputs: ['scaled'] },
      { op: 'Sigmoid', inputs: ['scaled'], outputs: ['s'] },
      { op: 'Mul', inputs: ['p', 's'], outputs: ['y'] },
    ];
    const graph = runPasses(modelOf([product, ...quick]), OPTIMIZE);
    expect(operators(graph)).toEqual(['lowbit:DynamicGemm']);
    expect(graph.nodes[0]?.attributes.get('activation')).toEqual(text('Swish'));
    expect(graph.nodes[0]?.attributes.get('activation_alpha')).toEqual(float(Math.fround(1.702)));
    expect(await fused(modelOf([product, ...quick]))).toEqual(['lowbit:DynamicGemm']);
  });
});

describe('a residual', () => {
  const add: NodeInit = { op: 'Add', inputs: ['r', 'p'], outputs: ['sum'] };

  test('alone, before Gelu, before Relu', async () => {
    expect(await fused(modelOf([product, add]))).toEqual(['lowbit:DynamicGemm']);
    const gelu: NodeInit = { op: 'Gelu', inputs: ['sum'], outputs: ['y'] };
    expect(await fused(modelOf([product, add, gelu]))).toEqual(['lowbit:DynamicGemm']);
    const relu: NodeInit = { op: 'Relu', inputs: ['sum'], outputs: ['y'] };
    expect(await fused(modelOf([product, add, relu]))).toEqual(['lowbit:DynamicGemm']);
  });

  test('that is made between the product and the sum', async () => {
    const between: NodeInit = { op: 'Exp', inputs: ['r'], outputs: ['e'] };
    const sum: NodeInit = { op: 'Add', inputs: ['p', 'e'], outputs: ['y'] };
    expect(await fused(modelOf([product, between, sum]))).toEqual(['Exp', 'lowbit:DynamicGemm']);
  });

  test('bounds end it: an activation behind them stays', async () => {
    const relu: NodeInit = { op: 'Clip', inputs: ['sum', 'zero', 'six'], outputs: ['c'] };
    const gelu: NodeInit = { op: 'Gelu', inputs: ['c'], outputs: ['y'] };
    expect(await fused(modelOf([product, add, relu, gelu]))).toEqual(['lowbit:DynamicGemm', 'Gelu']);
    const early: NodeInit = { op: 'Relu', inputs: ['p'], outputs: ['c'] };
    expect(await fused(modelOf([product, early, gelu]))).toEqual(['lowbit:DynamicGemm', 'Gelu']);
  });

  test('of a QGemm to float32', async () => {
    const quantized: NodeInit[] = [
      { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'q_scale', 'q_zero'] },
      {
        ...{ op: 'QGemm', domain: 'lowbit', outputs: ['p'] },
        inputs: ['q', 'six', '', 'w', 'w_scale', '', '', '', '', 'bias'],
      },
    ];
    expect(await fused(modelOf([...quantized, add, { op: 'Tanh', inputs: ['sum'], outputs: ['y'] }]))).toEqual([
      'DynamicQuantizeLinear',
      'lowbit:QGemm',
    ]);
  });
});

describe('what looks alike is left alone', () => {
  const gelu: NodeInit = { op: 'Gelu', inputs: ['p'], outputs: ['y'] };
  const add: NodeInit = { op: 'Add', inputs: ['p', 'r'], outputs: ['y'] };

  test('a product that is an output too, or that two nodes read', async () => {
    expect(await fused(modelOf([product, gelu], ['y', 'p']))).toEqual(['lowbit:DynamicGemm', 'Gelu']);
    const both: NodeInit[] = [gelu, { op: 'Add', inputs: ['p', 'y'], outputs: ['z'] }];
    expect(await fused(modelOf([product, ...both]))).toEqual(['lowbit:DynamicGemm', 'Gelu', 'Add']);
  });

  test('a sum of another shape, or of the product with itself', async () => {
    expect(await fused(modelOf([product, add], undefined, [1, COLUMNS]))).toEqual(['lowbit:DynamicGemm', 'Add']);
    expect(await fused(modelOf([product, add], undefined, [2, ROWS, COLUMNS]))).toEqual(['lowbit:DynamicGemm', 'Add']);
    const twice: NodeInit = { op: 'Add', inputs: ['p', 'p'], outputs: ['y'] };
    expect(await fused(modelOf([product, twice]))).toEqual(['lowbit:DynamicGemm', 'Add']);
  });

  test('a sigmoid of something else, or that something else reads', async () => {
    const other: NodeInit[] = [
      { op: 'Sigmoid', inputs: ['r'], outputs: ['s'] },
      { op: 'Mul', inputs: ['p', 's'], outputs: ['y'] },
    ];
    expect(await fused(modelOf([product, ...other]))).toEqual(['lowbit:DynamicGemm', 'Sigmoid', 'Mul']);
    const read: NodeInit[] = [
      { op: 'Sigmoid', inputs: ['r'], outputs: ['s'] },
      { op: 'Mul', inputs: ['r', 's'], outputs: ['y'] },
    ];
    expect(await fused(modelOf(read, ['y', 's']))).toEqual(['Sigmoid', 'Mul']);
    expect(await fused(modelOf(read))).toEqual(['lowbit:Swish']);
  });
});
