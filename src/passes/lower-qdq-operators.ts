// How each operator between DequantizeLinear and QuantizeLinear becomes an operator on codes.

import { type ConstantTensor, constantOf, floatsOf } from '../core/tensor.js';
import type { Attribute, Node } from '../ir/graph.js';
import { NUMBER_FORMATS } from '../numerics/formats.js';
import { dequantizeValue, quantizeTo } from '../numerics/rounding.js';
import { clampCodes } from './clamp.js';
import { floatAttribute, intAttribute } from './draft.js';
import type { Lowerer } from './lower-qdq.js';
import { type Coded, dequantizeConstant, scalarParameters, type Tail } from './lower-qdq-codes.js';
import { accumulatorScales, biasRoom, biasVector, quantizeBias } from './quantize-weights.js';

/** Writes the lowered node and returns true, or leaves everything as it was and returns false. */
type Lowering = (node: Node, at: Lowerer) => boolean;

export const LOWERINGS: Readonly<Record<string, Lowering>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
  Add: (node, at) => binary(node, at, 'QAdd'),
  Mul: (node, at) => binary(node, at, 'QMul'),
  AveragePool: (node, at) => pool(node, at, 'QAveragePool'),
  GlobalAveragePool: (node, at) => pool(node, at, 'QGlobalAveragePool'),
  Concat: concat,
  MaxPool: move,
  Reshape: move,
  Flatten: move,
  Transpose: move,
  Squeeze: move,
  Unsqueeze: move,
  Identity: move,
  Slice: move,
  Resize: resize,
  Pad: pad,
};

/** A coded activation as the three inputs of a lowered node. */
function triple(coded: Coded): string[] {
  return [coded.codes, coded.scaleName, coded.zeroName];
}

function activation(at: Lowerer, value: string | undefined): Coded | undefined {
  const coded = value === undefined ? undefined : at.coded(value);
  return scalarParameters(coded) === undefined ? undefined : coded;
}

/** Constant 8-bit weights whose scales are one, or one per position of `axis`. */
function weights(
  at: Lowerer,
  value: string | undefined,
  axis: number,
): { coded: Coded; tensor: ConstantTensor } | undefined {
  const coded = value === undefined ? undefined : at.coded(value);
  const tensor = coded === undefined ? undefined : at.draft.constantNamed(coded.codes);
  if (coded === undefined || tensor === undefined || coded.format === 'i32') return undefined;
  return coded.axis === undefined || coded.axis === axis ? { coded, tensor } : undefined;
}

/** The attributes of a clamp after a lowered node: in codes when it gives codes, in floats otherwise. */
function clampAttributes(tail: Tail): [string, Attribute][] {
  const { clamp, quantizers } = tail;
  if (clamp === undefined) return [];
  const parameters = quantizers[0]?.parameters;
  const scalar = scalarParameters(parameters);
  if (parameters === undefined || scalar === undefined) {
    const bounds = [
      ['lo', clamp.lo],
      ['hi', clamp.hi],
    ] as const;
    return bounds.flatMap(([name, value]) => (Number.isFinite(value) ? [[name, { kind: 'float', value }]] : []));
  }
  const { qlo, qhi } = clampCodes(clamp, parameters.format, scalar);
  const { qmin, qmax } = NUMBER_FORMATS[parameters.format];
  const out: [string, Attribute][] = [];
  if (qlo > qmin) out.push(['qlo', { kind: 'int', value: qlo }]);
  if (qhi < qmax) out.push(['qhi', { kind: 'int', value: qhi }]);
  return out;
}

/** Marks what the tail holds as done; the name and the parameters of the output ('' and '' for floats). */
function finish(tail: Tail, at: Lowerer): { output: string; scale: string; zero: string } {
  at.consume(tail.clampNode);
  const parameters = tail.quantizers[0]?.parameters;
  if (parameters === undefined) return { output: tail.value, scale: '', zero: '' };
  return { output: at.output(tail.quantizers), scale: parameters.scaleName, zero: parameters.zeroName };
}

interface Bias {
  /** Name of int32 codes in the scale of the accumulator, or ''. */
  readonly codes: string;
  /** Name of a float bias that did not fit, or ''. */
  readonly floats: string;
}

