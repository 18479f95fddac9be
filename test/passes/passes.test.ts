// The classic passes on small graphs: what they make of them, and that onnxruntime computes the same.

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { constantOf, floatsOf } from '../../src/core/tensor.js';
import { writeOnnx } from '../../src/formats/onnx/onnx.js';
import type { NodeInit } from '../../src/ir/edit.js';
import type { Attribute, Graph, ValueType } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { optimize, PASSES, type PassName, prepare, runPasses } from '../../src/passes/passes.js';
import { RandomBytes } from '../formats/random-bytes.js';

const random = new RandomBytes(11);

function floats(dims: readonly number[]) {
  const length = dims.reduce((product, dim) => product * dim, 1);
  return constantOf(
    'float32',
    dims,
    Float32Array.from({ length }, () => random.next() / 2 ** 31 - 1),
  );
}

function integers(...values: number[]) {
  return constantOf('int64', [values.length], BigInt64Array.from(values, BigInt));
}

const int = (value: number): Attribute => ({ kind: 'int', value });
const float = (value: number): Attribute => ({ kind: 'float', value });

function graphOf(
  nodes: readonly NodeInit[],
  constants: Readonly<Record<string, ReturnType<typeof floats>>>,
  x: ValueType['dims'] = [2, 3, 5, 5],
  opset = 13,
): Graph {
  return verifyGraph({
    name: 'test',
    opsets: new Map([['', opset]]),
    inputs: ['x'],
    outputs: [nodes.at(-1)?.outputs[0] as string],
    nodes: nodes.map(({ attributes = {}, ...node }, index) => ({
      name: `n${index}`,
      domain: '',
      ...node,
      attributes: new Map(Object.entries(attributes)),
    })),
    constants: new Map(Object.entries(constants)),
    types: new Map([['x', { dtype: 'float32', dims: x }]]),
  });
}

const operators = (graph: Graph) => graph.nodes.map(({ op, domain }) => (domain === '' ? op : `${domain}:${op}`));

