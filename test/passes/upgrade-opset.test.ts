// Upgraded graphs compute what the old ones did, by onnxruntime's word.

import { describe, expect, it } from 'vitest';
import { verifyGraph } from '../../src/ir/verify.js';
import { upgradeOpset } from '../../src/passes/upgrade-opset.js';
import { type Feeds, floatsFrom, judge } from './judge.js';
import { countOf, ModelMaker, operatorsOf, randomFloats } from './model.js';

const feeds: Feeds = { x: { dims: [1, 4, 6, 6], data: randomFloats(144, 5, 4) } };

function cases(): [string, ModelMaker][] {
  const make = (opset: number, build: (m: ModelMaker) => string): ModelMaker => {
    const m = new ModelMaker(opset);
    m.input('x', [1, 4, 6, 6]);
    return m.output(build(m));
  };
  return [
    ['Clip by attributes', make(8, (m) => m.node('Clip', ['x'], { min: { float: -1 }, max: { float: 2 } }))],
    ['Clip of one side', make(8, (m) => m.node('Clip', ['x'], { max: { float: 2 } }))],
    ['Dropout', make(8, (m) => m.node('Relu', [m.node('Dropout', ['x'], { ratio: { float: 0.5 } })]))],
    ['Softmax over the default axis', make(9, (m) => m.node('Softmax', ['x']))],
    ['Softmax over axis 2', make(9, (m) => m.node('Softmax', ['x'], { axis: 2 }))],
    ['Softmax over the last axis', make(9, (m) => m.node('Softmax', ['x'], { axis: 3 }))],
    ['LogSoftmax', make(9, (m) => m.node('LogSoftmax', ['x'], { axis: 1 }))],
    [
      'Slice by attributes',
      make(9, (m) => m.node('Slice', ['x'], { starts: [1, -3], ends: [3, 2 ** 63], axes: [1, 3] })),
    ],
    [
      'Pad by attributes',
      make(9, (m) => m.node('Pad', ['x'], { pads: [0, 1, 0, 2, 0, 0, 1, 0], value: { float: 3 } })),
    ],
    [
      'Unsqueeze and Squeeze',
      make(9, (m) => m.node('Squeeze', [m.node('Unsqueeze', ['x'], { axes: [1, 5] })], { axes: [0, 1] })),
    ],
    ['ReduceSum', make(9, (m) => m.node('ReduceSum', ['x'], { axes: [1, 3], keepdims: 0 }))],
    ['ReduceSum over all', make(9, (m) => m.node('ReduceSum', ['x'], { keepdims: 0 }))],
    ['Upsample', make(9, (m) => m.node('Upsample', ['x', m.floats('s', [1, 1, 2, 3])], { mode: 'nearest' }))],
    ['Upsample, linear', make(9, (m) => m.node('Upsample', ['x', m.floats('s', [1, 1, 2, 2])], { mode: 'linear' }))],
    ['Resize-10', make(10, (m) => m.node('Resize', ['x', m.floats('s', [1, 1, 0.5, 1.5])], { mode: 'nearest' }))],
    [
      'a convolution and a pool',
      make(7, (m) => m.node('MaxPool', [m.node('Conv', ['x', m.random('w', [3, 4, 3, 3])])], { kernel_shape: [2, 2] })),
    ],
  ];
}

describe('upgradeOpset', () => {
  it.each(cases())('keeps what %s means', async (_name, model) => {
    const old = model.graph();
    const upgraded = upgradeOpset(old);
    expect(upgraded.opsets.get('')).toBe(13);
    verifyGraph(upgraded);
    const [before, after] = [await judge(old), await judge(upgraded)];
    const output = old.outputs[0] as string;
    const [wanted, found] = [await before.run(feeds), await after.run(feeds)];
    expect(found[output]?.dims).toEqual(wanted[output]?.dims);
    const values = floatsFrom(found, output);
    floatsFrom(wanted, output).forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 5);
    });
  });

  it('gives Split its sizes as an input', () => {
    const m = new ModelMaker(11);
    m.input('x', [4, 6]);
    const [a] = m.nodeOf('', 'Split', ['x'], ['a', 'b'], { split: [1, 3], axis: 0 });
    const graph = upgradeOpset(
      m
        .output(a as string)
        .output('b')
        .graph(),
    );
    const node = graph.nodes[0];
    expect(node?.attributes.has('split')).toBe(false);
    expect(
      Array.from(
        new BigInt64Array(graph.constants.get(node?.inputs[1] ?? '')?.data.slice().buffer ?? new ArrayBuffer(0)),
      ),
    ).toEqual([1n, 3n]);
  });

  it('adds nothing to a Softmax over the last axis, and a detour to others', () => {
    const graphs = new Map(cases().map(([name, model]) => [name, upgradeOpset(model.graph())]));
    const of = (name: string): string[] => operatorsOf(graphs.get(name) as NonNullable<ReturnType<typeof graphs.get>>);
    expect(of('Softmax over the last axis')).toEqual(['Softmax']);
    expect(of('Softmax over axis 2')).toEqual(['Shape', 'Flatten', 'Softmax', 'Reshape']);
  });

  it('returns a graph that is new enough as it is', () => {
    const m = new ModelMaker(15);
    m.input('x', [2]);
    const graph = m.output(m.node('Relu', ['x'])).graph();
    expect(upgradeOpset(graph)).toBe(graph);
    expect(countOf(graph, 'Relu')).toBe(1);
  });

  it('lists every operator that it cannot rewrite', () => {
    const m = new ModelMaker(10);
    m.input('x', [2, 4]);
    const graph = m.output(m.node('Relu', ['x'])).graph();
    const strange = graph.nodes.map((node) => ({ ...node, op: 'Strange' }));
    const refused = { ...graph, nodes: [...strange, { ...strange[0], name: 'second', op: 'Odd', outputs: ['z'] }] };
    const attempt = (): unknown => upgradeOpset(refused as typeof graph);
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
    expect(attempt).toThrow(/Strange 'n_relu0' is not known; Odd 'second' is not known/);
    expect(() => upgradeOpset({ ...graph, opsets: new Map([['', 6]]) })).toThrow(/operator set 6/);
  });
});
