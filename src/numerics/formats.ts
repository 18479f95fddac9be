// The number formats that codes can have: their ranges, their tensor types, their zero points.

import type { DType, TypedArray } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';

interface NumberFormat {
  /** Integer formats hold codes; float formats hold values as they are. */
  readonly kind: 'integer' | 'float';
  readonly dtype: DType;
  readonly bits: number;
  /** Smallest and largest code. */
  readonly qmin: number;
  readonly qmax: number;
  /** The range that symmetric quantization uses: as many codes above the zero point as below it. */
  readonly symmetricQmin: number;
  readonly symmetricQmax: number;
  /** The zero point of symmetric quantization. */
  readonly symmetricZero: number;
  readonly summary: string;
}

/**
 * i8 leaves -128 out when it is symmetric: then |a| * |w| <= 255 * 127 on every ISA, and negation never overflows.
 * u8 symmetric is the same range moved by 128, for operators that know only unsigned weights.
 */
export const NUMBER_FORMATS = {
  u8: {
    kind: 'integer',
    dtype: 'uint8',
    bits: 8,
    qmin: 0,
    qmax: 255,
    symmetricQmin: 1,
    symmetricQmax: 255,
    symmetricZero: 128,
    summary: 'unsigned 8-bit codes',
  },
  i8: {
    kind: 'integer',
    dtype: 'int8',
    bits: 8,
    qmin: -128,
    qmax: 127,
    symmetricQmin: -127,
    symmetricQmax: 127,
    symmetricZero: 0,
    summary: 'signed 8-bit codes',
  },
  i32: {
    kind: 'integer',
    dtype: 'int32',
    bits: 32,
    qmin: -(2 ** 31),
    qmax: 2 ** 31 - 1,
    symmetricQmin: -(2 ** 31 - 1),
    symmetricQmax: 2 ** 31 - 1,
    symmetricZero: 0,
    summary: 'signed 32-bit codes: biases and accumulators',
  },
  f32: {
    kind: 'float',
    dtype: 'float32',
    bits: 32,
    qmin: -Infinity,
    qmax: Infinity,
    symmetricQmin: -Infinity,
    symmetricQmax: Infinity,
    symmetricZero: 0,
    summary: 'IEEE 754 binary32, not quantized',
  },
} as const satisfies Record<string, NumberFormat>;

export type NumberFormatName = keyof typeof NUMBER_FORMATS;

/** The formats that hold codes. */
export type CodeFormat = {
  [Name in NumberFormatName]: (typeof NUMBER_FORMATS)[Name]['kind'] extends 'integer' ? Name : never;
}[NumberFormatName];

/** The formats that activations and weights can be stored in. */
export type EightBitFormat = {
  [Name in CodeFormat]: (typeof NUMBER_FORMATS)[Name]['bits'] extends 8 ? Name : never;
}[CodeFormat];

/** Names of the formats that hold codes, in the order of the table. */
export const CODE_FORMATS = (Object.keys(NUMBER_FORMATS) as NumberFormatName[]).filter(
  (name): name is CodeFormat => NUMBER_FORMATS[name].kind === 'integer',
);

/** Names of the 8-bit code formats. */
export const EIGHT_BIT_FORMATS = CODE_FORMATS.filter((name): name is EightBitFormat => NUMBER_FORMATS[name].bits === 8);

/** The format whose codes a tensor type holds, or undefined for a type that holds no codes. */
export function codeFormatOf(dtype: DType): CodeFormat | undefined {
  return CODE_FORMATS.find((name) => NUMBER_FORMATS[name].dtype === dtype);
}

/** The name as a code format. Errors: ERR_BAD_ARGUMENT that lists the known ones. */
export function codeFormat(name: string, argument = 'format'): CodeFormat {
  if ((CODE_FORMATS as readonly string[]).includes(name)) return name as CodeFormat;
  throw new LowbitError('ERR_BAD_ARGUMENT', `Unknown format '${name}'; expected one of ${CODE_FORMATS.join(', ')}`, {
    argument,
  });
}

/** An array for `length` codes of a format. */
export function codeArray(format: CodeFormat, length: number): Uint8Array | Int8Array | Int32Array {
  if (format === 'u8') return new Uint8Array(length);
  return format === 'i8' ? new Int8Array(length) : new Int32Array(length);
}

/** True when the array's type is the one that holds codes of the format. */
export function isCodeArray(format: CodeFormat, array: TypedArray): boolean {
  return codeArray(format, 0).constructor === array.constructor;
}
