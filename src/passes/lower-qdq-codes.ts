// What lowering knows of quantized values: which values are codes under constant parameters, and what follows a node.

import { type ConstantTensor, floatsOf, integersOf } from '../core/tensor.js';
import type { Graph, Node } from '../ir/graph.js';
import { type CodeFormat, codeFormatOf, NUMBER_FORMATS } from '../numerics/formats.js';
import { geometryOf } from '../numerics/granularity.js';
import type { QuantizationParameters } from '../numerics/params.js';
import { dequantizeArray } from '../numerics/quantize.js';
import { type Clamp, clampOf } from './clamp.js';
import { intAttribute, type Usage } from './draft.js';

/** Constant parameters, with the names of the constants. */
export interface CodeParameters {
  readonly format: CodeFormat;
  readonly scaleName: string;
  /** Name of the zero point; made when the node had none. */
  readonly zeroName: string;
  /** One element, or one per position of `axis`. */
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
}

/** A float value that is DQ(codes) under constant parameters. */
export interface Coded extends CodeParameters {
  /** Name of the codes. */
  readonly codes: string;
  /** undefined: one scale for the whole tensor. */
  readonly axis: number | undefined;
}

/** Makes the constant zero point of a quantized value that was written without one. */
export type ZeroMaker = (format: CodeFormat, dims: readonly number[]) => string;

/**
 * Scale and zero point of a QuantizeLinear or DequantizeLinear (or the same inputs elsewhere); undefined when they are not
 * constant, not float32, blocked, or not positive and finite.
 */
export function parametersOfInputs(
  constants: ReadonlyMap<string, ConstantTensor>,
  scaleName: string,
  zeroName: string,
  format: CodeFormat,
  makeZero: ZeroMaker,
): CodeParameters | undefined {
  const scaleTensor = constants.get(scaleName);
  if (scaleTensor?.dtype !== 'float32' || scaleTensor.dims.length > 1) return undefined;
  const scale = floatsOf(scaleTensor);
  if (!scale.every((value) => value > 0 && value < Infinity)) return undefined;
  if (zeroName === '') {
    const zeroPoint = new Int32Array(scale.length);
    return { format, scaleName, zeroName: makeZero(format, scaleTensor.dims), scale, zeroPoint };
  }
  const zeroTensor = constants.get(zeroName);
  if (zeroTensor === undefined || zeroTensor.dtype !== NUMBER_FORMATS[format].dtype) return undefined;
  const zeroPoint = Int32Array.from(integersOf(zeroTensor));
  return zeroPoint.length === scale.length ? { format, scaleName, zeroName, scale, zeroPoint } : undefined;
}

/** The coded value that a DequantizeLinear makes; undefined when its parameters are not of the kinds that lower. */
export function codedOf(
  node: Node,
  constants: ReadonlyMap<string, ConstantTensor>,
  formatOfValue: (value: string) => CodeFormat | undefined,
  makeZero: ZeroMaker,
): Coded | undefined {
  const [codes = '', scaleName = '', zeroName = ''] = node.inputs;
  const format = formatOfZero(constants, zeroName) ?? formatOfValue(codes);
  if (format === undefined || intAttribute(node, 'block_size', 0) !== 0) return undefined;
  const parameters = parametersOfInputs(constants, scaleName, zeroName, format, makeZero);
  if (parameters === undefined) return undefined;
  if (parameters.scale.length === 1) return { codes, axis: undefined, ...parameters };
  const tensor = constants.get(codes);
  if (tensor === undefined) return undefined; // activations per channel stay in float
  const given = intAttribute(node, 'axis', 1);
  const axis = given < 0 ? given + tensor.dims.length : given;
  return tensor.dims[axis] === parameters.scale.length ? { codes, axis, ...parameters } : undefined;
}

/** The format of codes by the type of their zero point. */
export function formatOfZero(constants: ReadonlyMap<string, ConstantTensor>, zeroName: string): CodeFormat | undefined {
  const zero = constants.get(zeroName);
  return zero === undefined ? undefined : codeFormatOf(zero.dtype);
}

/** The format of codes by the type of their tensor. */
export function formatIn(graph: Graph): (value: string) => CodeFormat | undefined {
  return (value) => {
    const dtype = graph.types.get(value)?.dtype;
    return dtype === undefined ? undefined : codeFormatOf(dtype);
  };
}

/** The one scale and zero point of a coded activation; undefined for per-channel ones and for 32-bit codes. */
export function scalarParameters(coded: CodeParameters | undefined): QuantizationParameters | undefined {
  if (coded === undefined || coded.scale.length !== 1 || coded.format === 'i32') return undefined;
  return { scale: coded.scale[0] as number, zeroPoint: coded.zeroPoint[0] as number };
}

/** Same codes mean the same values. */
export function sameParameters(a: CodeParameters, b: CodeParameters): boolean {
  return a.format === b.format && a.scale[0] === b.scale[0] && a.zeroPoint[0] === b.zeroPoint[0];
}

/** The floats of a coded constant. */
export function dequantizeConstant(tensor: ConstantTensor, { scale, zeroPoint, axis }: Coded): Float32Array {
  const geometry = geometryOf(axis === undefined ? { kind: 'tensor' } : { kind: 'channel', axis }, tensor.dims);
  return dequantizeArray(integersOf(tensor), geometry, { scale, zeroPoint });
}

/** A QuantizeLinear and the parameters it applies. */
export interface Quantizer {
  readonly node: Node;
  readonly parameters: CodeParameters;
}

/** What follows a node's output: perhaps a clamp that nothing else sees, then QuantizeLinear nodes, or float readers. */
export interface Tail {
  readonly clamp: Clamp | undefined;
  /** The Relu or Clip node, when there is one. */
  readonly clampNode: Node | undefined;
  /** The float value at the end. */
  readonly value: string;
  /** QuantizeLinear nodes of equal parameters that are all that reads `value`; empty when something reads it in float. */
  readonly quantizers: readonly Quantizer[];
}

/** Follows the output of a node. `quantizerOf` tells a QuantizeLinear with constant scalar parameters. */
export function tailOf(
  output: string,
  graph: Graph,
  usage: Usage,
  quantizerOf: (node: Node) => Quantizer | undefined,
): Tail {
  const next = usage.soleReader(output);
  const clamp = next === undefined ? undefined : clampOf(next, graph.constants);
  const isClamp = next !== undefined && clamp !== undefined && next.inputs[0] === output;
  const value = isClamp ? (next.outputs[0] as string) : output;
  return {
    clamp: isClamp ? clamp : undefined,
    clampNode: isClamp ? next : undefined,
    value,
    quantizers: quantizersOf(value, usage, quantizerOf),
  };
}

/** The QuantizeLinear nodes that read a value, when nothing else does and they agree. */
export function quantizersOf(
  value: string,
  usage: Usage,
  quantizerOf: (node: Node) => Quantizer | undefined,
): readonly Quantizer[] {
  if (usage.pinned.has(value)) return [];
  const found: Quantizer[] = [];
  for (const reader of usage.readers.get(value) ?? []) {
    const quantizer = reader.inputs[0] === value ? quantizerOf(reader) : undefined;
    if (quantizer === undefined) return [];
    if (found[0] !== undefined && !sameParameters(found[0].parameters, quantizer.parameters)) return [];
    found.push(quantizer);
  }
  return found;
}
