// Operators that were written on codes from the start: ai.onnx QLinear… and those of com.microsoft.

import type { Attribute, Node } from '../ir/graph.js';
import type { CodeFormat } from '../numerics/formats.js';
import { floatAttribute, intAttribute } from './draft.js';
import type { Lowerer } from './lower-qdq.js';
import { type Coded, type CodeParameters, formatOfZero } from './lower-qdq-codes.js';
import { unaryOf } from './lower-qdq-unary.js';

type Lowering = (node: Node, at: Lowerer) => boolean;

/** By domain, then by operator. */
export const Q_OPERATORS: Readonly<Record<string, Readonly<Record<string, Lowering>>>> = {
  '': {
    QLinearConv: qlinearConv,
    QLinearMatMul: qlinearMatMul,
  },
  'com.microsoft': {
    QGemm: qgemm,
    QLinearAdd: (node, at) => binary(node, at, 'QAdd'),
    QLinearMul: (node, at) => binary(node, at, 'QMul'),
    QLinearAveragePool: (node, at) => pool(node, at, 'QAveragePool'),
    QLinearGlobalAveragePool: (node, at) => pool(node, at, 'QGlobalAveragePool'),
    QLinearConcat: concat,
    QLinearSigmoid: (node, at) => unary(node, at, 'Sigmoid'),
    QLinearLeakyRelu: (node, at) => unary(node, at, 'LeakyRelu'),
  },
};

function tableOf(node: Node): Readonly<Record<string, Lowering>> {
  return Object.hasOwn(Q_OPERATORS, node.domain) ? (Q_OPERATORS[node.domain] ?? {}) : {};
}

export function isQOperator(node: Node): boolean {
  return Object.hasOwn(tableOf(node), node.op);
}

/** Writes the lowered node and returns true, or leaves everything as it was and returns false. */
export function lowerQOperator(node: Node, at: Lowerer): boolean {
  return tableOf(node)[node.op]?.(node, at) ?? false;
}

/** The parameters that two inputs of a node name; u8 when no zero point says otherwise. */
function parametersAt(node: Node, at: Lowerer, index: number): CodeParameters | undefined {
  const [scale = '', zero = ''] = node.inputs.slice(index, index + 2);
  const format: CodeFormat = formatOfZero(at.graph.constants, zero) ?? 'u8';
  return format === 'i32' ? undefined : at.parameters(scale, zero, format);
}

/** Three inputs (codes, scale, zero point) from `index` on; undefined when they are not constant, or not one where one is wanted. */
function tripleAt(node: Node, at: Lowerer, index: number, perChannel = false): string[] | undefined {
  const parameters = parametersAt(node, at, index + 1);
  if (parameters === undefined || (!perChannel && parameters.scale.length !== 1)) return undefined;
  return [at.codes(node.inputs[index] as string), parameters.scaleName, parameters.zeroName];
}

function pairAt(node: Node, at: Lowerer, index: number): string[] | undefined {
  const parameters = parametersAt(node, at, index);
  return parameters?.scale.length === 1 ? [parameters.scaleName, parameters.zeroName] : undefined;
}

function write(
  node: Node,
  at: Lowerer,
  op: string,
  inputs: readonly string[],
  attributes: ReadonlyMap<string, Attribute>,
): true {
  at.draft.add({ op, domain: 'lowbit', inputs, outputs: node.outputs, attributes, replaces: node });
  return true;
}

function without(node: Node, ...names: string[]): Map<string, Attribute> {
  return new Map([...node.attributes].filter(([name]) => !names.includes(name)));
}

function qlinearConv(node: Node, at: Lowerer): boolean {
  const [x, w, y] = [tripleAt(node, at, 0), tripleAt(node, at, 3, true), pairAt(node, at, 6)];
  const bias = node.inputs[8] ?? '';
  if (x === undefined || w === undefined || y === undefined || !at.graph.constants.has(node.inputs[3] ?? ''))
    return false;
  return write(node, at, 'QConv', [...x, ...w, ...y, ...(bias === '' ? [] : [bias])], node.attributes);
}

function qlinearMatMul(node: Node, at: Lowerer): boolean {
  const [a, b, y] = [tripleAt(node, at, 0), tripleAt(node, at, 3, true), pairAt(node, at, 6)];
  if (a === undefined || b === undefined || y === undefined) return false;
  if (at.graph.constants.get(node.inputs[3] ?? '')?.dims.length !== 2) return false;
  return write(node, at, 'QGemm', [...a, ...b, '', ...y], new Map());
}

/** alpha belongs to the scale of the product, so it goes into that of the weights. */
function qgemm(node: Node, at: Lowerer): boolean {
  const [a, b] = [tripleAt(node, at, 0), tripleAt(node, at, 3, true)];
  const y = (node.inputs[7] ?? '') === '' ? ['', ''] : pairAt(node, at, 7);
  if (a === undefined || b === undefined || y === undefined || intAttribute(node, 'transA', 0) !== 0) return false;
  if (at.graph.constants.get(node.inputs[3] ?? '')?.dims.length !== 2) return false;
  const alpha = floatAttribute(node, 'alpha', 1);
  if (!(alpha > 0)) return false;
  if (alpha !== 1) {
    const scale = (parametersAt(node, at, 4) as CodeParameters).scale.map((value) => value * alpha);
    b[1] = at.draft.floats(`${node.name}_scale`, scale.length === 1 ? (scale[0] as number) : scale);
  }
  const transB: Attribute = { kind: 'int', value: intAttribute(node, 'transB', 0) };
  return write(node, at, 'QGemm', [...a, ...b, node.inputs[6] ?? '', ...y], new Map([['transB', transB]]));
}

function binary(node: Node, at: Lowerer, op: string): boolean {
  const [a, b, y] = [tripleAt(node, at, 0), tripleAt(node, at, 3), pairAt(node, at, 6)];
  if (a === undefined || b === undefined || y === undefined) return false;
  return write(node, at, op, [...a, ...b, ...y], new Map());
}

function pool(node: Node, at: Lowerer, op: string): boolean {
  const [x, y] = [tripleAt(node, at, 0), pairAt(node, at, 3)];
  if (x === undefined || y === undefined || intAttribute(node, 'channels_last', 0) !== 0) return false;
  return write(node, at, op, [...x, ...y], without(node, 'channels_last'));
}

/** Inputs [y_scale, y_zero, x0, s0, z0, …], as in the lowered node. */
function concat(node: Node, at: Lowerer): boolean {
  const inputs = pairAt(node, at, 0);
  if (inputs === undefined) return false;
  for (let index = 2; index < node.inputs.length; index += 3) {
    const part = tripleAt(node, at, index);
    if (part === undefined) return false;
    inputs.push(...part);
  }
  return write(node, at, 'QConcat', inputs, node.attributes);
}

/** Inputs [x, x_scale, x_zero, y_scale, y_zero]; the function is that of the ai.onnx operator. */
function unary(node: Node, at: Lowerer, op: string): boolean {
  const [from, to] = [parametersAt(node, at, 1), parametersAt(node, at, 3)];
  const f = unaryOf({ ...node, domain: '', op }, at.graph.constants);
  if (from?.scale.length !== 1 || to?.scale.length !== 1 || f === undefined) return false;
  const coded: Coded = { ...from, codes: at.codes(node.inputs[0] as string), axis: undefined };
  at.lookup(coded, f, to, node.outputs[0] as string);
  return true;
}
