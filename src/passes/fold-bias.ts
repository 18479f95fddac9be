// Folds the addition of a constant into the bias of the product before it.

import type { Dim } from '../core/shape.js';
import { type ConstantTensor, constantOf } from '../core/tensor.js';
import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { affineOf, channelVector, replaceAffine } from './affine.js';

/**
 * Conv + c[channels, 1, …] becomes the bias of the Conv, f32(bias + c) where there was one; the same for Gemm + c[n]; and
 * MatMul + c[n] of rank 2 with constant weights becomes Gemm. Only where nothing else reads the product.
 */
export function foldBias(graph: Graph): Graph {
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (node.domain !== '' || node.op !== 'Add' || node.attributes.has('broadcast')) continue;
    const side = node.inputs.findIndex((name) => editor.constant(name) !== undefined);
    const addend = editor.constant(node.inputs[side]);
    const value = node.inputs[1 - side];
    const producer = value === undefined ? undefined : editor.producer(value);
    if (addend === undefined || value === undefined || producer === undefined) continue;
    if (editor.onlyConsumer(value) !== node) continue;
    if (sameDims(editor, value, node)) fold(editor, producer, node, addend);
  }
  return editor.build();
}

/** An addend that made the result larger could not be a bias. */
function sameDims(editor: GraphEditor, value: string, node: Node): boolean {
  const [before, after] = [editor.types.get(value)?.dims, editor.types.get(node.outputs[0] as string)?.dims];
  return before !== undefined && before.length === after?.length && before.every((dim: Dim, at) => dim === after[at]);
}

function fold(editor: GraphEditor, producer: Node, node: Node, addend: ConstantTensor): void {
  const output = node.outputs[0] as string;
  const product = producer.op === 'MatMul' ? gemmOf(editor, producer) : producer;
  const affine = product && affineOf(editor, product);
  if (affine === undefined) return;
  const trailing = product?.op === 'Conv' ? affine.weights.dims.length - 2 : 0;
  const values = channelVector(addend, affine.channels, trailing);
  if (values === undefined) return;
  const bias = values.map((value, c) => value + (affine.bias?.[c] ?? 0));
  editor.removeNode(node);
  if (producer.op !== 'MatMul') {
    replaceAffine(editor, affine, { bias, output });
    return;
  }
  const name = editor.addConstant(`${producer.name}_bias`, constantOf('float32', [affine.channels], bias));
  editor.replaceNode(producer, {
    name: producer.name,
    op: 'Gemm',
    inputs: [...producer.inputs, name],
    outputs: [output],
  });
}

/** The MatMul seen as a Gemm, when it multiplies a matrix by a constant matrix. */
function gemmOf(editor: GraphEditor, node: Node): Node | undefined {
  if (node.domain !== '') return undefined;
  const a = editor.types.get(node.inputs[0] as string)?.dims;
  const b = editor.constant(node.inputs[1]);
  return a?.length === 2 && b?.dims.length === 2 ? { ...node, op: 'Gemm' } : undefined;
}
