// Makes the pieces of a Gelu one operator of the domain 'lowbit'.

import { editGraph, type GraphEditor } from '../ir/edit.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { isInner, isNear, made, removeAll, scalarOf, withScalar } from './pattern.js';

/**
 * x * (1 + erf(x / sqrt 2)) / 2, in any order of its factors, and x * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 become
 * Gelu, where nothing else reads the values between. For execution only: the standard operator needs set 20.
 */
export function fuseGelu(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'Erf' || op === 'Tanh')) return graph;
  const editor = editGraph(inferTypes(graph));
  for (const node of editor) {
    if (editor.node(node.name) !== node || node.domain !== '' || node.op !== 'Mul') continue;
    const found = geluOf(editor, node);
    if (found === undefined || editor.types.get(found.x)?.dtype !== 'float32') continue;
    const inner = [...found.parts, node];
    if (!found.parts.every((part) => part.outputs.every((name) => isInner(editor, name, inner)))) continue;
    const approximate: Attribute = { kind: 'string', value: found.approximate };
    const init = { op: 'Gelu', domain: 'lowbit', inputs: [found.x], outputs: node.outputs };
    editor.replaceNode(node, { ...init, attributes: new Map([['approximate', approximate]]) });
    removeAll(editor, found.parts);
  }
  return editor.build();
}

interface Gelu {
  readonly x: string;
  readonly approximate: 'none' | 'tanh';
  readonly parts: readonly Node[];
}

/** The factors of a product of Muls: [constant, other factors], with the Muls inside. */
function factorsOf(editor: GraphEditor, root: Node): { constant: number; factors: string[]; parts: Node[] } {
  const parts: Node[] = [];
  const factors: string[] = [];
  let constant = 1;
  for (const name of root.inputs) {
    const value = scalarOf(editor, name);
    const product = made(editor, name, 'Mul');
    if (value !== undefined) constant *= value;
    else if (product !== undefined && editor.onlyConsumer(name) === root) {
      parts.push(product);
      for (const inner of product.inputs) {
        const scalar = scalarOf(editor, inner);
        if (scalar === undefined) factors.push(inner);
        else constant *= scalar;
      }
    } else factors.push(name);
  }
  return { constant, factors, parts };
}

function geluOf(editor: GraphEditor, root: Node): Gelu | undefined {
  const { constant, factors, parts } = factorsOf(editor, root);
  if (!isNear(constant, 0.5) || factors.length !== 2) return undefined;
  for (const [sum, x] of [factors, [...factors].reverse()] as [string, string][]) {
    const add = made(editor, sum, 'Add');
    const one = add && withScalar(editor, add);
    if (add === undefined || one === undefined || one[0] !== 1) continue;
    const erf = made(editor, one[1], 'Erf');
    const tanh = made(editor, one[1], 'Tanh');
    const inner = erf ? scaledErf(editor, erf, x) : tanh && cubicTanh(editor, tanh, x);
    if (inner === undefined) continue;
    const approximate = erf ? 'none' : 'tanh';
    return { x, approximate, parts: [...parts, add, ...(erf ? [erf] : tanh ? [tanh] : []), ...inner] };
  }
  return undefined;
}

/** erf(x / sqrt 2), by division or multiplication. */
function scaledErf(editor: GraphEditor, erf: Node, x: string): Node[] | undefined {
  const argument = erf.inputs[0] as string;
  const divide = made(editor, argument, 'Div');
  if (divide !== undefined) {
    return divide.inputs[0] === x && isNear(scalarOf(editor, divide.inputs[1]), Math.SQRT2) ? [divide] : undefined;
  }
  const multiply = made(editor, argument, 'Mul');
  const factor = multiply && withScalar(editor, multiply);
  return multiply && factor && isNear(factor[0], Math.SQRT1_2) && factor[1] === x ? [multiply] : undefined;
}

/** tanh(sqrt(2/pi) (x + 0.044715 x^3)) */
function cubicTanh(editor: GraphEditor, tanh: Node, x: string): Node[] | undefined {
  const outer = made(editor, tanh.inputs[0], 'Mul');
  const factor = outer && withScalar(editor, outer);
  if (outer === undefined || factor === undefined || !isNear(factor[0], Math.sqrt(2 / Math.PI))) return undefined;
  const add = made(editor, factor[1], 'Add');
  if (add?.inputs.includes(x) !== true) return undefined;
  const multiply = made(editor, add.inputs[0] === x ? add.inputs[1] : add.inputs[0], 'Mul');
  const cubic = multiply && withScalar(editor, multiply);
  if (multiply === undefined || cubic === undefined || !isNear(cubic[0], 0.044715)) return undefined;
  const power = made(editor, cubic[1], 'Pow');
  if (power?.inputs[0] !== x || scalarOf(editor, power.inputs[1]) !== 3) return undefined;
  return [outer, add, multiply, power];
}
