// A graph in the making: new nodes in order, fresh names, and constants that are stored once.

import { DTYPES, type TypedArray } from '../core/dtype.js';
import { type ConstantTensor, constantOf } from '../core/tensor.js';
import { usesOf } from '../ir/edit.js';
import type { Attribute, Graph, Node, ValueType } from '../ir/graph.js';
import { type CodeFormat, codeArray, NUMBER_FORMATS } from '../numerics/formats.js';

/** Constants up to this size are compared by content, so that equal scales and zero points are stored once. */
const INTERN_BYTES = 16384;

export interface NewNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: ReadonlyMap<string, Attribute>;
  /** Made unique; from the first output when left out. */
  readonly name?: string;
  /** The old node in whose place this one is: it hands its name on. */
  readonly replaces?: Node;
}

/** Collects what becomes a new graph over the constants, inputs and outputs of an old one. */
export class GraphDraft {
  readonly source: Graph;
  readonly nodes: Node[] = [];
  readonly #constants: Map<string, ConstantTensor>;
  readonly #types: Map<string, ValueType>;
  readonly #values: Set<string>;
  readonly #nodeNames: Set<string>;
  readonly #interned = new Map<string, string>();

  constructor(source: Graph) {
    this.source = source;
    this.#constants = new Map(source.constants);
    this.#types = new Map(source.types);
    this.#values = new Set([...source.inputs, ...source.outputs, ...source.constants.keys()]);
    this.#nodeNames = new Set(source.nodes.map((node) => node.name));
    for (const node of source.nodes) for (const output of node.outputs) this.#values.add(output);
  }

  /** A value name that nothing has yet: the base, or the base and a number. */
  freshValue(base: string): string {
    return fresh(base, this.#values);
  }

  /** The constant of that name in the old graph or among the new ones. */
  constantNamed(name: string): ConstantTensor | undefined {
    return this.#constants.get(name);
  }

  /** The name of a constant with these elements: an existing new one when one is equal. */
  constant(base: string, tensor: ConstantTensor): string {
    const key =
      tensor.data.byteLength > INTERN_BYTES
        ? undefined
        : `${tensor.dtype} ${tensor.dims.join('x')} ${tensor.data.join()}`;
    const known = key === undefined ? undefined : this.#interned.get(key);
    if (known !== undefined) return known;
    const name = this.freshValue(base);
    this.#constants.set(name, tensor);
    this.#types.set(name, { dtype: tensor.dtype, dims: tensor.dims });
    if (key !== undefined) this.#interned.set(key, name);
    return name;
  }

  /** A float32 constant: a scalar for a number, a vector for an array. */
  floats(base: string, value: number | Float32Array): string {
    const array = typeof value === 'number' ? Float32Array.of(value) : value;
    return this.constant(base, constantOf('float32', typeof value === 'number' ? [] : [array.length], array));
  }

  /** A constant of codes, all equal: a scalar, or a vector of `length`. */
  codes(base: string, format: CodeFormat, value: number, length?: number): string {
    const array: TypedArray = codeArray(format, length ?? 1).fill(value);
    const dims = length === undefined ? [] : [length];
    return this.constant(base, constantOf(NUMBER_FORMATS[format].dtype, dims, array));
  }

  /** Appends a node under a fresh name. */
  add({ op, domain = '', inputs, outputs, attributes = new Map(), name, replaces }: NewNode): void {
    const unique = replaces?.name ?? fresh(name ?? `${outputs[0]}_${op}`, this.#nodeNames);
    this.nodes.push({ name: unique, op, domain, inputs, outputs, attributes });
  }

  /** Appends an old node, its name kept, with other inputs or outputs. */
  keep(node: Node, inputs: readonly string[] = node.inputs, outputs: readonly string[] = node.outputs): void {
    this.nodes.push({ ...node, inputs, outputs });
  }

  /** The known type of a value, under its old or its new name. */
  typeOf(value: string): ValueType | undefined {
    return this.#types.get(value);
  }

  /** Notes that `value` has the shape of `like`, in codes of a format or in the type of `like`. */
  typeLike(value: string, like: string, format?: CodeFormat): void {
    const known = this.#types.get(like);
    if (known === undefined) return;
    this.#types.set(value, {
      dtype: format === undefined ? known.dtype : NUMBER_FORMATS[format].dtype,
      dims: known.dims,
    });
  }

  setType(value: string, type: ValueType): void {
    this.#types.set(value, type);
  }

  /** The new graph: nodes that nothing reads, and constants and types that nothing names, are left out. */
  finish(opsets: ReadonlyMap<string, number> = this.source.opsets): Graph {
    const used = new Set(this.source.outputs);
    const kept: Node[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((output) => used.has(output))) continue;
      kept.push(node);
      for (const input of usesOf(node)) used.add(input);
    }
    const nodes = kept.reverse();
    const values = new Set(this.source.inputs);
    for (const node of nodes) for (const output of node.outputs) values.add(output);
    const constants = new Map([...this.#constants].filter(([name]) => used.has(name) && !values.has(name)));
    const types = new Map([...this.#types].filter(([name]) => values.has(name) || constants.has(name)));
    return { ...this.source, opsets, nodes, constants, types };
  }
}

function fresh(base: string, taken: Set<string>): string {
  let name = base;
  for (let n = 1; taken.has(name); n++) name = `${base}_${n}`;
  taken.add(name);
  return name;
}

/** Which nodes read and which node writes each value. */
export interface Usage {
  readonly producers: ReadonlyMap<string, Node>;
  /** Every reading of a value, in node order; a node that reads it twice is there twice. */
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  /** Outputs of the graph and values that subgraphs read: their names must stay, and they must stay in float. */
  readonly pinned: ReadonlySet<string>;
  /** The one node that reads the value, when it is one, reads it once, and the value is not pinned. */
  soleReader(value: string): Node | undefined;
}

export function usageOf(graph: Graph): Usage {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  const pinned = new Set(graph.outputs);
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node);
    for (const input of node.inputs) {
      const known = readers.get(input);
      if (known === undefined) readers.set(input, [node]);
      else known.push(node);
    }
    for (const value of usesOf(node)) if (!node.inputs.includes(value)) pinned.add(value);
  }
  return {
    producers,
    readers,
    pinned,
    soleReader(value) {
      const found = readers.get(value);
      return found?.length === 1 && !pinned.has(value) ? found[0] : undefined;
    },
  };
}

export function intAttribute(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' ? attribute.value : otherwise;
}

export function floatAttribute(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'float' ? attribute.value : otherwise;
}

/** The ONNX number of the type that holds codes of a format. */
export function onnxNumberOf(format: CodeFormat): number {
  return DTYPES[NUMBER_FORMATS[format].dtype].onnx;
}