async function run(graph: Graph, x: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const session = await InferenceSession.create(writeOnnx(graph), {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  const results = await session.run({ x: new Tensor('float32', x, dims) });
  await session.release();
  return results[graph.outputs[0] as string]?.data as Float32Array;
}

/** Both graphs give the same within a few float roundings of the largest value. */
async function expectSame(before: Graph, after: Graph, dims: readonly number[] = [2, 3, 5, 5]): Promise<void> {
  const x = floatsOf(floats(dims));
  const [a, b] = [await run(before, x, dims), await run(after, x, dims)];
  const scale = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(b.length).toBe(a.length);
  for (const [i, value] of a.entries())
    expect(Math.abs(value - (b[i] as number))).toBeLessThanOrEqual(scale * 2 ** -21);
}

const batchNorm = (input: string, output: string): NodeInit => ({
  op: 'BatchNormalization',
  inputs: [input, 'gamma', 'beta', 'mean', 'variance'],
  outputs: [output],
  attributes: { epsilon: float(1e-3) },
});

const statistics = (channels: number) => ({
  gamma: floats([channels]),
  beta: floats([channels]),
  mean: floats([channels]),
  variance: constantOf(
    'float32',
    [channels],
    floatsOf(floats([channels])).map((value) => value * value + 0.1),
  ),
});

describe('fold-batch-norm', () => {
  test.each([
    ['Conv with bias', ['x', 'w', 'b'], [4, 3, 3, 3], {}],
    ['Conv without bias', ['x', 'w'], [4, 3, 1, 1], {}],
    ['depthwise Conv', ['x', 'w'], [3, 1, 3, 3], { group: int(3) }],
  ])('%s', async (_, inputs, dims, attributes) => {
    const channels = dims[0] as number;
    const graph = graphOf([{ op: 'Conv', inputs, outputs: ['c'], attributes }, batchNorm('c', 'y')], {
      w: floats(dims),
      ...(inputs.length > 2 ? { b: floats([channels]) } : {}),
      ...statistics(channels),
    });
    const folded = runPasses(graph, ['fold-batch-norm', 'remove-dead']);
    expect(operators(folded)).toEqual(['Conv']);
    expect(folded.nodes[0]?.inputs).toHaveLength(3);
    expect(folded.constants.size).toBe(2);
    await expectSame(graph, folded);
  });

  test('the arithmetic is in doubles, rounded once', () => {
    const values = statistics(2);
    const w = floats([2, 3, 1, 1]);
    const graph = graphOf([{ op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] }, batchNorm('c', 'y')], { w, ...values });
    const conv = runPasses(graph, ['fold-batch-norm', 'remove-dead']);
    const [, weights, bias] = (conv.nodes[0]?.inputs ?? []).map((name) => conv.constants.get(name));
    const [gamma, beta, mean, variance] = [values.gamma, values.beta, values.mean, values.variance].map(floatsOf);
    for (let c = 0; c < 2; c++) {
      const s = (gamma?.[c] as number) / Math.sqrt((variance?.[c] as number) + Math.fround(1e-3));
      for (let k = 0; k < 3; k++) {
        expect(floatsOf(weights as typeof w)[3 * c + k]).toBe(Math.fround((floatsOf(w)[3 * c + k] as number) * s));
      }
      expect(floatsOf(bias as typeof w)[c]).toBe(Math.fround((beta?.[c] as number) - s * (mean?.[c] as number)));
    }
  });

  test.each([0, 1])('Gemm with transB %i, alpha and beta', async (transB) => {
    const graph = graphOf(
      [
        {
          op: 'Gemm',
          inputs: ['x', 'w', 'b'],
          outputs: ['g'],
          attributes: { transB: int(transB), alpha: float(0.5), beta: float(2) },
        },
        batchNorm('g', 'y'),
      ],
      { w: floats(transB ? [4, 6] : [6, 4]), b: floats([4]), ...statistics(4) },
      ['N', 6],
    );
    const folded = runPasses(graph, ['fold-batch-norm', 'remove-dead']);
    expect(operators(folded)).toEqual(['Gemm']);
    await expectSame(graph, folded, [3, 6]);
  });

  test('alone it becomes a multiplication and an addition', async () => {
    const graph = graphOf([batchNorm('x', 'y')], statistics(3));
    const folded = runPasses(graph, ['fold-batch-norm', 'remove-dead']);
    expect(operators(folded)).toEqual(['Mul', 'Add']);
    await expectSame(graph, folded);
  });

  test('weights that another node reads stay as they are', async () => {
    const graph = graphOf(
      [
        { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
        batchNorm('c', 'n'),
        { op: 'Conv', inputs: ['x', 'w'], outputs: ['d'] },
        { op: 'Add', inputs: ['n', 'd'], outputs: ['y'] },
      ],
      { w: floats([4, 3, 3, 3]), ...statistics(4) },
    );
    const folded = runPasses(graph, ['fold-batch-norm', 'remove-dead']);
    expect(operators(folded)).toEqual(['Conv', 'Conv', 'Add']);
    expect(folded.constants.get('w')).toBe(graph.constants.get('w'));
    await expectSame(graph, folded);
  });

  test('a result that is also an output keeps its convolution', async () => {
    const graph = graphOf([{ op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] }, batchNorm('c', 'y')], {
      w: floats([4, 3, 3, 3]),
      ...statistics(4),
    });
    const both = { ...graph, outputs: ['y', 'c'] };
    const folded = runPasses(both, ['fold-batch-norm', 'remove-dead']);
    expect(operators(folded)).toEqual(['Conv', 'Mul', 'Add']);
    await expectSame(both, folded);
  });
});

describe('fold-bias', () => {
  test.each([
    ['Conv', [4, 3, 3, 3], [4, 1, 1], ['x', 'w'], [2, 3, 5, 5]],
    ['Conv', [4, 3, 3, 3], [1, 4, 1, 1], ['x', 'w', 'b'], [2, 3, 5, 5]],
    ['Gemm', [6, 4], [4], ['x', 'w', 'b'], [3, 6]],
    ['MatMul', [6, 4], [1, 4], ['x', 'w'], [3, 6]],
  ])('%s %j + %j', async (op, w, addend, inputs, x) => {
    const graph = graphOf(
      [
        { op, inputs, outputs: ['p'] },
        { op: 'Add', inputs: ['a', 'p'], outputs: ['y'] },
      ],
      { w: floats(w), a: floats(addend), ...(inputs.length > 2 ? { b: floats([4]) } : {}) },
      x,
    );
    const folded = runPasses(graph, ['fold-bias', 'remove-dead']);
    expect(operators(folded)).toEqual([op === 'Conv' ? 'Conv' : 'Gemm']);
    await expectSame(graph, folded, x);
  });

  test('an addend that is no bias stays', () => {
    for (const dims of [
      [4, 3, 3],
      [3, 1],
      [2, 1, 4, 3, 3],
    ]) {
      const graph = graphOf(
        [
          { op: 'Conv', inputs: ['x', 'w'], outputs: ['p'] },
          { op: 'Add', inputs: ['p', 'a'], outputs: ['y'] },
        ],
        { w: floats([4, 3, 3, 3]), a: floats(dims) },
      );
      expect(operators(runPasses(graph, ['fold-bias']))).toEqual(['Conv', 'Add']);
    }
  });
});

describe('fuse-activation', () => {
  test('Relu and Clip become clamps', () => {
    const graph = graphOf(
      [
        { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
        { op: 'Relu', inputs: ['c'], outputs: ['r'] },
        { op: 'Clip', inputs: ['r', '', 'six'], outputs: ['s'] },
        { op: 'Add', inputs: ['s', 's'], outputs: ['t'] },
        { op: 'Clip', inputs: ['t', 'one', 'six'], outputs: ['y'] },
      ],
      {
        w: floats([4, 3, 3, 3]),
        one: constantOf('float32', [], Float32Array.of(1)),
        six: constantOf('float32', [], Float32Array.of(6)),
      },
    );
    const fused = optimize(graph);
    expect(operators(fused)).toEqual(['lowbit:Conv', 'lowbit:Add']);
    expect(fused.nodes[0]?.attributes.get('lo')).toEqual(float(0));
    expect(fused.nodes[0]?.attributes.get('hi')).toEqual(float(6));
    expect(fused.nodes[1]?.attributes.get('lo')).toEqual(float(1));
    expect(fused.nodes[1]?.outputs).toEqual(['y']);
    expect(fused.opsets.get('lowbit')).toBe(1);
    expect(verifyGraph(fused).types.get('y')?.dims).toEqual([2, 4, 3, 3]);
    // What quantization starts from stays standard.
    expect(operators(prepare(graph))).toEqual(['Conv', 'Relu', 'Clip', 'Add', 'Clip']);
    expect(prepare(graph).opsets.has('lowbit')).toBe(false);
  });

  test('Clip of opset 6 has attributes', () => {
    const graph = graphOf(
      [
        { op: 'Add', inputs: ['x', 'x'], outputs: ['a'] },
        { op: 'Clip', inputs: ['a'], outputs: ['y'], attributes: { min: float(-1), max: float(2) } },
      ],
      {},
      [1, 4],
      9,
    );
    expect(optimize(graph).nodes[0]?.attributes).toEqual(
      new Map([
        ['lo', float(-1)],
        ['hi', float(2)],
      ]),
    );
  });

  test('a value that something else reads is not fused away', () => {
    const graph = graphOf(
      [
        { op: 'Add', inputs: ['x', 'x'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['r'] },
        { op: 'Mul', inputs: ['a', 'r'], outputs: ['y'] },
      ],
      {},
    );
    expect(operators(optimize(graph))).toEqual(['Add', 'Relu', 'Mul']);
  });
});

describe('fold-constants', () => {
  test('shape arithmetic that named dimensions leave open stays, the rest goes', async () => {
    const nodes: NodeInit[] = [
      { op: 'Shape', inputs: ['x'], outputs: ['s'] },
      { op: 'Gather', inputs: ['s', 'zero'], outputs: ['n'], attributes: { axis: int(0) } },
      { op: 'Concat', inputs: ['n', 'rest'], outputs: ['shape'], attributes: { axis: int(0) } },
      { op: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'] },
    ];
    const constants = { zero: integers(0), rest: integers(-1) };
    const fixed = graphOf(nodes, constants);
    const folded = runPasses(fixed, ['fold-constants']);
    expect(operators(folded)).toEqual(['Reshape']);
    await expectSame(fixed, folded);
    const named = graphOf(nodes, constants, ['N', 3, 5, 5]);
    expect(operators(runPasses(named, ['fold-constants']))).toEqual(['Shape', 'Gather', 'Concat', 'Reshape']);
    expect(prepare(named).types.get('y')?.dims).toEqual(['N', 75]);
  });

  test('weights are transposed and reshaped ahead', async () => {
    const graph = graphOf(
      [
        { op: 'Transpose', inputs: ['w'], outputs: ['t'] },
        { op: 'Reshape', inputs: ['t', 'shape'], outputs: ['r'] },
        { op: 'MatMul', inputs: ['x', 'r'], outputs: ['y'] },
      ],
      { w: floats([4, 3, 2]), shape: integers(6, 4) },
      ['N', 6],
    );
    const folded = prepare(graph);
    expect(operators(folded)).toEqual(['MatMul']);
    await expectSame(graph, folded, [3, 6]);
  });

  test('DequantizeLinear of constants stays', () => {
    const graph = graphOf(
      [
        { op: 'DequantizeLinear', inputs: ['q', 'scale'], outputs: ['w'] },
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] },
      ],
      { q: constantOf('int8', [6, 4], new Int8Array(24)), scale: constantOf('float32', [], Float32Array.of(0.5)) },
      ['N', 6],
    );
    expect(operators(prepare(graph))).toEqual(['DequantizeLinear', 'MatMul']);
  });

  test('a tensor that doubles at every node is not made', () => {
    const nodes = Array.from({ length: 40 }, (_, i): NodeInit => {
      const input = i === 0 ? 'w' : `d${i - 1}`;
      return { op: 'Concat', inputs: [input, input], outputs: [`d${i}`], attributes: { axis: int(0) } };
    });
    const short = [...nodes.slice(0, 28), { op: 'Gather', inputs: ['d27', 'zero'], outputs: ['y'] }];
    const graph = graphOf(short, { w: floats([4]), zero: integers(0) });
    const held = [...runPasses(graph, ['fold-constants']).constants.values()];
    expect(held.reduce((sum, { data }) => sum + data.byteLength, 0)).toBeLessThan(2 ** 25);
    const long = [...nodes, { op: 'Gather', inputs: ['d39', 'zero'], outputs: ['y'] }];
    expect(() => graphOf(long, { w: floats([4]), zero: integers(0) })).toThrow(/elements; at most/);
  });
});

describe('remove-identity and remove-dead', () => {
  test('identities go, names of outputs stay', async () => {
    const graph = graphOf(
      [
        { op: 'Identity', inputs: ['x'], outputs: ['i'] },
        { op: 'Dropout', inputs: ['i'], outputs: ['d', 'mask'] },
        { op: 'Cast', inputs: ['d'], outputs: ['c'], attributes: { to: int(1) } },
        { op: 'Relu', inputs: ['c'], outputs: ['r'] },
        { op: 'Exp', inputs: ['x'], outputs: ['unread'] },
        { op: 'Identity', inputs: ['r'], outputs: ['y'] },
      ],
      { spare: floats([7]) },
    );
    const after = prepare(graph);
    expect(operators(after)).toEqual(['Relu']);
    expect(after.nodes[0]).toMatchObject({ inputs: ['x'], outputs: ['y'] });
    expect(after.constants.size).toBe(0);
    await expectSame(graph, after);
  });

  test('between an input and an output the node stays', () => {
    const graph = graphOf([{ op: 'Identity', inputs: ['x'], outputs: ['y'] }], {});
    expect(operators(prepare(graph))).toEqual(['Identity']);
  });

  test('what a subgraph reads keeps its name', () => {
    const held: Attribute = { kind: 'opaque', value: null, captures: ['held'] };
    const graph = graphOf(
      [
        { op: 'Relu', inputs: ['x'], outputs: ['r'] },
        { op: 'Identity', inputs: ['r'], outputs: ['held'] },
        { op: 'If', inputs: ['x'], outputs: ['y'], attributes: { then_branch: held } },
      ],
      {},
    );
    const after = prepare(graph);
    expect(operators(after)).toEqual(['Relu', 'If']);
    expect(after.nodes[0]?.outputs).toEqual(['held']);
  });
});

test('passes neither change the graph that they are given nor break the rules', () => {
  const graph = graphOf(
    [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
      batchNorm('c', 'n'),
      { op: 'Relu', inputs: ['n'], outputs: ['y'] },
    ],
    { w: floats([4, 3, 3, 3]), ...statistics(4) },
  );
  const before = structuredClone({ ...graph, origin: undefined });
  for (const name of Object.keys(PASSES) as PassName[])
    expect(() => verifyGraph(runPasses(graph, [name]))).not.toThrow();
  expect({ ...graph, origin: undefined }).toEqual(before);
});
