// Inference of types and shapes, with named dimensions, given input shapes, and the values of shape arithmetic.

import { LowbitError } from '../core/errors.js';
import { type Dim, sizeOf } from '../core/shape.js';
import type { ConstantTensor } from '../core/tensor.js';
import { editGraph } from './edit.js';
import type { Graph, Node, ValueType } from './graph.js';
import { ruleOf } from './ops.js';
import { type Known, NodeContext, type OpRule, UNKNOWN } from './rule.js';
import { knownOf, MAX_VALUES } from './values.js';

/** Concrete shapes of inputs, by name. */
export type InputShapes = ReadonlyMap<string, readonly number[]>;

/** What inference found out: a type for each value that has one, and the elements of small shape tensors. */
export interface Inference {
  readonly types: ReadonlyMap<string, ValueType>;
  /** Row-major elements; a name is a dimension that a run decides. */
  readonly values: ReadonlyMap<string, readonly Dim[]>;
}

/**
 * Goes through the nodes in their order (`verifyGraph` sorts them). A name of a dimension means the same number wherever
 * it stands: `inputShapes` decides names everywhere. What is inferred wins over what a file declares; where nothing can be
 * inferred (unknown operators) the declaration stays.
 * Errors: ERR_BAD_MODEL with the node for shapes and types that do not fit; ERR_BAD_ARGUMENT for shapes that do not fit
 * the inputs.
 */
export function inferGraph(graph: Graph, inputShapes?: InputShapes): Inference {
  const known = new Map<string, Known>();
  const named = bindNames(graph, inputShapes);
  const bind = (dims: readonly Dim[] | undefined): readonly Dim[] | undefined =>
    dims?.map((dim) => (typeof dim === 'string' ? (named.get(dim) ?? dim) : dim));
  for (const name of graph.inputs) {
    const type = graph.types.get(name);
    const dims = inputShapes?.get(name) ?? bind(type?.dims);
    known.set(name, { dtype: type?.dtype, dims });
    checkSize(name, dims);
  }
  for (const [name, tensor] of graph.constants) known.set(name, knownOf(tensor));
  for (const node of graph.nodes) {
    const results = inferNode(graph, node, known);
    for (const [index, name] of node.outputs.entries()) {
      if (name === '') continue;
      const declared = graph.types.get(name);
      const result = results[index] ?? UNKNOWN;
      const dims = result.dims ?? bind(declared?.dims);
      checkSize(name, dims, node);
      // Joining a list with itself again and again would double it each time.
      const values = (result.values?.length ?? 0) <= MAX_VALUES ? result.values : undefined;
      known.set(name, { dtype: result.dtype ?? declared?.dtype, dims, values });
    }
  }
  const types = new Map<string, ValueType>();
  const values = new Map<string, readonly Dim[]>();
  for (const [name, { dtype, dims, values: elements }] of known) {
    if (dtype !== undefined) types.set(name, { dtype, dims });
    if (elements !== undefined) values.set(name, elements);
  }
  return { types, values };
}

/** The graph with `types` of every value that inference reaches. Errors: as `inferGraph`. */
export function inferTypes(graph: Graph, inputShapes?: InputShapes): Graph {
  return { ...graph, types: inferGraph(graph, inputShapes).types };
}

/**
 * The graph for one set of input shapes: types are concrete, and shape arithmetic that these shapes decide has become
 * constants (Shape, Gather, Concat, … and the nodes that only they needed are gone). Errors: as `inferGraph`.
 */
export function bindShapes(graph: Graph, inputShapes?: InputShapes): Graph {
  const { types, values } = inferGraph(graph, inputShapes);
  const editor = editGraph({ ...graph, types });
  for (const node of [...editor]) {
    if (node.outputs.length !== 1) continue;
    const name = node.outputs[0] as string;
    const written = node.op === 'Constant' && node.domain === '' ? node.attributes.get('value') : undefined;
    const tensor = written?.kind === 'tensor' ? written.value : constantOfValues(types.get(name), values.get(name));
    if (tensor === undefined || editor.outputs.includes(name)) continue;
    editor.removeNode(node);
    editor.constants.set(name, tensor);
  }
  const needed = new Set(editor.outputs);
  const nodes = [...editor].reverse();
  for (const node of nodes) {
    if (!node.outputs.some((name) => needed.has(name))) editor.removeNode(node);
    else for (const name of inputsOf(node)) needed.add(name);
  }
  for (const name of [...editor.constants.keys()]) {
    if (!needed.has(name)) editor.constants.delete(name);
  }
  return editor.build();
}

function inputsOf(node: Node): string[] {
  const captured = [...node.attributes.values()].flatMap((attribute) =>
    attribute.kind === 'opaque' ? [...(attribute.captures ?? [])] : [],
  );
  return [...node.inputs, ...captured];
}