/**
 * The bias of a product: codes that are already in the scale f32(x_scale * w_scale) are taken as they are, anything else
 * constant is quantized to it. undefined when the bias is not constant or has another shape.
 */
function biasOf(at: Lowerer, name: string, scales: Float32Array, channels: number, depth: number): Bias | undefined {
  if (name === '') return { codes: '', floats: '' };
  const coded = at.coded(name);
  const tensor = at.draft.constantNamed(coded?.codes ?? name);
  if (tensor === undefined) return undefined;
  const count = tensor.dims.reduce((product, dim) => product * dim, 1);
  if (coded?.format === 'i32' && count === channels && hasScales(coded, scales))
    return { codes: coded.codes, floats: '' };
  const floats = coded === undefined ? tensor : constantOf('float32', tensor.dims, dequantizeConstant(tensor, coded));
  const vector = biasVector(floats, channels);
  if (vector === undefined) return undefined;
  const codes = quantizeBias(vector, scales, biasRoom(depth) ?? 0);
  if (codes !== undefined) {
    return { codes: at.draft.constant(`${name}_i32`, constantOf('int32', [channels], codes)), floats: '' };
  }
  return { codes: '', floats: at.draft.constant(`${name}_f32`, constantOf('float32', [channels], vector)) };
}

/** Writers round the product of the scales in their own ways; a last bit does not make another scale. */
function hasScales({ scale, zeroPoint }: Coded, wanted: Float32Array): boolean {
  if (zeroPoint.some((value) => value !== 0)) return false;
  const count = Math.max(scale.length, wanted.length);
  for (let i = 0; i < count; i++) {
    const own = scale[scale.length === 1 ? 0 : i] as number;
    const other = wanted[wanted.length === 1 ? 0 : i] as number;
    if (!(Math.abs(own - other) <= other * 2 ** -20)) return false;
  }
  return true;
}

function conv(node: Node, at: Lowerer): boolean {
  const x = activation(at, node.inputs[0]);
  const w = weights(at, node.inputs[1], 0);
  if (x === undefined || w === undefined) return false;
  const scales = accumulatorScales(x.scale[0] as number, w.coded.scale);
  const depth = w.tensor.dims.slice(1).reduce((product, dim) => product * dim, 1);
  const bias = biasOf(at, node.inputs[2] ?? '', scales, w.tensor.dims[0] as number, depth);
  const tail = at.tail(node.outputs[0] as string);
  if (bias === undefined || (bias.floats !== '' && tail.quantizers.length > 0)) return false;
  const { output, scale, zero } = finish(tail, at);
  at.draft.add({
    op: 'QConv',
    domain: 'lowbit',
    inputs: trimmed([...triple(x), ...triple(w.coded), scale, zero, bias.codes, bias.floats], 8),
    outputs: [output],
    attributes: new Map([...node.attributes, ...clampAttributes(tail)]),
    replaces: node,
  });
  return true;
}

/** Without the absent inputs at the end, down to `least`. */
function trimmed(inputs: string[], least: number): string[] {
  while (inputs.length > least && inputs.at(-1) === '') inputs.pop();
  return inputs;
}

function gemm(node: Node, at: Lowerer): boolean {
  if (intAttribute(node, 'transA', 0) !== 0 || floatAttribute(node, 'alpha', 1) !== 1) return false;
  if ((node.inputs[2] ?? '') !== '' && floatAttribute(node, 'beta', 1) !== 1) return false;
  return product(node, at, intAttribute(node, 'transB', 0) !== 0, node.inputs[2] ?? '');
}

function matMul(node: Node, at: Lowerer): boolean {
  const rank = at.graph.types.get(node.inputs[0] ?? '')?.dims?.length;
  return rank === 1 ? false : product(node, at, false, '');
}

function product(node: Node, at: Lowerer, transB: boolean, biasName: string): boolean {
  const axis = transB ? 0 : 1;
  const a = activation(at, node.inputs[0]);
  const b = weights(at, node.inputs[1], axis);
  if (a === undefined || b === undefined || b.tensor.dims.length !== 2) return false;
  const scales = accumulatorScales(a.scale[0] as number, b.coded.scale);
  const bias = biasOf(at, biasName, scales, b.tensor.dims[axis] as number, b.tensor.dims[1 - axis] as number);
  if (bias === undefined || bias.floats !== '') return false;
  const tail = at.tail(node.outputs[0] as string);
  const { output, scale, zero } = finish(tail, at);
  at.draft.add({
    op: 'QGemm',
    domain: 'lowbit',
    inputs: [...triple(a), ...triple(b.coded), bias.codes, scale, zero],
    outputs: [output],
    attributes: new Map([['transB', { kind: 'int', value: transB ? 1 : 0 }], ...clampAttributes(tail)]),
    replaces: node,
  });
  return true;
}

