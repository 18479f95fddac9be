// Small models for tests of passes, written down operator by operator.

import type { DType, TypedArray } from '../../src/core/dtype.js';
import type { Dim } from '../../src/core/shape.js';
import { type ConstantTensor, constantOf } from '../../src/core/tensor.js';
import type { Attribute, Graph, Node, ValueType } from '../../src/ir/graph.js';
import { inferTypes } from '../../src/ir/infer.js';
import { verifyGraph } from '../../src/ir/verify.js';

type AttributeValue = number | string | readonly number[] | { readonly float: number };

/** mulberry32: the same numbers in every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomFloats(count: number, seed: number, amplitude = 1): Float32Array {
  const next = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => (next() * 2 - 1) * amplitude);
}

/** Feeds of one input called x, the same in every run. */
export function feedsOf(
  dims: readonly number[],
  count = 3,
): Record<string, { dims: readonly number[]; data: Float32Array }>[] {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: count }, (_, seed) => ({ x: { dims, data: randomFloats(size, seed + 1, 2) } }));
}

function attributeOf(value: AttributeValue): Attribute {
  if (typeof value === 'number') return { kind: 'int', value };
  if (typeof value === 'string') return { kind: 'string', value };
  if ('float' in value) return { kind: 'float', value: value.float };
  return { kind: 'ints', value };
}

export class ModelMaker {
  readonly #opset: number;
  readonly #inputs: string[] = [];
  readonly #outputs: string[] = [];
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, ConstantTensor>();
  readonly #types = new Map<string, ValueType>();

  constructor(opset = 13) {
    this.#opset = opset;
  }

  input(name: string, dims: readonly Dim[], dtype: DType = 'float32'): string {
    this.#inputs.push(name);
    this.#types.set(name, { dtype, dims });
    return name;
  }

  constant(name: string, dtype: DType, dims: readonly number[], array: TypedArray): string {
    this.#constants.set(name, constantOf(dtype, dims, array));
    this.#types.set(name, { dtype, dims });
    return name;
  }

  /** A scalar or a vector of float32. */
  floats(name: string, values: number | readonly number[]): string {
    const array = typeof values === 'number' ? [values] : values;
    return this.constant(name, 'float32', typeof values === 'number' ? [] : [array.length], Float32Array.from(array));
  }

  /** Weights that are the same in every run. */
  random(name: string, dims: readonly number[], amplitude = 1): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const seed = [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
    return this.constant(name, 'float32', dims, randomFloats(count, seed, amplitude));
  }

  integers(name: string, values: readonly number[]): string {
    return this.constant(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** A node called like its output. */
  node(op: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}, name?: string): string {
    const output = name ?? `${op.toLowerCase()}${this.#nodes.length}`;
    this.#add(op, '', inputs, [output], attributes);
    return output;
  }

  /** A node of another domain, or of several outputs. */
  nodeOf(
    domain: string,
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
  ): readonly string[] {
    this.#add(op, domain, inputs, outputs, attributes);
    return outputs;
  }

  #add(
    op: string,
    domain: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, AttributeValue>,
  ): void {
    const entries = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)] as const);
    this.#nodes.push({ name: `n_${outputs[0]}`, op, domain, inputs, outputs, attributes: new Map(entries) });
  }

  /** Declares the type of a value that inference does not know. */
  declare(name: string, dtype: DType, dims: readonly Dim[]): string {
    this.#types.set(name, { dtype, dims });
    return name;
  }

  output(name: string): this {
    this.#outputs.push(name);
    return this;
  }

  graph(): Graph {
    const opsets = new Map([['', this.#opset]]);
    if (this.#nodes.some((node) => node.domain === 'com.microsoft')) opsets.set('com.microsoft', 1);
    const graph = inferTypes(
      verifyGraph({
        name: 'test',
        opsets,
        inputs: this.#inputs,
        outputs: this.#outputs,
        nodes: this.#nodes,
        constants: this.#constants,
        types: this.#types,
      }),
    );
    const missing = this.#outputs.filter((name) => !graph.types.has(name));
    if (missing.length > 0) throw new Error(`no type for the outputs ${missing.join(', ')}`);
    return graph;
  }
}

/** The operators of a graph in order, with the domain where it is not ai.onnx. */
export function operatorsOf(graph: Graph): string[] {
  return graph.nodes.map(({ domain, op }) => (domain === '' ? op : `${domain}:${op}`));
}

export function countOf(graph: Graph, operator: string): number {
  return operatorsOf(graph).filter((op) => op === operator).length;
}
