// Makes an attention of several heads one operator of the domain 'lowbit'.

import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { isInner, made, removeAll, scalarOf, withScalar } from './pattern.js';

/**
 * Reshape(Transpose(MatMul(Softmax(MatMul(Q, K) * scale + mask), V))), where Q, K and V are reshaped from [batch, tokens,
 * heads * depth] to [batch, tokens, heads, depth] and transposed to [batch, heads, tokens, depth] (K with its last axes
 * exchanged), becomes Attention [q, k, v, mask] with `heads` and `scale`, where nothing else reads the values between. The
 * scale may be a division or absent, the mask may be absent.
 */
export function fuseAttention(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'Softmax')) return graph;
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) if (node.op === 'Softmax' && node.domain === '') joinPieces(editor, node);
  return editor.build();
}

function joinPieces(editor: GraphEditor, softmax: Node): void {
  const axis = softmax.attributes.get('axis');
  const value = axis?.kind === 'int' ? axis.value : -1;
  if ((value !== -1 && value !== 3) || (editor.opsets.get('') ?? 1) < 13) return;
  const context = editor.onlyConsumer(softmax.outputs[0] as string);
  if (context?.op !== 'MatMul' || context.domain !== '' || context.inputs[0] !== softmax.outputs[0]) return;
  const turn = editor.onlyConsumer(context.outputs[0] as string);
  if (turn?.op !== 'Transpose' || !hasOrder(turn, [0, 2, 1, 3])) return;
  const join = editor.onlyConsumer(turn.outputs[0] as string);
  if (join?.op !== 'Reshape' || join.inputs[0] !== turn.outputs[0]) return;
  const scores = scoresOf(editor, softmax.inputs[0] as string);
  const q = scores && splitOf(editor, scores.product.inputs[0], [[0, 2, 1, 3]]);
  const k = scores && splitOf(editor, scores.product.inputs[1], [[0, 2, 3, 1]]);
  const v = splitOf(editor, context.inputs[1], [[0, 2, 1, 3]]);
  if (scores === undefined || q === undefined || k === undefined || v === undefined) return;
  if (q.heads !== k.heads || q.heads !== v.heads) return;
  // The result must be [batch, tokens, all features of v].
  const [from, to] = [q.dims, editor.types.get(join.outputs[0] as string)?.dims];
  if (to?.length !== 3 || to[0] !== from[0] || to[1] !== from[1] || to[2] !== v.dims[2]) return;
  // Shares are [batch, heads, queries, keys]; a mask must not make them larger.
  if (editor.types.get(softmax.outputs[0] as string)?.dims?.length !== 4) return;
  const split = [...q.parts, ...k.parts, ...v.parts];
  const parts = [...scores.parts, softmax, context, turn];
  const inner = [...parts, join];
  if (!scores.parts.every((part) => part.outputs.every((name) => isInner(editor, name, inner)))) return;
  const attributes = new Map<string, Attribute>([
    ['heads', { kind: 'int', value: q.heads }],
    ['scale', { kind: 'float', value: scores.scale }],
  ]);
  const inputs = [q.input, k.input, v.input, ...(scores.mask === undefined ? [] : [scores.mask])];
  editor.replaceNode(join, { op: 'Attention', domain: 'lowbit', inputs, outputs: join.outputs, attributes });
  removeAll(editor, parts);
  // A split that another attention reads stays.
  for (const node of split) {
    if (editor.node(node.name) === node && node.outputs.every((name) => isInner(editor, name, [])))
      editor.removeNode(node);
  }
}

interface Scores {
  readonly product: Node;
  readonly scale: number;
  readonly mask: string | undefined;
  readonly parts: readonly Node[];
}

/** MatMul, times a constant, plus a mask whose shape broadcasts to the product's. */
function scoresOf(editor: GraphEditor, value: string): Scores | undefined {
  const add = made(editor, value, 'Add');
  if (add === undefined) return scaledOf(editor, value);
  for (const side of [0, 1]) {
    const found = scaledOf(editor, add.inputs[side] as string);
    const mask = add.inputs[1 - side] as string;
    if (found === undefined) continue;
    const [whole, own] = [value, mask].map((name) => editor.types.get(name)?.dims);
    const product = editor.types.get(found.product.outputs[0] as string)?.dims;
    if (whole === undefined || own === undefined || product?.join() !== whole.join() || own.length > 4)
      return undefined;
    return { ...found, mask, parts: [...found.parts, add] };
  }
  return undefined;
}

function scaledOf(editor: GraphEditor, value: string): Scores | undefined {
  const plain = made(editor, value, 'MatMul');
  if (plain !== undefined) return { product: plain, scale: 1, mask: undefined, parts: [plain] };
  const divide = made(editor, value, 'Div');
  const multiply = made(editor, value, 'Mul');
  const factor = multiply && withScalar(editor, multiply);
  const divisor = scalarOf(editor, divide?.inputs[1]);
  const product = made(editor, divide?.inputs[0] ?? factor?.[1], 'MatMul');
  const scaling = divide ?? multiply;
  if (product === undefined || scaling === undefined) return undefined;
  const scale = divide === undefined ? factor?.[0] : divisor === undefined ? undefined : 1 / divisor;
  return scale === undefined ? undefined : { product, scale, mask: undefined, parts: [product, scaling] };
}

interface Split {
  readonly input: string;
  readonly dims: readonly unknown[];
  readonly heads: number;
  readonly parts: readonly Node[];
}

/** Transpose(Reshape(x [batch, tokens, features])) by one of the orders. */
function splitOf(editor: GraphEditor, value: string | undefined, orders: readonly number[][]): Split | undefined {
  const turn = made(editor, value, 'Transpose');
  const reshape = made(editor, turn?.inputs[0], 'Reshape');
  if (turn === undefined || reshape === undefined || !orders.some((order) => hasOrder(turn, order))) return undefined;
  const input = reshape.inputs[0] as string;
  const type = editor.types.get(input);
  const heads = editor.types.get(reshape.outputs[0] as string)?.dims;
  if (type?.dtype !== 'float32' || type.dims?.length !== 3 || heads?.length !== 4) return undefined;
  const { dims } = type;
  const [count, depth] = [heads[2], heads[3]];
  if (typeof count !== 'number' || typeof depth !== 'number' || dims[2] !== count * depth) return undefined;
  if (heads[0] !== dims[0] || heads[1] !== dims[1]) return undefined;
  return { input, dims, heads: count, parts: [turn, reshape] };
}

function hasOrder(node: Node, order: readonly number[]): boolean {
  const perm = node.attributes.get('perm');
  return perm?.kind === 'ints' && perm.value.join() === order.join();
}
