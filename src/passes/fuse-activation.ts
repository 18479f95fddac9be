// Moves a Relu or Clip into the node before it, as the clamp of an operator of the domain 'lowbit'.

import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { type Clamp, clampOf } from './clamp.js';

const FUSABLE: ReadonlySet<string> = new Set(['Conv', 'Gemm', 'MatMul', 'Add', 'Sub', 'Mul', 'Div']);

/**
 * Conv, Gemm, MatMul, Add, Sub, Mul, Div of float32 followed by Relu or by Clip between constants become
 * 'lowbit' nodes with `lo` and `hi`, where nothing else reads the value between. For execution only: other runtimes do not
 * know the domain.
 */
export function fuseActivation(graph: Graph): Graph {
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    const clamp = clampOf(node, editor.constants);
    const input = node.inputs[0];
    if (clamp === undefined || input === undefined) continue;
    const producer = editor.producer(input);
    if (producer === undefined || editor.onlyConsumer(input) !== node || !isFusable(editor, producer)) continue;
    editor.removeNode(node);
    editor.replaceNode(producer, {
      ...producer,
      domain: 'lowbit',
      outputs: node.outputs,
      attributes: clampAttributes(producer, clamp),
    });
  }
  return editor.build();
}

function isFusable(editor: GraphEditor, node: Node): boolean {
  if (node.domain !== '' && node.domain !== 'lowbit') return false;
  return FUSABLE.has(node.op) && editor.types.get(node.outputs[0] as string)?.dtype === 'float32';
}

/** A clamp behind a clamp is one clamp: both ends of the first go through the second. */
function clampAttributes(node: Node, { lo, hi }: Clamp): Map<string, Attribute> {
  const attributes = new Map(node.attributes);
  for (const [name, otherwise] of [
    ['lo', -Infinity],
    ['hi', Infinity],
  ] as const) {
    const old = attributes.get(name);
    const value = Math.min(Math.max(old?.kind === 'float' ? old.value : otherwise, lo), hi);
    if (Number.isFinite(value)) attributes.set(name, { kind: 'float', value });
    else attributes.delete(name);
  }
  return attributes;
}
