// Folds batch normalization into the weights before it, or makes it a multiplication and an addition.

import { type ConstantTensor, constantOf, floatsOf } from '../core/tensor.js';
import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { type Affine, affineOf, attributeOf, replaceAffine } from './affine.js';

/** y = x * scale[c] + offset[c], in doubles. */
interface ChannelAffine {
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/**
 * y = gamma * (x - mean) / sqrt(variance + epsilon) + beta is y = s * x + (beta - s * mean) with
 * s = gamma / sqrt(variance + epsilon). Behind a Conv or Gemm with constant weights, whose result nothing else reads:
 * w'[c] = f32(w[c] * s[c]) and b'[c] = f32(s[c] * b[c] + beta[c] - s[c] * mean[c]), in doubles and rounded once. Elsewhere,
 * where the rank is known, a Mul and an Add of [c, 1, …]. Source: ONNX BatchNormalization-15, inference mode.
 */
export function foldBatchNorm(graph: Graph): Graph {
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (node.domain !== '' || node.op !== 'BatchNormalization') continue;
    const channels = channelAffine(editor, node);
    if (channels === undefined) continue;
    const input = node.inputs[0] as string;
    const producer = editor.producer(input);
    const affine = producer && editor.onlyConsumer(input) === node ? affineOf(editor, producer) : undefined;
    if (affine?.channels === channels.scale.length) foldInto(editor, affine, node, channels);
    else separate(editor, node, channels);
  }
  return editor.build();
}

function channelAffine(editor: GraphEditor, node: Node): ChannelAffine | undefined {
  // Further outputs are the statistics of training; `spatial` = 0 (before opset 9) has statistics per position.
  if (node.outputs.slice(1).some((name) => name !== '') || attributeOf(node, 'training_mode', 0) !== 0)
    return undefined;
  if (attributeOf(node, 'spatial', 1) === 0) return undefined;
  const parameters = node.inputs.slice(1).map((name) => editor.constant(name));
  if (!parameters.every((tensor): tensor is ConstantTensor => tensor?.dtype === 'float32')) return undefined;
  const [gamma, beta, mean, variance] = parameters.map(floatsOf) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  if ([beta, mean, variance].some((values) => values.length !== gamma.length)) return undefined;
  const epsilon = Math.fround(attributeOf(node, 'epsilon', 1e-5));
  const scale = Float64Array.from(gamma, (value, c) => value / Math.sqrt((variance[c] as number) + epsilon));
  const offset = Float64Array.from(beta, (value, c) => value - (scale[c] as number) * (mean[c] as number));
  return { scale, offset };
}

function foldInto(editor: GraphEditor, affine: Affine, node: Node, { scale, offset }: ChannelAffine): void {
  const { channels, inner } = affine;
  const weights = floatsOf(affine.weights).map(
    (value, index) => value * (scale[Math.floor(index / inner) % channels] as number),
  );
  const bias = Float32Array.from(offset, (value, c) => (scale[c] as number) * (affine.bias?.[c] ?? 0) + value);
  editor.removeNode(node);
  replaceAffine(editor, affine, { weights, bias, output: node.outputs[0] as string });
}

function separate(editor: GraphEditor, node: Node, { scale, offset }: ChannelAffine): void {
  const [input, output] = [node.inputs[0] as string, node.outputs[0] as string];
  const rank = editor.types.get(input)?.dims?.length;
  if (rank === undefined || rank < 2) return;
  const dims = [scale.length, ...new Array<number>(rank - 2).fill(1)];
  const constant = (stem: string, values: Float64Array): string =>
    editor.addConstant(`${node.name}_${stem}`, constantOf('float32', dims, Float32Array.from(values)));
  const product = editor.fresh(`${output}_scaled`);
  const type = editor.types.get(output);
  if (type !== undefined) editor.types.set(product, type);
  editor.addNode({ op: 'Mul', inputs: [input, constant('scale', scale)], outputs: [product] }, node);
  editor.replaceNode(node, {
    name: node.name,
    op: 'Add',
    inputs: [product, constant('offset', offset)],
    outputs: [output],
  });
}
