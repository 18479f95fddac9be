// Gives the product of a stack of matrices with a constant matrix the bias that is added to it.

import { editGraph } from '../ir/edit.js';
import type { Graph } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { made } from './pattern.js';

/**
 * MatMul of [.., m, k] by a constant [k, n], plus a constant [n], becomes Gemm of the domain 'lowbit', where nothing else
 * reads the product. For execution only: the standard Gemm takes matrices alone.
 */
export function fuseBias(graph: Graph): Graph {
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (node.domain !== '' || node.op !== 'Add' || node.attributes.has('broadcast')) continue;
    const side = node.inputs.findIndex((name) => editor.constant(name) !== undefined);
    const bias = node.inputs[side] as string;
    const value = node.inputs[1 - side];
    const product = made(editor, value, 'MatMul');
    if (side < 0 || value === undefined || product === undefined || editor.onlyConsumer(value) !== node) continue;
    const weights = editor.constant(product.inputs[1]);
    const addend = editor.constant(bias);
    const rank = editor.types.get(product.inputs[0] as string)?.dims?.length ?? 0;
    if (rank < 2 || weights?.dims.length !== 2 || weights.dtype !== 'float32' || addend?.dtype !== 'float32') continue;
    if (addend.dims.length !== 1 || addend.dims[0] !== weights.dims[1]) continue;
    const init = { name: product.name, op: 'Gemm', domain: 'lowbit', inputs: [...product.inputs, bias] };
    editor.removeNode(node);
    editor.replaceNode(product, { ...init, outputs: node.outputs });
  }
  return editor.build();
}
