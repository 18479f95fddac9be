// Computes what does not depend on the inputs: shape arithmetic, and operators whose inputs are all constants.

import { bytesOf } from '../core/dtype.js';
import type { ConstantTensor } from '../core/tensor.js';
import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { bindShapes } from '../ir/infer.js';
import { EVALUATORS } from './evaluate.js';

/** A tensor that is larger than what it was made of is made at run time, unless it is smaller than this. */
const MAX_GROWN_BYTES = 65536;

/**
 * Protects memory: thirty nodes that each join a tensor with itself make a billion elements out of one. Real models fold
 * their weights a few times (transpose, cast, reshape) and some small tables.
 */
const BUDGET = { bytes: 2 ** 24, timesConstants: 8 } as const;

/**
 * Nodes whose outputs are known become constants; what only they needed goes. DequantizeLinear of constants stays: it is how
 * a quantized file stores its weights. An output of the graph keeps its node, since only nodes make outputs.
 */
export function foldConstants(graph: Graph): Graph {
  const editor = editGraph(bindShapes(graph));
  let budget: number = BUDGET.bytes;
  for (const { data } of graph.constants.values()) budget += BUDGET.timesConstants * data.byteLength;
  for (const node of editor) {
    const output = node.outputs[0];
    if (output === undefined || node.outputs.length !== 1 || editor.outputs.includes(output)) continue;
    const tensor = evaluateNode(editor, node, budget);
    if (tensor === undefined) continue;
    budget -= tensor.data.byteLength;
    editor.removeNode(node);
    editor.constants.set(output, tensor);
    editor.types.set(output, { dtype: tensor.dtype, dims: tensor.dims });
  }
  return editor.build();
}

function evaluateNode(editor: GraphEditor, node: Node, budget: number): ConstantTensor | undefined {
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
  const bytes = bytesOf(
    type.dtype,
    dims.reduce((product, dim) => product * dim, 1),
  );
  // A Cast to a wider type counts as no growth.
  const given = inputs.reduce((sum, tensor) => sum + 8 * tensor.data.byteLength, 0);
  if (node.op !== 'Constant' && bytes > Math.min(Math.max(MAX_GROWN_BYTES, given), budget)) return undefined;
  return EVALUATORS[node.op]?.(node, inputs, { dtype: type.dtype, dims });
}
