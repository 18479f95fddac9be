// Floats of 16 bits and fewer: their layouts as a table, and the exact conversion from and to float32.

interface Minifloat {
  /** Bits of the exponent and of the mantissa; one sign bit comes above them. */
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** Code of the largest finite value. */
  readonly max: number;
  /** Code of +Infinity; undefined where there is none. Every code above it is a NaN. */
  readonly infinity: number | undefined;
  /** Code that a NaN becomes; undefined where there is none: then it becomes the largest value. */
  readonly nan: number | undefined;
  /** Without a negative zero that code is the only NaN (FNUZ). */
  readonly negativeZero: boolean;
  /** What values beyond the largest become by default: that (true), or Infinity, or NaN where there is no Infinity. */
  readonly saturate: boolean;
}

/**
 * Sources: IEEE 754 (f16), the upper half of binary32 (bf16), ONNX technical/float8.md and technical/float4.md, OCP Microscaling
 * Formats 1.0 (f6e2m3, f6e3m2).
 */
export const MINIFLOATS = {
  f16: {
    ...{ exponent: 5, mantissa: 10, bias: 15, max: 0x7bff, infinity: 0x7c00, nan: 0x7e00 },
    ...{ negativeZero: true, saturate: false },
  },
  bf16: {
    ...{ exponent: 8, mantissa: 7, bias: 127, max: 0x7f7f, infinity: 0x7f80, nan: 0x7fc0 },
    ...{ negativeZero: true, saturate: false },
  },
  f8e4m3fn: {
    ...{ exponent: 4, mantissa: 3, bias: 7, max: 0x7e, infinity: undefined, nan: 0x7f },
    ...{ negativeZero: true, saturate: true },
  },
  f8e5m2: {
    ...{ exponent: 5, mantissa: 2, bias: 15, max: 0x7b, infinity: 0x7c, nan: 0x7e },
    ...{ negativeZero: true, saturate: true },
  },
  f8e4m3fnuz: {
    ...{ exponent: 4, mantissa: 3, bias: 8, max: 0x7f, infinity: undefined, nan: 0x80 },
    ...{ negativeZero: false, saturate: true },
  },
  f8e5m2fnuz: {
    ...{ exponent: 5, mantissa: 2, bias: 16, max: 0x7f, infinity: undefined, nan: 0x80 },
    ...{ negativeZero: false, saturate: true },
  },
  f6e2m3: {
    ...{ exponent: 2, mantissa: 3, bias: 1, max: 0x1f, infinity: undefined, nan: undefined },
    ...{ negativeZero: true, saturate: true },
  },
  f6e3m2: {
    ...{ exponent: 3, mantissa: 2, bias: 3, max: 0x1f, infinity: undefined, nan: undefined },
    ...{ negativeZero: true, saturate: true },
  },
  f4e2m1: {
    ...{ exponent: 2, mantissa: 1, bias: 1, max: 0x7, infinity: undefined, nan: undefined },
    ...{ negativeZero: true, saturate: true },
  },
} as const satisfies Record<string, Minifloat>;

export type MinifloatName = keyof typeof MINIFLOATS;

/** The value of a code; every value is a float32 value. */
export function decodeMinifloat(name: MinifloatName, code: number): number {
  const row: Minifloat = MINIFLOATS[name];
  const signBit = 1 << (row.exponent + row.mantissa);
  const rest = code & (signBit - 1);
  if (!row.negativeZero && code === row.nan) return Number.NaN;
  const sign = (code & signBit) === 0 ? 1 : -1;
  if (rest > row.max) return rest === row.infinity ? sign * Infinity : Number.NaN;
  const one = 1 << row.mantissa;
  const field = rest >> row.mantissa;
  const steps = (rest & (one - 1)) + (field === 0 ? 0 : one);
  return sign * steps * 2 ** (Math.max(field, 1) - row.bias - row.mantissa);
}

const decoded = new Map<MinifloatName, Float32Array>();

/** The values of all codes, in the order of the codes. */
export function minifloatValues(name: MinifloatName): Float32Array {
  let values = decoded.get(name);
  if (values === undefined) {
    const { exponent, mantissa } = MINIFLOATS[name];
    values = Float32Array.from({ length: 2 << (exponent + mantissa) }, (_, code) => decodeMinifloat(name, code));
    decoded.set(name, values);
  }
  return values;
}

/** How a value between two powers of two becomes one of them, in the order of native/kernels/codec/codec.h. */
export const EXPONENT_ROUNDINGS = ['down', 'nearest', 'up'] as const;
export type ExponentRounding = (typeof EXPONENT_ROUNDINGS)[number];

/** The fields of instructions that say what a float format is. */
export type FloatFields = Readonly<
  Record<'exponent' | 'mantissa' | 'bias' | 'max' | 'infinity' | 'nan' | 'overflow' | 'negative_zero', number>
>;

/** A format as instructions have it; without a name that of an instruction that looks at none. */
export function floatFields(name: MinifloatName | undefined, saturate: boolean): FloatFields {
  if (name === undefined) {
    return { exponent: 0, mantissa: 0, bias: 0, max: 0, infinity: 0, nan: 0, overflow: 0, negative_zero: 0 };
  }
  const { exponent, mantissa, bias, max, infinity, nan, negativeZero } = MINIFLOATS[name];
  const overflow = saturate || nan === undefined ? max : (infinity ?? nan);
  return {
    ...{ exponent, mantissa, bias, max, infinity: infinity ?? -1, nan: nan ?? max, overflow },
    negative_zero: Number(negativeZero),
  };
}
