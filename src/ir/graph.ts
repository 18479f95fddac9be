// The intermediate representation: a graph of nodes over named values, close to ONNX so that nothing is lost on the way.

import type { DType } from '../core/dtype.js';
import type { Dim } from '../core/shape.js';
import type { ConstantTensor } from '../core/tensor.js';

/** What is known of a value; `dims` is undefined when not even the rank is known. */
export interface ValueType {
  readonly dtype: DType;
  readonly dims: readonly Dim[] | undefined;
}

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: ConstantTensor }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  /**
   * Anything else (subgraphs, sparse tensors, …): kept for writing, opaque to passes. `value` is the format's own object;
   * `captures` are the names of the outer values that a subgraph reads, which must keep their names.
   */
  | { readonly kind: 'opaque'; readonly value: unknown; readonly captures?: readonly string[] };

/** One operation. An absent optional input is the empty name. Nodes are never changed in place: passes replace them. */
export interface Node {
  /** Unique in its graph; made up by the reader where the file has none. */
  readonly name: string;
  readonly op: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** The format's own object for this node (a NodeProto), for fields that the IR does not know. */
  readonly origin?: unknown;
}

/**
 * A graph in single static assignment: every value is an input, a constant, or the output of one node.
 * `nodes` is in topological order once `verifyGraph` has passed. Passes take a graph and return a new one (`editGraph`);
 * constants are shared between the two, never copied.
 */
export interface Graph {
  readonly name: string;
  /** Domain to version, '' being ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Names of the inputs that a run must feed (initializers that are also listed as inputs are not among them). */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, ConstantTensor>;
  /** Types of the inputs, outputs, and every value for which one is declared or inferred. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** The format's own object for the whole model (a ModelProto), for fields that the IR does not know. */
  readonly origin?: unknown;
}
