// Every number format that floats can be converted to, as a table.

import { BLOCKS } from './blocks.js';
import { type ExponentRounding, MINIFLOATS, minifloatValues } from './minifloat.js';
import type { CodeLimits } from './params.js';

/** What holds codes: one element per entry, or for Uint8Array also several per byte, or blocks. */
export interface CodeArrays {
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
}

interface Conversion {
  /** integer: scale and zero point. minifloat: an optional scale. exponent: none. codebook: a scale. block: its own scales. */
  readonly kind: 'integer' | 'minifloat' | 'exponent' | 'codebook' | 'block';
  /** Bits of one element; below 8 they are packed. */
  readonly bits: number;
  readonly signed: boolean;
  /** Elements of a byte from its high bits down; otherwise, as ONNX has it, from its low bits up. */
  readonly highFirst: boolean;
  readonly array: keyof CodeArrays;
  readonly summary: string;
}

const INTEGER = { kind: 'integer', highFirst: false } as const;
const FLOAT = { kind: 'minifloat', signed: true, highFirst: false } as const;
const inBlocks = <const Bits extends number>({ bits }: { readonly bits: Bits }) =>
  ({ kind: 'block', bits, signed: true, highFirst: false, array: 'u8' }) as const;

export const CONVERSIONS = {
  u8: { ...INTEGER, bits: 8, signed: false, array: 'u8', summary: 'unsigned 8-bit integers' },
  i8: { ...INTEGER, bits: 8, signed: true, array: 'i8', summary: 'signed 8-bit integers' },
  u16: { ...INTEGER, bits: 16, signed: false, array: 'u16', summary: 'unsigned 16-bit integers' },
  i16: { ...INTEGER, bits: 16, signed: true, array: 'i16', summary: 'signed 16-bit integers' },
  u4: { ...INTEGER, bits: 4, signed: false, array: 'u8', summary: 'unsigned 4-bit integers, two per byte' },
  i4: { ...INTEGER, bits: 4, signed: true, array: 'u8', summary: 'signed 4-bit integers, two per byte' },
  u2: { ...INTEGER, bits: 2, signed: false, array: 'u8', summary: 'unsigned 2-bit integers, four per byte' },
  i2: { ...INTEGER, bits: 2, signed: true, array: 'u8', summary: 'signed 2-bit integers, four per byte' },
  f16: { ...FLOAT, bits: 16, array: 'u16', summary: 'IEEE 754 binary16' },
  bf16: { ...FLOAT, bits: 16, array: 'u16', summary: 'bfloat16' },
  f8e4m3fn: { ...FLOAT, bits: 8, array: 'u8', summary: 'FP8 E4M3: to 448, no infinities' },
  f8e5m2: { ...FLOAT, bits: 8, array: 'u8', summary: 'FP8 E5M2: to 57344' },
  f8e4m3fnuz: { ...FLOAT, bits: 8, array: 'u8', summary: 'FP8 E4M3 without infinities and negative zero, to 240' },
  f8e5m2fnuz: { ...FLOAT, bits: 8, array: 'u8', summary: 'FP8 E5M2 without infinities and negative zero, to 57344' },
  f4e2m1: { ...FLOAT, bits: 4, array: 'u8', summary: 'FP4 E2M1: to 6, two per byte' },
  f8e8m0: { ...FLOAT, kind: 'exponent', bits: 8, array: 'u8', summary: 'powers of two, for scales' },
  nf4: {
    ...{ kind: 'codebook', bits: 4, signed: true, highFirst: true, array: 'u8' },
    summary: 'NF4 of bitsandbytes: 16 levels in [-1, 1], the scale is max |x|; the first element in the high bits',
  },
  mxfp4: { ...inBlocks(BLOCKS.mxfp4), summary: 'OCP MX: 32 E2M1 behind an E8M0 scale' },
  mxfp6e2m3: { ...inBlocks(BLOCKS.mxfp6e2m3), summary: 'OCP MX: 32 E2M3 behind an E8M0 scale' },
  mxfp6e3m2: { ...inBlocks(BLOCKS.mxfp6e3m2), summary: 'OCP MX: 32 E3M2 behind an E8M0 scale' },
  mxfp8e4m3: { ...inBlocks(BLOCKS.mxfp8e4m3), summary: 'OCP MX: 32 E4M3 behind an E8M0 scale' },
  mxfp8e5m2: { ...inBlocks(BLOCKS.mxfp8e5m2), summary: 'OCP MX: 32 E5M2 behind an E8M0 scale' },
  mxint8: { ...inBlocks(BLOCKS.mxint8), summary: 'OCP MX: 32 8-bit integers behind an E8M0 scale' },
  nvfp4: { ...inBlocks(BLOCKS.nvfp4), summary: '16 E2M1 behind an E4M3 scale, and a scale of the tensor' },
  q8_0: { ...inBlocks(BLOCKS.q8_0), summary: 'ggml: 32 codes of 8 bits behind an f16 scale' },
  q4_0: { ...inBlocks(BLOCKS.q4_0), summary: 'ggml: 32 codes of 4 bits behind an f16 scale' },
  q4_1: { ...inBlocks(BLOCKS.q4_1), summary: 'ggml: 32 codes of 4 bits behind an f16 scale and minimum' },
  q5_0: { ...inBlocks(BLOCKS.q5_0), summary: 'ggml: 32 codes of 5 bits behind an f16 scale' },
  q5_1: { ...inBlocks(BLOCKS.q5_1), summary: 'ggml: 32 codes of 5 bits behind an f16 scale and minimum' },
  iq4_nl: { ...inBlocks(BLOCKS.iq4_nl), summary: 'ggml: 32 codes of a list of 16 levels behind an f16 scale' },
} as const satisfies Record<string, Conversion>;

