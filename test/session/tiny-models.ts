// Graphs for the tests of the session, made by hand.

import { constantOf } from '../../src/core/tensor.js';
import type { Attribute, Graph, Node } from '../../src/ir/graph.js';

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): Node {
  return { name: `${op}_${outputs[0]}`, op, domain, inputs, outputs, attributes: new Map(Object.entries(attributes)) };
}

/** y = relu(x W + b), x [batch, 3], W [3, 2]. */
export function tinyGemm(): Graph {
  return {
    name: 'tiny',
    opsets: new Map([['', 17]]),
    inputs: ['x'],
    outputs: ['y'],
    nodes: [node('Gemm', ['x', 'w', 'b'], ['h']), node('Relu', ['h'], ['y'])],
    constants: new Map([
      ['w', constantOf('float32', [3, 2], Float32Array.of(1, -1, 2, -2, 3, -3))],
      ['b', constantOf('float32', [2], Float32Array.of(0.5, 0.25))],
    ]),
    types: new Map([
      ['x', { dtype: 'float32', dims: ['batch', 3] }],
      ['y', { dtype: 'float32', dims: ['batch', 2] }],
    ]),
  };
}

/** A chain of `depth` 3x3 convolutions of 16 channels on [1, 16, size, size]: a run that takes a while. */
export function deepConv(depth: number, size: number): Graph {
  const weights = Float32Array.from({ length: 16 * 16 * 9 }, (_, i) => ((i * 7919) % 101) / 101 / 144 - 0.5 / 144);
  const pads: Attribute = { kind: 'ints', value: [1, 1, 1, 1] };
  return {
    name: 'deep',
    opsets: new Map([['', 17]]),
    inputs: ['v0'],
    outputs: [`v${depth}`],
    nodes: Array.from({ length: depth }, (_, i) => node('Conv', [`v${i}`, 'w'], [`v${i + 1}`], { pads })),
    constants: new Map([['w', constantOf('float32', [16, 16, 3, 3], weights)]]),
    types: new Map([
      ['v0', { dtype: 'float32', dims: [1, 16, size, size] }],
      [`v${depth}`, { dtype: 'float32', dims: [1, 16, size, size] }],
    ]),
  };
}
