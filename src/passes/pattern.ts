// What the passes that recognize several nodes ask of a graph.

import { floatsOf } from '../core/tensor.js';
import type { GraphEditor } from '../ir/edit.js';
import type { Node } from '../ir/graph.js';

/** The node of ai.onnx of that type that makes a value. */
export function made(editor: GraphEditor, value: string | undefined, op: string): Node | undefined {
  const node = value === undefined ? undefined : editor.producer(value);
  return node?.op === op && node.domain === '' ? node : undefined;
}

/** A float32 constant of one element as a number. */
export function scalarOf(editor: GraphEditor, value: string | undefined): number | undefined {
  const tensor = editor.constant(value);
  if (tensor?.dtype !== 'float32' || tensor.dims.some((dim) => dim !== 1)) return undefined;
  return floatsOf(tensor)[0];
}

/** True for the constant nearest to `wanted` in float32, or within a rounding of it. */
export function isNear(found: number | undefined, wanted: number): boolean {
  return found !== undefined && Math.abs(found - wanted) <= Math.abs(wanted) * 2 ** -23;
}

/** The inputs of a commutative node as [the scalar constant, the other input]. */
export function withScalar(editor: GraphEditor, node: Node): readonly [number, string] | undefined {
  const [a = '', b = ''] = node.inputs;
  const right = scalarOf(editor, b);
  if (right !== undefined) return [right, a];
  const left = scalarOf(editor, a);
  return left === undefined ? undefined : [left, b];
}

/** Whether nothing but the nodes given reads a value. */
export function isInner(editor: GraphEditor, value: string, readers: readonly Node[]): boolean {
  return !editor.isPinned(value) && editor.consumers(value).every((reader) => readers.includes(reader));
}

/** Takes nodes out; whoever reads what they made must be among them or replaced already. */
export function removeAll(editor: GraphEditor, nodes: readonly Node[]): void {
  for (const node of nodes) if (editor.node(node.name) === node) editor.removeNode(node);
}
