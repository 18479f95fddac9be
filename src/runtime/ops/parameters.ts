// Scales, zero points, multipliers and biases as the constants that integer instructions read.

import { DTYPES, type DType } from '../../core/dtype.js';
import { sizeOf } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { intOf } from '../attributes.js';
import type { Lowering } from '../lowering.js';
import type { View } from '../program.js';

/** The types that codes have. */
export const CODE_TYPES = ['uint8', 'int8'] as const satisfies readonly DType[];

const RANGES: Readonly<Partial<Record<DType, readonly [number, number]>>> = { uint8: [0, 255], int8: [-128, 127] };

/** Smallest and largest code of a type of codes. */
export function rangeOf(dtype: DType): readonly [number, number] {
  return RANGES[dtype] ?? [0, 0];
}

export function expectCodes(at: Lowering, ...names: readonly string[]): void {
  for (const name of names) at.expectType(name, ...CODE_TYPES);
}

export function formatOf(at: Lowering, name: string): number {
  return DTYPES[at.type(name).dtype].onnx;
}

/** One scale and one zero point for a whole tensor; an absent zero point is 0. */
export function quantizationOf(
  at: Lowering,
  scale: string,
  zero: string,
  what: string,
): { scale: number; zeroPoint: number } {
  return {
    scale: at.float(scale, what),
    zeroPoint: zero === '' ? 0 : scalarInteger(at, zero, `the zero point of ${what}`),
  };
}

function scalarInteger(at: Lowering, name: string, what: string): number {
  const values = at.integers(name, what);
  if (values.length !== 1) at.unsupported(`${what} has ${values.length} elements; one is supported here`);
  return values[0] as number;
}

/** Zero points of `count` columns; undefined when absent or all 0. */
export function columnZeros(at: Lowering, name: string, count: number): Int32Array<ArrayBuffer> | undefined {
  if (name === '') return undefined;
  const values = at.integers(name, 'the weight zero point');
  if (values.length !== 1 && values.length !== count) {
    at.unsupported(`a weight zero point of ${values.length} elements for ${count} columns`);
  }
  if (values.every((value) => value === 0)) return undefined;
  return Int32Array.from({ length: count }, (_, column) => values[values.length === 1 ? 0 : column] as number);
}

/** Zero points as i32, undefined when all are 0: constants, or one code of the run. */
export function zeroPoints(at: Lowering, name: string): View | undefined {
  if (name === '') return undefined;
  if (at.constant(name) !== undefined) {
    const values = at.integers(name, 'the zero point');
    return values.every((value) => value === 0) ? undefined : at.block(Int32Array.from(values), `${name} as int32`);
  }
  if (at.type(name).dtype !== 'uint8' || sizeOf(at.dims(name)) !== 1) {
    at.unsupported(`the zero point '${name}' is computed by the model and is not a single uint8`);
  }
  const wide = at.scratch(4, `${name} as int32`);
  const row = { rows: 1, x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 };
  at.emit('copy_rows', { x: at.block(new Int32Array(1), 'zero'), y: wide, row_bytes: 4, ...row });
  at.emit('copy_rows', { x: at.read(name, 'logical'), y: wide, row_bytes: 1, ...row });
  return wide;
}

/** Weight scales: one, or one per column. */
export function columnScales(at: Lowering, name: string, count: number): Float32Array {
  const values = at.floats(name, 'the weight scale');
  if (values.length !== 1 && values.length !== count) {
    at.unsupported(`a weight scale of ${values.length} elements for ${count} columns`);
  }
  return values;
}

/** f32(x_scale * w_scale), one per weight scale. */
export function productMultipliers(x: number, weights: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(weights, (w) => Math.fround(x * w));
}

/** f32(f32(x_scale * w_scale) / y_scale): the multiplier of QLinearConv and QLinearMatMul. */
export function requantizeMultipliers(x: number, weights: Float32Array, y: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(weights, (w) => Math.fround(Math.fround(x * w) / y));
}

/** qlo and qhi of a node whose output is `y`; 0 where the output is not codes. */
export function codeLimits(at: Lowering, node: Node, y: string): { qlo: number; qhi: number } {
  const [qmin, qmax] = rangeOf(at.type(y).dtype);
  return { qlo: Math.max(qmin, intOf(node, 'qlo', qmin)), qhi: Math.min(qmax, intOf(node, 'qhi', qmax)) };
}

/** A vector of one entry per column (an integer bias, a float bias); undefined when absent. */
export function columnVector(at: Lowering, name: string, dtype: 'int32' | 'float32', count: number): View | undefined {
  if (name === '') return undefined;
  at.expectType(name, dtype);
  const size = at.dims(name).reduce((product, dim) => product * dim, 1);
  if (dtype === 'float32' && size === 1 && count !== 1) {
    return at.block(new Float32Array(count).fill(at.float(name, 'the bias')), `${name} repeated`);
  }
  if (size !== count) at.unsupported(`a bias of ${size} elements for ${count} columns`);
  return at.read(name, 'logical');
}
