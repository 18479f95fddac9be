// Graphs made in a few lines, for tests.

import type { ConstantTensor } from '../../src/core/tensor.js';
import { constantOf } from '../../src/core/tensor.js';
import type { NodeInit } from '../../src/ir/edit.js';
import type { Attribute, Graph, ValueType } from '../../src/ir/graph.js';

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const ints = (...value: number[]): Attribute => ({ kind: 'ints', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });

/** A float32 tensor of zeros. */
export function zeros(...dims: number[]): ConstantTensor {
  return constantOf('float32', dims, new Float32Array(dims.reduce((product, dim) => product * dim, 1)));
}

/** An int64 vector. */
export function integers(...values: number[]): ConstantTensor {
  return constantOf('int64', [values.length], BigInt64Array.from(values, BigInt));
}

export interface GraphInit {
  readonly nodes: readonly NodeInit[];
  readonly inputs?: Readonly<Record<string, ValueType['dims']>>;
  readonly constants?: Readonly<Record<string, ConstantTensor>>;
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

/** Not verified. Nodes are called n0, n1, …; the output is that of the last one. */
export function graphOf(init: GraphInit): Graph {
  const inputs = Object.entries(init.inputs ?? { x: [1, 4] });
  return {
    name: 'test',
    opsets: new Map([
      ['', init.opset ?? 13],
      ['lowbit', 1],
    ]),
    inputs: inputs.map(([name]) => name),
    outputs: init.outputs ?? [init.nodes.at(-1)?.outputs[0] ?? ''],
    nodes: init.nodes.map(({ attributes = {}, ...node }, index) => ({
      name: `n${index}`,
      domain: '',
      ...node,
      attributes: new Map(Object.entries(attributes)),
    })),
    constants: new Map(Object.entries(init.constants ?? {})),
    types: new Map(inputs.map(([name, dims]) => [name, { dtype: 'float32', dims }])),
  };
}