function binary(node: Node, at: Lowerer, op: string): boolean {
  const a = activation(at, node.inputs[0]);
  const b = activation(at, node.inputs[1]);
  if (a === undefined || b === undefined) return false;
  const tail = at.tail(node.outputs[0] as string);
  if (tail.quantizers.length === 0) return false;
  const { output, scale, zero } = finish(tail, at);
  const attributes = new Map(clampAttributes(tail));
  const inputs = [...triple(a), ...triple(b), scale, zero];
  at.draft.add({ op, domain: 'lowbit', inputs, outputs: [output], attributes, replaces: node });
  return true;
}

function pool(node: Node, at: Lowerer, op: string): boolean {
  const x = activation(at, node.inputs[0]);
  if (x === undefined) return false;
  const tail = at.tail(node.outputs[0] as string);
  if (tail.quantizers.length === 0 || tail.clamp !== undefined) return false;
  const { output, scale, zero } = finish(tail, at);
  const { attributes } = node;
  at.draft.add({
    op,
    domain: 'lowbit',
    inputs: [...triple(x), scale, zero],
    outputs: [output],
    attributes,
    replaces: node,
  });
  return true;
}

function concat(node: Node, at: Lowerer): boolean {
  const parts = node.inputs.map((input) => activation(at, input));
  if (!parts.every((part): part is Coded => part !== undefined)) return false;
  const tail = at.tail(node.outputs[0] as string);
  if (tail.quantizers.length === 0 || tail.clamp !== undefined) return false;
  const { output, scale, zero } = finish(tail, at);
  at.draft.add({
    op: 'QConcat',
    domain: 'lowbit',
    inputs: [scale, zero, ...parts.flatMap(triple)],
    outputs: [output],
    attributes: node.attributes,
    replaces: node,
  });
  return true;
}

/** The operator itself, on codes: its output has the parameters of its input. */
function move(node: Node, at: Lowerer): boolean {
  return moved(node, at, (codes) => [codes, ...node.inputs.slice(1)]);
}

function moved(node: Node, at: Lowerer, inputsOf: (codes: string) => string[]): boolean {
  const x = activation(at, node.inputs[0]);
  if (x === undefined || node.outputs.length !== 1) return false;
  const output = node.outputs[0] as string;
  const codes = at.draft.freshValue(`${output}_codes`);
  at.draft.keep(node, inputsOf(x.codes), [codes]);
  at.typeCodes(codes, output, x.format);
  at.setCoded(output, { ...x, codes });
  return true;
}

/** The nearest element is moved; between elements values are made, which stay in float. */
function resize(node: Node, at: Lowerer): boolean {
  const mode = node.attributes.get('mode');
  return (mode === undefined || (mode.kind === 'string' && mode.value === 'nearest')) && move(node, at);
}

/** Filling with a value that has a code of its own (zero always has). */
function pad(node: Node, at: Lowerer): boolean {
  const mode = node.attributes.get('mode');
  if (node.attributes.has('pads') || (mode?.kind === 'string' && mode.value !== 'constant')) return false;
  const scalar = scalarParameters(activation(at, node.inputs[0]));
  const name = node.inputs[2] ?? '';
  const tensor = at.draft.constantNamed(name);
  if (scalar === undefined || (name !== '' && tensor?.dtype !== 'float32')) return false;
  const value = tensor === undefined ? 0 : (floatsOf(tensor)[0] as number);
  const { format } = activation(at, node.inputs[0]) as Coded;
  const code = quantizeTo(format, value, scalar.scale, scalar.zeroPoint);
  if (dequantizeValue(code, scalar.scale, scalar.zeroPoint) !== value) return false;
  return moved(node, at, (codes) => {
    const fill = at.draft.codes(`${format}_${code}`, format, code);
    return trimmed([codes, node.inputs[1] as string, fill, node.inputs[3] ?? ''], 3);
  });
}
