// Inference: named dimensions, given shapes, windows, shape arithmetic, operators of the domain 'lowbit'.

import { describe, expect, test } from 'vitest';
import { constantOf, integersOf } from '../../src/core/tensor.js';
import type { NodeInit } from '../../src/ir/edit.js';
import { bindShapes, inferTypes } from '../../src/ir/infer.js';
import { OPS } from '../../src/ir/ops.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { resolveWindow } from '../../src/ir/window.js';
import { type GraphInit, graphOf, int, integers, ints, string, zeros } from './graph-build.js';

function dimsOf(init: GraphInit, shapes?: Readonly<Record<string, readonly number[]>>) {
  const graph = inferTypes(graphOf(init), shapes && new Map(Object.entries(shapes)));
  return graph.types.get(graph.outputs[0] as string)?.dims;
}

const conv = (attributes: NodeInit['attributes'] = {}): NodeInit => ({
  op: 'Conv',
  inputs: ['x', 'w'],
  outputs: ['y'],
  ...(attributes ? { attributes } : {}),
});

describe('windows', () => {
  test.each([
    [{ input: [5], kernel: [3] }, [3]],
    [{ input: [224], kernel: [3], strides: [2], pads: [1, 1] }, [112]],
    [{ input: [7], kernel: [3], dilations: [2] }, [3]],
    [{ input: [5], kernel: [2], strides: [2], ceilMode: true }, [3]],
    // The third window would start in the padding: it is dropped.
    [{ input: [4], kernel: [1], strides: [2], pads: [0, 1], ceilMode: true }, [2]],
    [{ input: [5], kernel: [3], strides: [2], autoPad: 'SAME_UPPER' }, [3]],
    [{ input: [5], kernel: [3], autoPad: 'VALID' }, [3]],
  ])('%j gives %j', (options, output) => {
    expect(resolveWindow(options).output).toEqual(output);
  });

  test('SAME puts the odd pad at its side', () => {
    const upper = resolveWindow({ input: [4], kernel: [2], autoPad: 'SAME_UPPER' });
    expect([upper.padsBegin, upper.padsEnd]).toEqual([[0], [1]]);
    const lower = resolveWindow({ input: [4], kernel: [2], autoPad: 'SAME_LOWER' });
    expect([lower.padsBegin, lower.padsEnd]).toEqual([[1], [0]]);
  });
});

describe('named dimensions', () => {
  const image = { inputs: { x: ['N', 3, 'H', 'W'] } };

  test('a window that keeps every size keeps the name; another makes a new one', () => {
    const constants = { w: zeros(8, 3, 3, 3) };
    const same = { pads: ints(1, 1, 1, 1) };
    expect(dimsOf({ ...image, nodes: [conv(same)], constants })).toEqual(['N', 8, 'H', 'W']);
    expect(dimsOf({ ...image, nodes: [conv({ auto_pad: string('SAME_UPPER') })], constants })).toEqual([
      'N',
      8,
      'H',
      'W',
    ]);
    const [n, c, h, w] = dimsOf({ ...image, nodes: [conv()], constants }) ?? [];
    expect([n, c]).toEqual(['N', 8]);
    expect(new Set([h, w, 'H', 'W']).size).toBe(4);
  });

  test('given shapes decide names wherever they stand', () => {
    const init = { ...image, nodes: [conv()], constants: { w: zeros(8, 3, 3, 3) } };
    expect(dimsOf(init, { x: [2, 3, 10, 12] })).toEqual([2, 8, 8, 10]);
    expect(() => dimsOf(init, { x: [2, 4, 10, 12] })).toThrow(
      /\[2, 4, 10, 12\] was given but \[N, 3, H, W\] is wanted/,
    );
    expect(() => dimsOf(init, { z: [1] })).toThrow(/no input 'z'; the inputs are 'x'/);
    const two = { nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }], inputs: { a: ['N'], b: ['N'] } };
    expect(dimsOf(two, { a: [3] })).toEqual([3]);
    expect(() => dimsOf(two, { a: [3], b: [4] })).toThrow(/dimension 'N' is 3 in one place and 4 in another/);
  });

  test('names broadcast', () => {
    const add = (a: (string | number)[], b: (string | number)[]) =>
      dimsOf({ nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }], inputs: { a, b } });
    expect(add(['N', 4], [4])).toEqual(['N', 4]);
    expect(add(['N', 1], [1, 5])).toEqual(['N', 5]);
    expect(add(['N'], [3])).toEqual([3]);
    expect(add(['N'], ['M'])).toEqual(['y.0']);
  });

  test('they go through Flatten, Reshape and Gemm', () => {
    const nodes: NodeInit[] = [
      { op: 'GlobalAveragePool', inputs: ['x'], outputs: ['p'] },
      { op: 'Flatten', inputs: ['p'], outputs: ['f'] },
      { op: 'Gemm', inputs: ['f', 'w'], outputs: ['g'], attributes: { transB: int(1) } },
      { op: 'Reshape', inputs: ['g', 'shape'], outputs: ['y'] },
    ];
    const constants = { w: zeros(10, 3), shape: integers(0, -1, 5) };
    expect(dimsOf({ ...image, nodes, constants })).toEqual(['N', 2, 5]);
    expect(dimsOf({ ...image, nodes, constants: { ...constants, shape: integers(-1, 10) } })).toEqual(['N', 10]);
  });
});