function constantOfValues(type: ValueType | undefined, values: readonly Dim[] | undefined): ConstantTensor | undefined {
  if (type?.dims === undefined || values === undefined) return undefined;
  const { dtype } = type;
  const dims = type.dims.filter((dim) => typeof dim === 'number');
  const numbers = values.filter((value) => typeof value === 'number');
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (dims.length !== type.dims.length || numbers.length !== values.length || size !== values.length) return undefined;
  if (dtype === 'int64') {
    const elements = BigInt64Array.from(numbers, (value) => BigInt.asIntN(64, clampInt64(value)));
    return { dtype, dims, data: new Uint8Array(elements.buffer) };
  }
  if (dtype === 'int32') return { dtype, dims, data: new Uint8Array(Int32Array.from(numbers).buffer) };
  return dtype === 'float32' ? { dtype, dims, data: new Uint8Array(Float32Array.from(numbers).buffer) } : undefined;
}

/** 2^63 - 1, the usual "to the end", came through a double as 2^63. */
function clampInt64(value: number): bigint {
  const integer = BigInt(Math.trunc(value));
  const most = 2n ** 63n - 1n;
  return integer > most ? most : integer < -most ? -most - 1n : integer;
}

/** What the given shapes say about named dimensions. */
function bindNames(graph: Graph, inputShapes: InputShapes | undefined): Map<string, number> {
  const named = new Map<string, number>();
  for (const [name, shape] of inputShapes ?? []) {
    if (!graph.inputs.includes(name)) {
      const inputs = graph.inputs.map((input) => `'${input}'`).join(', ');
      throw new LowbitError('ERR_BAD_ARGUMENT', `There is no input '${name}'; the inputs are ${inputs}`);
    }
    sizeOf(shape, `input '${name}'`);
    const dims = graph.types.get(name)?.dims;
    if (dims === undefined) continue;
    const fits =
      dims.length === shape.length && dims.every((dim, axis) => typeof dim === 'string' || dim === shape[axis]);
    if (!fits) {
      const text = `[${shape.join(', ')}] was given but [${dims.join(', ')}] is wanted`;
      throw new LowbitError('ERR_BAD_ARGUMENT', `The shape of an input does not fit: ${text}`, { tensor: name });
    }
    for (const [axis, dim] of dims.entries()) {
      if (typeof dim !== 'string') continue;
      const before = named.get(dim);
      if (before !== undefined && before !== shape[axis]) {
        const text = `dimension '${dim}' is ${before} in one place and ${shape[axis]} in another`;
        throw new LowbitError('ERR_BAD_ARGUMENT', `The shapes of the inputs do not agree: ${text}`, { tensor: name });
      }
      named.set(dim, shape[axis] as number);
    }
  }
  return named;
}

/** A tensor whose dimensions are all known must be one that can exist. */
function checkSize(name: string, dims: readonly Dim[] | undefined, node?: Node): void {
  if (dims === undefined) return;
  const numbers = dims.filter((dim) => typeof dim === 'number');
  try {
    sizeOf(numbers, 'the tensor');
  } catch (error) {
    const place = node === undefined ? { tensor: name } : { tensor: name, node: node.name };
    throw new LowbitError('ERR_BAD_MODEL', (error as Error).message, place, { cause: error });
  }
}

function inferNode(graph: Graph, node: Node, known: ReadonlyMap<string, Known>): readonly Known[] {
  const rule = ruleOf(node);
  if (rule === undefined) return [];
  const inputs = node.inputs.map((name) => (name === '' ? undefined : known.get(name)));
  const context = new NodeContext(node, graph.opsets.get(node.domain) ?? 1, inputs, graph.constants);
  checkTypes(context, rule);
  return rule.infer(context);
}

function checkTypes(context: NodeContext, rule: OpRule): void {
  const { accepts, same } = rule;
  for (const [index, name] of context.node.inputs.entries()) {
    const dtype = context.dtype(index);
    const allowed = accepts?.[Math.min(index, accepts.length - 1)];
    if (dtype === undefined || allowed === undefined || allowed.length === 0 || allowed.includes(dtype)) continue;
    context.fail(`input ${index} '${name}' is ${dtype}; expected ${allowed.join(', ')}`);
  }
  const typed = (same ?? []).filter((index) => context.dtype(index) !== undefined);
  const first = typed[0];
  const other = typed.find((index) => context.dtype(index) !== context.dtype(first as number));
  if (first !== undefined && other !== undefined) {
    const inputs = context.node.inputs;
    context.fail(
      `input ${other} '${inputs[other]}' is ${context.dtype(other)} but input ${first} '${inputs[first]}' is ${context.dtype(first)}`,
    );
  }
}
