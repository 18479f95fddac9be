// Makes the pieces of a layer normalization one operator of the domain 'lowbit', the sum before it included.

import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { isInner, made, removeAll, scalarOf } from './pattern.js';

/**
 * (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias over the last axis, written as ReduceMean, Sub, Pow (or
 * Mul), ReduceMean, Add, Sqrt, Div, Mul, Add, becomes LayerNormalization. That and the standard operator then take the sum
 * of two equal shapes before them in, where nothing else reads it: LayerNormalization [x, scale, bias, addend].
 */
export function fuseNormalization(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'ReduceMean' || op === 'LayerNormalization')) return graph;
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (editor.node(node.name) === node && node.domain === '' && node.op === 'Add') joinPieces(editor, node);
  }
  for (const node of editor) if (isNormalization(editor, node)) takeSum(editor, node);
  return editor.build();
}

/** `add` is the last piece, the one with the bias. */
function joinPieces(editor: GraphEditor, add: Node): void {
  const [biasAt, multiply] = sideWith(editor, add, 'Mul') ?? [];
  if (biasAt === undefined || multiply === undefined) return;
  const [scaleAt, divide] = sideWith(editor, multiply, 'Div') ?? [];
  const subtract = divide && made(editor, divide.inputs[0], 'Sub');
  const root = divide && made(editor, divide.inputs[1], 'Sqrt');
  if (scaleAt === undefined || divide === undefined || subtract === undefined || root === undefined) return;
  const stabilized = made(editor, root.inputs[0], 'Add');
  if (stabilized === undefined) return;
  const [a, b] = stabilized.inputs;
  const epsilon = scalarOf(editor, a) ?? scalarOf(editor, b);
  const variance = made(editor, scalarOf(editor, a) === undefined ? a : b, 'ReduceMean');
  const mean = made(editor, subtract.inputs[1], 'ReduceMean');
  const squares = variance && (made(editor, variance.inputs[0], 'Pow') ?? made(editor, variance.inputs[0], 'Mul'));
  if (epsilon === undefined || variance === undefined || mean === undefined || squares === undefined) return;
  const [x] = subtract.inputs as [string];
  // Some exporters write the difference twice.
  const other = made(editor, squares.inputs[0], 'Sub');
  const same = other === subtract || (other?.inputs[0] === x && other.inputs[1] === subtract.inputs[1]);
  const second =
    squares.op === 'Pow' ? scalarOf(editor, squares.inputs[1]) === 2 : squares.inputs[0] === squares.inputs[1];
  if (!same || !second || mean.inputs[0] !== x) return;
  const columns = editor.types.get(x)?.dims?.at(-1);
  const [scale, bias] = [multiply.inputs[scaleAt] as string, add.inputs[biasAt] as string];
  if (!isVector(editor, scale, columns) || !isVector(editor, bias, columns)) return;
  if (!isLastAxis(editor, mean) || !isLastAxis(editor, variance) || editor.types.get(x)?.dtype !== 'float32') return;
  const parts = [multiply, divide, root, stabilized, variance, squares, subtract, mean, ...(other ? [other] : [])];
  const inner = [...parts, add];
  if (!parts.every((part) => part.outputs.every((name) => isInner(editor, name, inner)))) return;
  const attributes = new Map<string, Attribute>([
    ['axis', { kind: 'int', value: -1 }],
    ['epsilon', { kind: 'float', value: epsilon }],
  ]);
  const init = { op: 'LayerNormalization', domain: 'lowbit', inputs: [x, scale, bias], outputs: add.outputs };
  editor.replaceNode(add, { ...init, attributes });
  removeAll(editor, parts);
}

/** Of a commutative node: where the other operand is, and the node of type `op` that makes the one. */
function sideWith(editor: GraphEditor, node: Node, op: string): [other: number, maker: Node] | undefined {
  for (const side of [0, 1]) {
    const maker = made(editor, node.inputs[side], op);
    if (maker !== undefined) return [1 - side, maker];
  }
  return undefined;
}

function isVector(editor: GraphEditor, name: string, columns: unknown): boolean {
  const tensor = editor.constant(name);
  return tensor?.dtype === 'float32' && tensor.dims.length === 1 && tensor.dims[0] === columns;
}

/** Whether a ReduceMean is over the last axis alone and keeps it. */
function isLastAxis(editor: GraphEditor, node: Node): boolean {
  const rank = editor.types.get(node.inputs[0] as string)?.dims?.length;
  const written = node.attributes.get('axes');
  const [x, y] = [node.inputs[0], node.outputs[0]].map((name) => editor.types.get(name as string)?.dims);
  if (rank === undefined || x === undefined || y === undefined || y.length !== rank || y.at(-1) !== 1) return false;
  if (written?.kind === 'ints')
    return written.value.length === 1 && (written.value[0] === -1 || written.value[0] === rank - 1);
  // The axes are an input since set 18: then the shapes tell, unless another axis is 1 too.
  const axes = editor.constant(node.inputs[1]);
  if (axes?.dtype !== 'int64' || axes.data.byteLength !== 8) return false;
  const axis = Number(new DataView(axes.data.buffer, axes.data.byteOffset, 8).getBigInt64(0, true));
  return axis === -1 || axis === rank - 1;
}

function isNormalization(editor: GraphEditor, node: Node): boolean {
  if (node.op !== 'LayerNormalization' || editor.types.get(node.inputs[0] as string)?.dtype !== 'float32') return false;
  return node.domain === 'lowbit' ? node.inputs.length === 3 : node.domain === '' && node.outputs.length === 1;
}

function takeSum(editor: GraphEditor, node: Node): void {
  const [x = '', scale = '', bias = ''] = node.inputs;
  const sum = made(editor, x, 'Add');
  if (sum === undefined || editor.onlyConsumer(x) !== node) return;
  const [left = '', right = ''] = sum.inputs;
  const dims = [left, right].map((name) => editor.types.get(name)?.dims?.join());
  if (dims[0] === undefined || dims[0] !== dims[1]) return;
  editor.replaceNode(node, { ...node, domain: 'lowbit', inputs: [left, scale, bias, right] });
  editor.removeNode(sum);
}