export type ConversionName = keyof typeof CONVERSIONS;

type NamesOf<Kind extends Conversion['kind']> = {
  [Name in ConversionName]: (typeof CONVERSIONS)[Name]['kind'] extends Kind ? Name : never;
}[ConversionName];

/** Formats with a code per element; the others come in blocks. */
export type ElementFormat = Exclude<ConversionName, NamesOf<'block'>>;
export type BlockFormat = NamesOf<'block'>;

export const CONVERSION_NAMES = Object.keys(CONVERSIONS) as ConversionName[];

export function isBlockFormat(name: ConversionName): name is BlockFormat {
  return CONVERSIONS[name].kind === 'block';
}

/** Smallest and largest code of an integer format. */
export function codeRange(name: NamesOf<'integer'>): { qmin: number; qmax: number } {
  const { bits, signed } = CONVERSIONS[name];
  return signed ? { qmin: -(2 ** (bits - 1)), qmax: 2 ** (bits - 1) - 1 } : { qmin: 0, qmax: 2 ** bits - 1 };
}

/** Formats that the caller gives scales for. */
export type ScaledFormat =
  | NamesOf<'integer'>
  | 'f8e4m3fn'
  | 'f8e5m2'
  | 'f8e4m3fnuz'
  | 'f8e5m2fnuz'
  | 'f4e2m1'
  | 'nf4'
  | 'nvfp4';

/**
 * What the parameters of a format depend on; undefined for formats that take no scale or need none (f16, bf16). Floats, nf4 and the
 * tensor scale of nvfp4 have the symmetric half: the largest value that a code, or an element and the scale of its block, stands for.
 */
export function limitsOf(name: ConversionName): CodeLimits | undefined {
  const { kind, bits, signed } = CONVERSIONS[name];
  if (kind === 'integer') {
    const range = codeRange(name as NamesOf<'integer'>);
    return { ...range, symmetricQmax: range.qmax, symmetricZero: signed ? 0 : 2 ** (bits - 1) };
  }
  const float = (largest: number): CodeLimits => ({
    qmin: -largest,
    qmax: largest,
    symmetricQmax: largest,
    symmetricZero: 0,
  });
  if (name === 'nf4') return float(1);
  if (name === 'nvfp4') return float(448 * 6);
  if (kind !== 'minifloat' || bits > 8) return undefined;
  const minifloat = name as keyof typeof MINIFLOATS;
  return float(minifloatValues(minifloat)[MINIFLOATS[minifloat].max] as number);
}

/**
 * How values of a format become codes:
 *
 *     integer    sat(rint(f32(x / scale)) + zeroPoint), or without `saturate` its low bits (NaN and infinities then count as 0)
 *     minifloat  the nearest value to f32(x / scale), ties to even
 *     exponent   the power of two at |x|, upwards by default
 *     codebook   the level nearest to f32(x / scale), ties to the lower one, NaN as 0
 */
export interface CodecOptions {
  /** Undefined: as the format does by default. */
  readonly saturate?: boolean | undefined;
  readonly rounding?: ExponentRounding | undefined;
}
