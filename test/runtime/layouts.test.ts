// Operators behind convolutions, where values are stored channels-last, against onnxruntime; and how often bytes move.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../src/backend/load.js';
import { constantOf } from '../../src/core/tensor.js';
import { writeOnnx } from '../../src/formats/onnx/onnx.js';
import type { Attribute, Graph, Node, ValueType } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { compile } from '../../src/runtime/compile.js';

const ints = (...value: number[]): Attribute => ({ kind: 'ints', value });
const int = (value: number): Attribute => ({ kind: 'int', value });

function floats(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  });
}

const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

type Step = readonly [
  op: string,
  inputs: readonly string[],
  output: string,
  attributes?: Readonly<Record<string, Attribute>>,
];

/** Constants: shapes of random floats, or lists of int64. */
type Constants = Readonly<Record<string, readonly number[] | { readonly int64: readonly number[] }>>;

interface Case {
  readonly steps: readonly Step[];
  readonly constants?: Constants;
  readonly outputs?: readonly string[];
  /** Shape of x. */
  readonly x?: readonly number[];
  /** The `transpose` instructions that the plan may have. */
  readonly transposes?: number;
}

function graphOf({ steps, constants = {}, outputs, x = [2, 3, 6, 5] }: Case): Graph {
  const nodes: Node[] = steps.map(([op, inputs, output, attributes = {}], index) => ({
    name: `${op}_${index}`,
    op,
    domain: '',
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
  }));
  const tensors = Object.entries(constants).map(([name, spec], index) =>
    'int64' in spec
      ? ([name, constantOf('int64', [spec.int64.length], BigInt64Array.from(spec.int64, BigInt))] as const)
      : ([name, constantOf('float32', spec, floats(size(spec), index + 11))] as const),
  );
  const wanted = outputs ?? [steps.at(-1)?.[2] as string];
  const graph: Graph = {
    name: 'case',
    opsets: new Map([['', 17]]),
    inputs: ['x'],
    outputs: wanted,
    nodes,
    constants: new Map(tensors),
    types: new Map<string, ValueType>([
      ['x', { dtype: 'float32', dims: x }],
      ...wanted.map((name) => [name, { dtype: 'float32', dims: undefined }] as const),
    ]),
  };
  return verifyGraph(graph);
}

const W = { w: [4, 3, 3, 3] } as const;
const CONV: Step = ['Conv', ['x', 'w'], 'c', { pads: ints(1, 1, 1, 1) }];

