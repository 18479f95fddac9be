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

/** 1.5 * 2^52: adding it rounds a double below 2^51 to an integer, half to even. */
const ROUNDING_SHIFT = 6755399441055744;

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);
/** 2^(index - 256), exact in a double. */
const POWERS = Float64Array.from({ length: 512 }, (_, index) => 2 ** (index - 256));

/** floor(log2 |x|) of a normal float32 value; -127 for zero and subnormals, 128 for infinities and NaN. */
export function exponentOf(x: number): number {
  scratch[0] = x;
  return (((scratchBits[0] as number) >>> 23) & 0xff) - 127;
}

/** 2^exponent for -256 <= exponent < 256. */
export function powerOfTwo(exponent: number): number {
  return POWERS[exponent + 256] as number;
}

/**
 * The code of the value nearest to the float32 value x, ties to the even code. Beyond the largest value by half a unit: with
 * `saturate` the largest value of that sign, without it Infinity, or NaN where there is none; +-Infinity likewise. NaN gives the
 * canonical NaN, in formats without one the largest positive value.
 */
export function encodeMinifloat(name: MinifloatName, x: number, saturate: boolean): number {
  const row: Minifloat = MINIFLOATS[name];
  if (Number.isNaN(x)) return row.nan ?? row.max;
  const sign = x < 0 || Object.is(x, -0) ? 1 << (row.exponent + row.mantissa) : 0;
  const magnitude = Math.abs(x);
  const exponent = Math.max(exponentOf(magnitude), 1 - row.bias);
  // Infinity stays beyond every code.
  const steps = magnitude * powerOfTwo(row.mantissa - exponent) + ROUNDING_SHIFT - ROUNDING_SHIFT;
  // A rounding up into the next binade carries into the exponent by itself; subnormals have the exponent field 0.
  const code = (exponent + row.bias - 1) * (1 << row.mantissa) + steps;
  if (code <= row.max) return code === 0 && !row.negativeZero ? 0 : sign | code;
  if (saturate || row.nan === undefined) return sign | row.max;
  return row.negativeZero ? sign | (row.infinity ?? row.nan) : row.nan;
}

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
  return sign * steps * powerOfTwo(Math.max(field, 1) - row.bias - row.mantissa);
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

/** How a value between two powers of two becomes one of them. */
export type ExponentRounding = 'up' | 'down' | 'nearest';

const E8M0_MAX = 0xfe;
const E8M0_NAN = 0xff;

/**
 * f8e8m0: the code e of 2^(e - 127) for the magnitude of x: the next one up (default for scales), down, or the nearest with ties
 * up. Infinities and NaN give 0xff (NaN); 0 and what lies below 2^-127 give 0. Above 2^127 upwards: 0xfe with `saturate`, NaN
 * without. Source: ONNX Cast 25, whose reference ignores the sign; float32 subnormals here are rounded by their value.
 */
export function encodeExponent(x: number, rounding: ExponentRounding, saturate: boolean): number {
  const magnitude = Math.abs(x);
  if (!(magnitude < Infinity)) return E8M0_NAN;
  const down = exponentOf(magnitude);
  const ratio = magnitude / powerOfTwo(down); // 1 to 2, or below 2 for subnormals and zero
  const up = rounding === 'up' ? ratio > 1 : rounding === 'nearest' && ratio >= 1.5;
  const code = down + 127 + (up ? 1 : 0);
  return code > E8M0_MAX && saturate ? E8M0_MAX : code;
}

/** 2^(code - 127); NaN for 0xff. */
export function decodeExponent(code: number): number {
  return code === E8M0_NAN ? Number.NaN : powerOfTwo(code - 127);
}