describe('shape arithmetic', () => {
  const nodes: NodeInit[] = [
    { op: 'Shape', inputs: ['x'], outputs: ['s'] },
    { op: 'Gather', inputs: ['s', 'zero'], outputs: ['n'] },
    { op: 'Slice', inputs: ['s', 'two', 'end'], outputs: ['hw'] },
    { op: 'Mul', inputs: ['hw', 'two'], outputs: ['double'] },
    { op: 'Cast', inputs: ['double'], outputs: ['cast'], attributes: { to: int(7) } },
    { op: 'Concat', inputs: ['n', 'three', 'cast'], outputs: ['shape'], attributes: { axis: int(0) } },
    { op: 'Expand', inputs: ['one', 'shape'], outputs: ['y'] },
  ];
  const constants = {
    zero: integers(0),
    two: integers(2),
    three: integers(3),
    end: constantOf('int64', [1], BigInt64Array.of(2n ** 63n - 1n)),
    one: zeros(1),
  };
  const init = { nodes, constants, inputs: { x: ['N', 3, 4, 5] } };

  test('is evaluated with names in it', () => {
    expect(dimsOf(init)).toEqual(['N', 3, 8, 10]);
    expect(dimsOf(init, { x: [2, 3, 4, 5] })).toEqual([2, 3, 8, 10]);
  });

  test('becomes constants once the shapes are given', () => {
    const graph = bindShapes(graphOf(init), new Map([['x', [2, 3, 4, 5]]]));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Expand']);
    expect(integersOf(graph.constants.get('shape') as (typeof constants)['zero'])).toEqual([2, 3, 8, 10]);
    expect([...graph.constants.keys()].sort()).toEqual(['one', 'shape']);
    expect(() => verifyGraph(graph)).not.toThrow();
    expect(bindShapes(graphOf(init)).nodes.map(({ op }) => op)).toContain('Concat');
  });
});

describe("the domain 'lowbit'", () => {
  const scalar = (value: number) => constantOf('float32', [], Float32Array.of(value));
  const zero = constantOf('uint8', [], Uint8Array.of(0));
  const quantized = {
    xs: scalar(1),
    xz: zero,
    ws: scalar(1),
    wz: constantOf('int8', [], Int8Array.of(0)),
    ys: scalar(1),
    yz: zero,
  };
  const codes = {
    ...quantized,
    q: constantOf('uint8', [1, 3, 6, 6], new Uint8Array(108)),
    w: constantOf('int8', [4, 3, 3, 3], new Int8Array(108)),
  };
  const typeOf = (inputs: string[], op = 'QConv', attributes = {}, constants: GraphInit['constants'] = codes) => {
    const node = { op, domain: 'lowbit', inputs, outputs: ['y'], attributes };
    return verifyGraph(inferTypes(verifyGraph(graphOf({ nodes: [node], constants })))).types.get('y');
  };

  test('QConv gives codes, or float32 without a scale', () => {
    const first = ['q', 'xs', 'xz', 'w', 'ws', 'wz'];
    expect(typeOf([...first, 'ys', 'yz'])).toEqual({ dtype: 'uint8', dims: [1, 4, 4, 4] });
    expect(typeOf([...first, '', '', ''])).toEqual({ dtype: 'float32', dims: [1, 4, 4, 4] });
    expect(() => typeOf(['w', 'xs', 'xz', 'ws'])).toThrow(/QConv has 4 inputs; expected 6 to 10/);
  });

  test('QGemm takes any rank on the left', () => {
    const constants = {
      ...quantized,
      a: constantOf('uint8', [2, 5, 3], new Uint8Array(30)),
      b: constantOf('int8', [7, 3], new Int8Array(21)),
    };
    const inputs = ['a', 'xs', 'xz', 'b', 'ws', 'wz', '', 'ys', 'yz'];
    expect(typeOf(inputs, 'QGemm', { transB: int(1) }, constants)).toEqual({ dtype: 'uint8', dims: [2, 5, 7] });
  });

  test('QConcat adds up', () => {
    const inputs = ['ys', 'yz', 'q', 'xs', 'xz', 'q', 'xs', 'xz'];
    expect(typeOf(inputs, 'QConcat', { axis: int(1) })).toEqual({ dtype: 'uint8', dims: [1, 6, 6, 6] });
    expect(() => typeOf(inputs.slice(0, -1), 'QConcat', { axis: int(1) })).toThrow(/triples were expected/);
  });
});

test('every rule of the table says how many inputs and outputs it has', () => {
  const rules = Object.values(OPS).flatMap((rows) => Object.entries(rows));
  expect(rules.length).toBeGreaterThan(100);
  for (const [op, { inputs, outputs }] of rules) {
    expect(inputs[0], op).toBeLessThanOrEqual(inputs[1]);
    expect(outputs[0], op).toBeGreaterThanOrEqual(1);
    expect(outputs[0], op).toBeLessThanOrEqual(outputs[1]);
  }
});