const CASES: Readonly<Record<string, Case>> = {
  'a chain of convolutions moves the input and the output': {
    steps: [CONV, ['Relu', ['c'], 'r'], ['Conv', ['r', 'v'], 'y']],
    constants: { ...W, v: [5, 4, 1, 1] },
    transposes: 2,
  },
  'one channel needs no move': {
    steps: [
      ['Conv', ['x', 'w'], 'c', { pads: ints(1, 1, 1, 1) }],
      ['GlobalAveragePool', ['c'], 'p'],
      ['Flatten', ['p'], 'y'],
    ],
    constants: { w: [4, 1, 3, 3] },
    x: [2, 1, 6, 5],
    transposes: 0,
  },
  'a bias per channel': { steps: [CONV, ['Add', ['c', 'b'], 'y']], constants: { ...W, b: [4, 1, 1] }, transposes: 2 },
  'a constant of the whole shape': {
    steps: [CONV, ['Mul', ['b', 'c'], 'y']],
    constants: { ...W, b: [1, 4, 6, 5] },
    transposes: 2,
  },
  'a constant of lower rank': {
    steps: [CONV, ['Sub', ['c', 'b'], 'y']],
    constants: { ...W, b: [4, 6, 5] },
    transposes: 2,
  },
  'a row': { steps: [CONV, ['Div', ['c', 'b'], 'y']], constants: { ...W, b: [5] }, transposes: 2 },
  'a column of positions': { steps: [CONV, ['Add', ['b', 'c'], 'y']], constants: { ...W, b: [6, 1] }, transposes: 2 },
  'a value of another layout': {
    steps: [
      ['Conv', ['x', 'w'], 'c', { pads: ints(1, 1, 1, 1) }],
      ['Add', ['c', 'x'], 'y'],
    ],
    constants: { w: [3, 3, 3, 3] },
    transposes: 2,
  },
  'the output broadcasts both': {
    steps: [CONV, ['GlobalAveragePool', ['c'], 'p'], ['Mul', ['c', 'p'], 'y']],
    constants: W,
    transposes: 2,
  },
  'a value and itself': { steps: [CONV, ['Relu', ['c'], 'r'], ['Add', ['r', 'r'], 'y']], constants: W },
  'a value that is read again': { steps: [CONV, ['Relu', ['c'], 'r'], ['Sub', ['r', 'c'], 'y']], constants: W },
  'concatenation of channels': {
    steps: [CONV, ['Conv', ['x', 'v'], 'd'], ['Concat', ['c', 'd', 'c'], 'y', { axis: int(1) }]],
    constants: { ...W, v: [2, 3, 1, 1] },
    transposes: 2,
  },
  'concatenation of rows, with a constant and the input': {
    steps: [
      ['Conv', ['x', 'w'], 'c', { pads: ints(1, 1, 1, 1) }],
      ['Concat', ['c', 'b', 'x'], 'y', { axis: int(-2) }],
    ],
    constants: { w: [3, 3, 3, 3], b: [2, 3, 2, 5] },
  },
  'concatenation of images': { steps: [CONV, ['Concat', ['c', 'c'], 'y', { axis: int(0) }]], constants: W },
  'softmax over channels': { steps: [CONV, ['Softmax', ['c'], 'y', { axis: int(1) }]], constants: W, transposes: 2 },
  'softmax over columns': { steps: [CONV, ['Softmax', ['c'], 'y', { axis: int(3) }]], constants: W },
  'a transpose to channels-last is free': {
    steps: [CONV, ['Transpose', ['c'], 'y', { perm: ints(0, 2, 3, 1) }]],
    constants: W,
    transposes: 1,
  },
  'a transpose from channels-last is free': {
    steps: [
      ['Transpose', ['x'], 't', { perm: ints(0, 3, 1, 2) }],
      ['Conv', ['t', 'w'], 'c'],
      ['Transpose', ['c'], 'y', { perm: ints(0, 2, 3, 1) }],
    ],
    constants: { w: [4, 5, 3, 3] },
    transposes: 0,
  },
  'another transpose': {
    steps: [CONV, ['Transpose', ['c'], 'y', { perm: ints(3, 1, 0, 2) }]],
    constants: W,
    transposes: 2,
  },
  'reshape of an image': {
    steps: [CONV, ['Reshape', ['c', 's'], 'y']],
    constants: { ...W, s: { int64: [0, -1] } },
    transposes: 2,
  },
  'reshape that keeps the channels': {
    steps: [CONV, ['Reshape', ['c', 's'], 'r'], ['Softmax', ['r'], 'y', { axis: int(2) }]],
    constants: { ...W, s: { int64: [0, 0, -1] } },
    transposes: 2,
  },
  'unsqueeze and squeeze': {
    steps: [
      CONV,
      ['Unsqueeze', ['c', 'a'], 'u'],
      ['Squeeze', ['u', 'a'], 's'],
      ['MaxPool', ['s'], 'y', { kernel_shape: ints(2, 2) }],
    ],
    constants: { ...W, a: { int64: [2] } },
  },
  'slices of channels and positions': {
    steps: [CONV, ['Slice', ['c', 'from', 'to', 'axes', 'by'], 'y']],
    constants: {
      ...W,
      from: { int64: [1, -5] },
      to: { int64: [100, 6] },
      axes: { int64: [1, 2] },
      by: { int64: [2, 3] },
    },
  },
  'padding of channels and positions': {
    steps: [CONV, ['Pad', ['c', 'pads', 'value'], 'y']],
    constants: { ...W, pads: { int64: [0, 1, 2, 0, 0, 3, 0, 1] }, value: [] },
    transposes: 2,
  },
  'batch normalization': {
    steps: [CONV, ['Mul', ['v0', 'v0'], 'v'], ['BatchNormalization', ['c', 's', 'b', 'm', 'v'], 'y']],
    constants: { ...W, s: [4], b: [4], m: [4], v0: [4] },
  },
  'groups and dilations': {
    steps: [
      [
        'Conv',
        ['x', 'w', 'b'],
        'y',
        { group: int(2), dilations: ints(2, 1), strides: ints(1, 2), pads: ints(2, 0, 1, 1) },
      ],
    ],
    constants: { w: [6, 2, 2, 3], b: [6] },
    x: [2, 4, 7, 6],
  },
  'depthwise, even kernel, SAME_LOWER': {
    steps: [['Conv', ['x', 'w'], 'y', { group: int(3), auto_pad: { kind: 'string', value: 'SAME_LOWER' } }]],
    constants: { w: [3, 1, 2, 4] },
  },
  'depthwise with two filters per channel': {
    steps: [['Conv', ['x', 'w'], 'y', { group: int(3) }]],
    constants: { w: [6, 1, 3, 3] },
  },
  'one spatial axis': {
    steps: [
      ['Conv', ['x', 'w'], 'c', { strides: ints(2), pads: ints(1, 0) }],
      ['MaxPool', ['c'], 'm', { kernel_shape: ints(2) }],
      ['AveragePool', ['m'], 'y', { kernel_shape: ints(2), pads: ints(1, 0), count_include_pad: int(1) }],
    ],
    constants: { w: [4, 3, 3] },
    x: [2, 3, 17],
  },
  'several outputs, inner and aliased ones': {
    steps: [CONV, ['Relu', ['c'], 'r'], ['Identity', ['r'], 'i'], ['Flatten', ['r'], 'f']],
    constants: W,
    outputs: ['c', 'r', 'i', 'f'],
  },
  'matrix product with a batch on both sides': {
    steps: [
      ['MatMul', ['x', 'b'], 'm'],
      ['MatMul', ['m', 'x'], 'y'],
    ],
    constants: { b: [3, 5, 6] },
    x: [2, 3, 6, 5],
  },
  'matrix product that repeats B': {
    steps: [['MatMul', ['b', 'x'], 'y']],
    constants: { b: [4, 1, 2, 6] },
    x: [3, 6, 5],
  },
  'matrix product that repeats A': { steps: [['MatMul', ['x', 'b'], 'y']], constants: { b: [3, 5, 2] }, x: [6, 5] },
  'Gemm with everything': {
    steps: [
      [
        'Gemm',
        ['x', 'w', 'b'],
        'y',
        { transA: int(1), transB: int(1), alpha: { kind: 'float', value: 0.5 }, beta: { kind: 'float', value: 0.25 } },
      ],
    ],
    constants: { w: [7, 4], b: [5, 1] },
    x: [4, 5],
  },
};

