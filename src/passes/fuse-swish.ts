// Makes x * sigmoid(alpha x) one operator of the domain 'lowbit'.

import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { made, removeAll, withScalar } from './pattern.js';

/**
 * Mul of x and Sigmoid(x) or Sigmoid(x * alpha), in any order of its factors, becomes Swish x / (1 + exp(-alpha x)), where
 * nothing else reads the values between: the same function with a rounding less. For execution only: the standard operator
 * needs set 24.
 */
export function fuseSwish(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'Sigmoid')) return graph;
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (editor.node(node.name) !== node || node.domain !== '' || node.op !== 'Mul') continue;
    const found = swishOf(editor, node);
    if (found === undefined || editor.types.get(found.x)?.dtype !== 'float32') continue;
    const init = { op: 'Swish', domain: 'lowbit', inputs: [found.x], outputs: node.outputs };
    editor.replaceNode(node, { ...init, attributes: { alpha: { kind: 'float', value: found.alpha } } });
    removeAll(editor, found.parts);
  }
  return editor.build();
}

function swishOf(editor: GraphEditor, root: Node): { x: string; alpha: number; parts: Node[] } | undefined {
  const [first = '', second = ''] = root.inputs;
  for (const [x, share] of [
    [first, second],
    [second, first],
  ] as const) {
    const sigmoid = made(editor, share, 'Sigmoid');
    if (sigmoid === undefined || editor.onlyConsumer(share) !== root || x === share) continue;
    const argument = sigmoid.inputs[0] as string;
    if (argument === x) return { x, alpha: 1, parts: [sigmoid] };
    const scaled = made(editor, argument, 'Mul');
    const factor = scaled && withScalar(editor, scaled);
    if (scaled === undefined || factor?.[1] !== x || editor.onlyConsumer(argument) !== sigmoid) continue;
    // A factor of a shape of its own may give the product more dimensions than x has.
    if (editor.types.get(argument)?.dims?.join() !== editor.types.get(x)?.dims?.join()) continue;
    return { x, alpha: factor[0], parts: [sigmoid, scaled] };
  }
  return undefined;
}
