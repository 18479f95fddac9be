// Products with constant weights, and how a scale and an offset per output channel go into their constants.

import { type ConstantTensor, constantOf, floatsOf } from '../core/tensor.js';
import type { GraphEditor } from '../ir/edit.js';
import type { Node } from '../ir/graph.js';

/** A Conv, Gemm or MatMul whose weights and bias are float32 constants. */
export interface Affine {
  readonly node: Node;
  readonly weights: ConstantTensor;
  readonly bias: Float32Array | undefined;
  /** Number of output channels, and where they are in the weights: channel = floor(index / inner) % channels. */
  readonly channels: number;
  readonly inner: number;
}

/** The constants of a node, when it is a product with a constant whose bias can change freely. */
export function affineOf(editor: GraphEditor, node: Node): Affine | undefined {
  if (node.domain !== '' || (node.op !== 'Conv' && node.op !== 'Gemm')) return undefined;
  const weights = editor.constant(node.inputs[1]);
  if (weights?.dtype !== 'float32' || weights.data.byteLength === 0) return undefined;
  const { dims } = weights;
  const gemm = node.op === 'Gemm';
  const transposed = gemm && attributeOf(node, 'transB', 0) !== 0;
  const outer = !gemm || transposed;
  const channels = (outer ? dims[0] : dims[1]) as number;
  const inner = outer ? dims.slice(1).reduce((product, dim) => product * dim, 1) : 1;
  const name = node.inputs[2] ?? '';
  if (name === '') return { node, weights, bias: undefined, channels, inner };
  const tensor = editor.constant(name);
  if (tensor?.dtype !== 'float32') return undefined;
  const beta = gemm ? attributeOf(node, 'beta', 1) : 1;
  const bias = channelVector(tensor, channels, 0);
  return bias && { node, weights, bias: beta === 1 ? bias : bias.map((value) => value * beta), channels, inner };
}

/**
 * The tensor as one value per channel, when it broadcasts so: `trailing` dimensions of size 1 come after the channels.
 * Undefined for other shapes.
 */
export function channelVector(tensor: ConstantTensor, channels: number, trailing: number): Float32Array | undefined {
  if (tensor.dtype !== 'float32') return undefined;
  const { dims } = tensor;
  const values = floatsOf(tensor);
  if (values.length === 1 && dims.length <= trailing + 2) return new Float32Array(channels).fill(values[0] as number);
  const axis = dims.length - 1 - trailing;
  const fits = values.length === channels && dims[axis] === channels;
  return fits ? values : undefined;
}

/** Puts new weights and a new bias (one value per output channel) in the place of the old; outputs may be renamed. */
export function replaceAffine(
  editor: GraphEditor,
  affine: Affine,
  change: { weights?: Float32Array; bias: Float32Array; output: string },
): Node {
  const { node } = affine;
  const weights =
    change.weights === undefined
      ? (node.inputs[1] as string)
      : editor.addConstant(`${node.inputs[1]}_folded`, constantOf('float32', affine.weights.dims, change.weights));
  const stem = node.inputs[2] ? `${node.inputs[2]}_folded` : `${node.name}_bias`;
  const bias = editor.addConstant(stem, constantOf('float32', [affine.channels], change.bias));
  const attributes = new Map(node.attributes);
  attributes.delete('beta');
  return editor.replaceNode(node, {
    ...node,
    inputs: [node.inputs[0] as string, weights, bias],
    outputs: [change.output],
    attributes,
  });
}

/** A number among a node's attributes. */
export function attributeOf(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : otherwise;
}