describe('values behind convolutions', () => {
  it.each(Object.entries(CASES))('%s', async (_, spec) => {
    const graph = graphOf(spec);
    const dims = spec.x ?? [2, 3, 6, 5];
    const data = floats(size(dims), 3);
    const plan = await compile(graph, loadBackend());
    const mine = await plan.run(new Map([['x', data]]));
    const session = await ort.InferenceSession.create(writeOnnx(graph));
    const theirs = await session.run({ x: new ort.Tensor('float32', data, dims) });
    for (const { name, dims: shape } of plan.outputs) {
      expect(shape).toEqual(theirs[name]?.dims);
      const [a, b] = [mine.outputs.get(name) as Float32Array, theirs[name]?.data as Float32Array];
      const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
      a.forEach((value, i) => {
        expect(Math.abs(value - (b[i] as number)) / largest, `${name}[${i}]: ${value} for ${b[i]}`).toBeLessThan(1e-5);
      });
    }
    const transposes = plan.describe().match(/^\d+ transpose /gm)?.length ?? 0;
    if (spec.transposes !== undefined) expect(transposes).toBe(spec.transposes);
    plan.dispose();
  });

  it('shares packed weights between shapes', async () => {
    const graph = graphOf({ steps: [CONV, ['Relu', ['c'], 'y']], constants: W });
    const open = { ...graph, types: new Map([['x', { dtype: 'float32', dims: ['n', 3, 'h', 'w'] }]]) } as Graph;
    const packed = new Map<string, Uint8Array>();
    const run = async (dims: readonly number[], kept?: Map<string, Uint8Array>) => {
      const plan = await compile(open, loadBackend(), {
        inputShapes: new Map([['x', dims]]),
        ...(kept && { packed: kept }),
      });
      return (await plan.run(new Map([['x', floats(size(dims), 3)]]))).outputs.get('y');
    };
    const first = await run([1, 3, 6, 5], packed);
    expect(packed.size).toBe(1);
    expect(await run([1, 3, 6, 5])).toEqual(first);
    expect(await run([2, 3, 4, 4], packed)).toEqual(await run([2, 3, 4, 4]));
    expect(packed.size).toBe(1);
  });

  it('takes inputs in as constants when it is told their values', async () => {
    const graph = graphOf({ steps: [['Reshape', ['x', 's'], 'y']], constants: { s: { int64: [0, -1] } } });
    const shape = graph.constants.get('s');
    if (shape === undefined) throw new Error('the shape');
    const open: Graph = {
      ...graph,
      inputs: ['x', 's'],
      constants: new Map(),
      types: new Map([...graph.types, ['s', { dtype: 'int64', dims: [2] }]]),
    };
    await expect(compile(open, loadBackend())).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    const plan = await compile(open, loadBackend(), { inputValues: new Map([['s', shape]]) });
    expect(plan.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(plan.outputs[0]?.dims).toEqual([2, 90]);
  });
});
