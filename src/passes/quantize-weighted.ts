// Conv, Gemm and MatMul with constant weights, in one form: input, weights, channel axis, bias, depth.

import { type ConstantTensor, constantOf } from '../core/tensor.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { floatAttribute, intAttribute } from './draft.js';
import { biasRoom, biasVector, scaled } from './quantize-weights.js';

export interface WeightedNode {
  readonly input: string;
  /** Name of the constant, for sharing; `tensor` may already be scaled by alpha. */
  readonly weights: string;
  readonly tensor: ConstantTensor;
  /** The output channel's axis in the weights. */
  readonly axis: number;
  readonly channels: number;
  /** Products that one output sums. */
  readonly depth: number;
  /** One per channel, already scaled by beta; undefined when there is none. */
  readonly bias: Float32Array | undefined;
  /** Name of the bias constant. */
  readonly biasName: string;
  /** Attributes of the node over codes: alpha and beta are in the constants. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Whether runtimes run it on codes when its output is wanted in float. */
  readonly floatOutput: boolean;
}

/** The node in that form, or undefined when it cannot run on codes: weights not constant, a bias of another shape, too deep. */
export function weightedNodeOf(node: Node, graph: Graph): WeightedNode | undefined {
  if (node.op === 'Conv') return convOf(node, graph);
  if (node.op === 'Gemm') return gemmOf(node, graph);
  return node.op === 'MatMul' ? matmulOf(node, graph) : undefined;
}

function floatConstant(graph: Graph, name: string | undefined): ConstantTensor | undefined {
  const tensor = name === undefined ? undefined : graph.constants.get(name);
  return tensor?.dtype === 'float32' ? tensor : undefined;
}

/** The bias of the input at `index`: absent is fine, anything but a constant vector is not. */
function biasOf(
  node: Node,
  graph: Graph,
  index: number,
  channels: number,
): { vector: Float32Array | undefined } | undefined {
  const name = node.inputs[index] ?? '';
  if (name === '') return { vector: undefined };
  const tensor = floatConstant(graph, name);
  const vector = tensor === undefined ? undefined : biasVector(tensor, channels);
  return vector === undefined ? undefined : { vector };
}

function complete(
  node: Node,
  graph: Graph,
  form: Pick<WeightedNode, 'tensor' | 'axis' | 'depth' | 'attributes' | 'floatOutput'>,
  beta = 1,
): WeightedNode | undefined {
  const [input = '', weights = ''] = node.inputs;
  const channels = form.tensor.dims[form.axis] as number;
  const bias = biasOf(node, graph, 2, channels);
  if (bias === undefined || graph.constants.has(input) || biasRoom(form.depth) === undefined) return undefined;
  if (channels === 0 || form.depth === 0) return undefined;
  const vector = bias.vector === undefined || beta === 1 ? bias.vector : bias.vector.map((value) => value * beta);
  return { ...form, input, weights, channels, bias: vector, biasName: node.inputs[2] ?? '' };
}

function convOf(node: Node, graph: Graph): WeightedNode | undefined {
  const tensor = floatConstant(graph, node.inputs[1]);
  if (tensor === undefined || tensor.dims.length < 3) return undefined;
  const depth = tensor.dims.slice(1).reduce((product, dim) => product * dim, 1);
  return complete(node, graph, { tensor, axis: 0, depth, attributes: node.attributes, floatOutput: false });
}

function gemmOf(node: Node, graph: Graph): WeightedNode | undefined {
  const tensor = floatConstant(graph, node.inputs[1]);
  if (tensor?.dims.length !== 2 || intAttribute(node, 'transA', 0) !== 0) return undefined;
  const axis = intAttribute(node, 'transB', 0) === 0 ? 1 : 0;
  const alpha = floatAttribute(node, 'alpha', 1);
  const attributes = new Map([...node.attributes].filter(([name]) => name !== 'alpha' && name !== 'beta'));
  const depth = tensor.dims[1 - axis] as number;
  const form = { tensor: scaled(tensor, alpha), axis, depth, attributes, floatOutput: true };
  return complete(node, graph, form, floatAttribute(node, 'beta', 1));
}

function matmulOf(node: Node, graph: Graph): WeightedNode | undefined {
  const tensor = floatConstant(graph, node.inputs[1]);
  if (tensor?.dims.length !== 2) return undefined;
  const depth = tensor.dims[0] as number;
  return complete(node, graph, { tensor, axis: 1, depth, attributes: node.attributes, floatOutput: true });
}

/** A vector as a constant tensor. */
export function vectorOf(values: Int32Array): ConstantTensor {
  return constantOf('int32', [values.length], values);
}
