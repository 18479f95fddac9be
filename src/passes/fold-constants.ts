// Computes what does not depend on the inputs: shape arithmetic, and operators whose inputs are all constants.

import type { ConstantTensor } from '../core/tensor.js';
import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { bindShapes } from '../ir/infer.js';
import { EVALUATORS } from './evaluate.js';

/** A tensor that a fold makes larger than what it was made of stays below this, so that files do not swell. */
const MAX_GROWN_BYTES = 65536;

/**
 * Nodes whose outputs are known become constants; what only they needed goes. DequantizeLinear of constants stays: it is how
 * a quantized file stores its weights. An output of the graph keeps its node, since only nodes make outputs.
 */
export function foldConstants(graph: Graph): Graph {
  const editor = editGraph(bindShapes(graph));
  for (const node of editor) {
    const output = node.outputs[0];
    if (output === undefined || node.outputs.length !== 1 || editor.outputs.includes(output)) continue;
    const tensor = evaluateNode(editor, node);
    if (tensor === undefined) continue;
    editor.removeNode(node);
    editor.constants.set(output, tensor);
    editor.types.set(output, { dtype: tensor.dtype, dims: tensor.dims });
  }
  return editor.build();
}

function evaluateNode(editor: GraphEditor, node: Node): ConstantTensor | undefined {
  if (node.domain !== '' || !Object.hasOwn(EVALUATORS, node.op)) return undefined;
  // Before opset 7 an attribute placed the second operand.
  if (node.attributes.has('broadcast')) return undefined;
  const inputs = node.inputs.map((name) => editor.constant(name));
  if (!inputs.every((tensor): tensor is ConstantTensor => tensor !== undefined && tensor.dtype !== 'string')) {
    return undefined;
  }
  const type = editor.types.get(node.outputs[0] as string);
  const dims = type?.dims?.filter((dim) => typeof dim === 'number');
  if (type === undefined || dims === undefined || dims.length !== type.dims?.length) return undefined;
  const bytes = dims.reduce((product, dim) => product * dim, 8);
  const given = inputs.reduce((sum, tensor) => sum + 2 * tensor.data.byteLength, 0);
  if (bytes > Math.max(MAX_GROWN_BYTES, given) && node.op !== 'Constant') return undefined;
  return EVALUATORS[node.op]?.(node, inputs, { dtype: type.dtype, dims });
}
