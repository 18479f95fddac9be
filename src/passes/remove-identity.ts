// Removes nodes that hand their input through unchanged.

import { elementsOf } from '../core/tensor.js';
import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';

/**
 * Without Identity, Dropout outside of training, Cast to the type that is there, Concat of one tensor, and Transpose that
 * keeps the order. A node between an input of the graph and an output stays: both names are needed.
 */
export function removeIdentity(graph: Graph): Graph {
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    const [input, output] = [node.inputs[0], node.outputs[0]];
    if (input === undefined || output === undefined || !isIdentity(editor, node)) continue;
    editor.forward(node, input, output);
  }
  return editor.build();
}

function isIdentity(editor: GraphEditor, node: Node): boolean {
  if (node.domain !== '') return false;
  switch (node.op) {
    case 'Identity':
      return true;
    case 'Dropout':
      return isInference(editor, node) && !node.outputs.slice(1).some((name) => isRead(editor, name));
    case 'Cast': {
      const [from, to] = [editor.types.get(node.inputs[0] ?? ''), editor.types.get(node.outputs[0] ?? '')];
      return from !== undefined && from.dtype === to?.dtype;
    }
    case 'Concat':
      return node.inputs.length === 1;
    case 'Transpose': {
      const perm = node.attributes.get('perm');
      return perm?.kind === 'ints' && perm.value.every((axis, at) => axis === at);
    }
    default:
      return false;
  }
}

/** Dropout drops only in training mode: an input since opset 12 (false when absent), `is_test` = 0 before opset 7. */
function isInference(editor: GraphEditor, node: Node): boolean {
  if ((editor.opsets.get('') ?? 1) < 7) {
    const flag = node.attributes.get('is_test');
    return flag?.kind === 'int' && flag.value !== 0;
  }
  const training = node.inputs[2] ?? '';
  if (training === '') return true;
  const constant = editor.constant(training);
  return constant !== undefined && elementsOf(constant)[0] === 0;
}

function isRead(editor: GraphEditor, name: string): boolean {
  return name !== '' && (editor.isPinned(name) || editor.consumers(name).length > 0);
}
