// Gives products of codes that end in floats what follows them: a residual, an activation, bounds.

import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';

/** By operator, which input of it is the residual. */
const RESIDUAL: Readonly<Record<string, number>> = { DynamicGemm: 5, QGemm: 10 };

/**
 * DynamicGemm, or QGemm to float32, then Add of a value of the same shape, then Gelu, Swish, Sigmoid, Tanh, HardSwish or
 * Mish, become y = f(A' B' + bias + residual) with the attribute `activation`, where nothing else reads the values
 * between; bounds of the addition are kept, and end it. The operations and their order stay: the same bytes.
 */
export function fuseTail(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isProduct(node))) return graph;
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (!isProduct(node) || editor.types.get(node.outputs[0] as string)?.dtype !== 'float32') continue;
    takeActivation(editor, takeResidual(editor, node));
  }
  return editor.build();
}

function isProduct({ op, domain }: Node): boolean {
  return domain === 'lowbit' && Object.hasOwn(RESIDUAL, op);
}

/** The one node behind a product that nothing has ended yet. */
function follower(editor: GraphEditor, product: Node): Node | undefined {
  if (product.attributes.has('lo') || product.attributes.has('hi')) return undefined;
  return editor.onlyConsumer(product.outputs[0] as string);
}

function takeResidual(editor: GraphEditor, product: Node): Node {
  const add = follower(editor, product);
  if (add?.op !== 'Add' || (add.domain !== '' && add.domain !== 'lowbit') || add.attributes.has('broadcast')) {
    return product;
  }
  const value = product.outputs[0] as string;
  const other = add.inputs.find((name) => name !== value);
  const [own, added] = [value, other ?? ''].map((name) => editor.types.get(name));
  if (other === undefined || own?.dims === undefined || added?.dtype !== 'float32') return product;
  if (added.dims?.join() !== own.dims.join()) return product;
  const inputs = [...product.inputs];
  while (inputs.length < (RESIDUAL[product.op] as number)) inputs.push('');
  return joined(editor, product, add, [...inputs, other], add.attributes);
}

function takeActivation(editor: GraphEditor, product: Node): void {
  const node = follower(editor, product);
  const activation = node && activationOf(node);
  if (node !== undefined && activation !== undefined) joined(editor, product, node, product.inputs, activation);
}

/** The attributes of a product that ends in this node; undefined for other nodes. */
function activationOf(node: Node): ReadonlyMap<string, Attribute> | undefined {
  const named = (value: string): [string, Attribute] => ['activation', { kind: 'string', value }];
  if (node.domain !== '' && node.domain !== 'lowbit') return undefined;
  const approximate = node.attributes.get('approximate');
  const alpha = node.attributes.get('alpha');
  switch (node.op) {
    case 'Gelu':
      if (approximate === undefined) return new Map([named('Gelu')]);
      if (approximate.kind !== 'string') return undefined;
      if (approximate.value === 'none') return new Map([named('Gelu')]);
      return approximate.value === 'tanh' ? new Map([named('GeluTanh')]) : undefined;
    case 'Swish':
      return new Map([named('Swish'), ['activation_alpha', alpha ?? { kind: 'float', value: 1 }]]);
    case 'Sigmoid':
    case 'Tanh':
    case 'HardSwish':
    case 'Mish':
      return new Map([named(node.op)]);
    default:
      return undefined;
  }
}

/** The product in the place of the last of the two, where all of its inputs are made. */
function joined(
  editor: GraphEditor,
  product: Node,
  last: Node,
  inputs: readonly string[],
  attributes: ReadonlyMap<string, Attribute>,
): Node {
  editor.removeNode(product);
  const merged = new Map([...product.attributes, ...attributes]);
  return editor.replaceNode(last, { ...product, name: last.name, inputs, outputs: last.outputs, attributes: merged });
}
