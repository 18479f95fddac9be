// What the table of operators says of one operator, and what its inference sees of a node.

import type { DType } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';
import { type Dim, normalizeAxis } from '../core/shape.js';
import type { ConstantTensor } from '../core/tensor.js';
import type { Attribute, Node } from './graph.js';

/** What is known of a value while inference goes through a graph; undefined parts are not known. */
export interface Known {
  readonly dtype: DType | undefined;
  readonly dims: readonly Dim[] | undefined;
  /** Elements of a small tensor in row-major order, for shape arithmetic: a name is a dimension that a run decides. */
  readonly values?: readonly Dim[] | undefined;
}

/** Nothing is known. */
export const UNKNOWN: Known = { dtype: undefined, dims: undefined };

export interface OpRule {
  /** Least and greatest number of inputs; the first `inputs[0]` must not be absent. */
  readonly inputs: readonly [least: number, most: number];
  readonly outputs: readonly [least: number, most: number];
  /** Kinds of the attributes that inference and the runtime read; others pass unread. */
  readonly attributes: Readonly<Record<string, Attribute['kind']>>;
  /** Types that each input may have, by position; the last row repeats. Absent = any. */
  readonly accepts?: readonly (readonly DType[])[];
  /** Inputs that must have one type. */
  readonly same?: readonly number[];
  /** What is known of the outputs. */
  readonly infer: (context: NodeContext) => readonly Known[];
}

export const FLOAT: readonly DType[] = ['float32', 'float16', 'bfloat16', 'float64'];
export const CODES: readonly DType[] = ['uint8', 'int8'];
export const INDEX: readonly DType[] = ['int64', 'int32'];
export const INT64: readonly DType[] = ['int64'];
export const BOOL: readonly DType[] = ['bool'];
export const ANY: readonly DType[] = [];

export const MANY = 2 ** 31 - 1;

/** A node with what is known of its inputs. */
export class NodeContext {
  readonly node: Node;
  readonly opset: number;
  readonly inputs: readonly (Known | undefined)[];
  private readonly constants: ReadonlyMap<string, ConstantTensor>;

  constructor(
    node: Node,
    opset: number,
    inputs: readonly (Known | undefined)[],
    constants: ReadonlyMap<string, ConstantTensor>,
  ) {
    this.node = node;
    this.opset = opset;
    this.inputs = inputs;
    this.constants = constants;
  }

  /** Throws ERR_BAD_MODEL with the node's name. */
  fail(message: string): never {
    throw new LowbitError('ERR_BAD_MODEL', `${this.node.op}: ${message}`, { node: this.node.name });
  }

  /** Whether the input is there (not absent, not the empty name). */
  has(index: number): boolean {
    return (this.node.inputs[index] ?? '') !== '';
  }

  dtype(index: number): DType | undefined {
    return this.inputs[index]?.dtype;
  }

  dims(index: number): readonly Dim[] | undefined {
    return this.inputs[index]?.dims;
  }

  values(index: number): readonly Dim[] | undefined {
    return this.inputs[index]?.values;
  }

  constant(index: number): ConstantTensor | undefined {
    return this.constants.get(this.node.inputs[index] ?? '');
  }

  /** Dimensions with the rank checked; undefined when they are not known. */
  ranked(index: number, least: number, most: number = least): readonly Dim[] | undefined {
    const dims = this.dims(index);
    if (dims !== undefined && (dims.length < least || dims.length > most)) {
      const wanted = least === most ? `${least}` : most === MANY ? `at least ${least}` : `${least} to ${most}`;
      const name = this.node.inputs[index];
      this.fail(`input ${index} '${name}' has shape [${dims.join(', ')}]; a rank of ${wanted} was expected`);
    }
    return dims;
  }

  /** A list of numbers that are known and whole (a shape, axes, pads); undefined when they are not all known. */
  integers(index: number): readonly number[] | undefined {
    const values = this.values(index);
    return values?.every((value) => typeof value === 'number') ? (values as readonly number[]) : undefined;
  }

  int(name: string): number | undefined;
  int(name: string, otherwise: number): number;
  int(name: string, otherwise?: number): number | undefined {
    const attribute = this.node.attributes.get(name);
    return attribute?.kind === 'int' ? attribute.value : otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.node.attributes.get(name);
    return attribute?.kind === 'ints' ? attribute.value : undefined;
  }

  string(name: string, otherwise: string): string {
    const attribute = this.node.attributes.get(name);
    return attribute?.kind === 'string' ? attribute.value : otherwise;
  }

  /** An axis attribute as a number in [0, rank). */
  axis(value: number, rank: number): number {
    try {
      return normalizeAxis(value, rank);
    } catch {
      return this.fail(`axis ${value} is outside of [${-rank}, ${rank - 1}]`);
    }
  }

  /** Axes in [0, rank), without repetition. */
  axes(values: readonly number[], rank: number): number[] {
    const axes = values.map((value) => this.axis(value, rank));
    if (new Set(axes).size !== axes.length) this.fail(`axes [${values.join(', ')}] name an axis twice`);
    return axes;
  }

  /** The name of a dimension that cannot be told: unequal to every other name. */
  unknownDim(axis: number, output = 0): Dim {
    return `${this.node.outputs[output] ?? this.node.name}.${axis}`;
  }

  /** NumPy's broadcasting of shapes that may have names in them; undefined when one is not known at all. */
  broadcast(shapes: readonly (readonly Dim[] | undefined)[]): readonly Dim[] | undefined {
    let out: readonly Dim[] = [];
    for (const shape of shapes) {
      if (shape === undefined) return undefined;
      const rank = Math.max(out.length, shape.length);
      const a = out;
      out = Array.from({ length: rank }, (_, axis) => {
        const x = a[a.length - rank + axis] ?? 1;
        const y = shape[shape.length - rank + axis] ?? 1;
        if (x === y || y === 1) return x;
        if (x === 1) return y;
        if (typeof x === 'number' && typeof y === 'number') {
          const all = shapes.map((dims) => `[${dims?.join(', ')}]`).join(' and ');
          this.fail(`shapes ${all} do not broadcast`);
        }
        // A name beside a number > 1: the number, since the name can only be 1 or the same.
        if (typeof x === 'number') return x;
        return typeof y === 'number' ? y : this.unknownDim(axis);
      });
    }
    return out;
  }
}

/** The product of dimensions: a number, one name alone, or undefined. */
export function productOf(dims: readonly Dim[]): Dim | undefined {
  let product = 1;
  let name: string | undefined;
  for (const dim of dims) {
    if (typeof dim === 'number') product *= dim;
    else if (name === undefined) name = dim;
    else return undefined;
  }
  if (name === undefined) return product;
  return product === 1 ? name : undefined;
}
