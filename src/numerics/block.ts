// Block formats of the OCP Microscaling family and NVFP4: a scale byte, then the packed elements of the block.

import {
  decodeExponent,
  encodeMinifloat,
  exponentOf,
  type MinifloatName,
  minifloatValues,
  powerOfTwo,
} from './minifloat.js';
import { roundHalfEven } from './rounding.js';

/** A number format that carries its scales with it. */
export interface BlockCodec {
  /** Elements of a block, which are consecutive, and bytes of a block, which follow each other. */
  readonly block: number;
  readonly bytes: number;
  /** Bits of a code of one element. */
  readonly bits: number;
  /** True when a scale of the whole tensor takes part. */
  readonly tensorScale: boolean;
  /** Writes the block of `x` that starts at `from` to `out` at byte `at`; false when the values cannot be held. */
  encode(x: Float32Array, from: number, out: Uint8Array, at: number, scale: number): boolean;
  decode(codes: Uint8Array, at: number, x: Float32Array, to: number, scale: number): void;
}

/** Elements of n bits, the first in the lowest bits, little-endian. `out` is overwritten. */
export function packBits(codes: Uint8Array, bits: number, out: Uint8Array, at: number): void {
  let held = 0;
  let count = 0;
  let byte = at;
  for (const code of codes) {
    held |= code << count;
    count += bits;
    for (; count >= 8; count -= 8, held >>>= 8) out[byte++] = held & 0xff;
  }
  if (count > 0) out[byte] = held & 0xff;
}

/** The code of element `index` of a packed run that starts at byte `at`. */
export function unpackBits(packed: Uint8Array, bits: number, at: number, index: number): number {
  const bit = index * bits;
  const byte = at + Math.floor(bit / 8);
  const word = (packed[byte] as number) | ((packed[byte + 1] ?? 0) << 8);
  return (word >> (bit % 8)) & ((1 << bits) - 1);
}

/** max |x|; NaN when one of the values is NaN or infinite. */
function largestOf(x: Float32Array, from: number, count: number): number {
  let largest = 0;
  for (let i = from; i < from + count; i++) {
    const magnitude = Math.abs(x[i] as number);
    if (!(magnitude < Infinity)) return Number.NaN;
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** Elements as codes: floats of a minifloat format, or 8-bit integers in units of 2^-6. */
interface Elements {
  readonly bits: number;
  /** floor(log2) of the largest value. */
  readonly largestExponent: number;
  encode(value: number): number;
  decode(code: number): number;
}

function minifloatElements(name: MinifloatName): Elements {
  const values = minifloatValues(name);
  const finite = values.filter((value) => Number.isFinite(value));
  return {
    bits: Math.log2(values.length),
    largestExponent: exponentOf(finite.reduce((a, b) => Math.max(a, b), 0)),
    encode: (value) => encodeMinifloat(name, value, true),
    decode: (code) => values[code] as number,
  };
}

const INT8_ELEMENTS: Elements = {
  bits: 8,
  largestExponent: 0,
  encode: (value) => Math.min(127, Math.max(-127, roundHalfEven(value * 64))) & 0xff,
  decode: (code) => ((code << 24) >> 24) / 64,
};

const MX_BLOCK = 32;
const E8M0_NAN = 0xff;

/**
 * OCP Microscaling: 32 elements behind an E8M0 byte, X = 2^(floor(log2(max |x|)) - exponent of the largest element), never below
 * 2^-127; element = nearest even of x / X, saturated (MXINT8: rint(64 x / X) in [-127, 127]); value = f32(element * X). A block
 * that holds NaN or Infinity becomes NaN as a whole: X = 0xff.
 */
function microscaling(elements: Elements): BlockCodec {
  const { bits, largestExponent } = elements;
  const codes = new Uint8Array(MX_BLOCK);
  return {
    block: MX_BLOCK,
    bytes: 1 + (MX_BLOCK * bits) / 8,
    bits,
    tensorScale: false,
    encode(x, from, out, at) {
      const largest = largestOf(x, from, MX_BLOCK);
      if (Number.isNaN(largest)) {
        out[at] = E8M0_NAN;
        out.fill(0, at + 1, at + this.bytes);
        return true;
      }
      const exponent = Math.max(exponentOf(largest) - largestExponent, -127);
      const factor = powerOfTwo(-exponent);
      for (let i = 0; i < MX_BLOCK; i++) codes[i] = elements.encode((x[from + i] as number) * factor);
      out[at] = exponent + 127;
      packBits(codes, bits, out, at + 1);
      return true;
    },
    decode(packed, at, x, to) {
      const factor = decodeExponent(packed[at] as number);
      for (let i = 0; i < MX_BLOCK; i++) x[to + i] = elements.decode(unpackBits(packed, bits, at + 1, i)) * factor;
    },
  };
}

const NV_BLOCK = 16;
const E4M3_NAN = 0x7f;

/**
 * NVFP4: 16 elements E2M1 behind an E4M3 scale, and one float32 scale s of the tensor: d = E4M3(f32(f32(max |x| / 6) / s)),
 * element = E2M1(f32(x / f32(d * s))), value = f32(element * f32(d * s)); all nearest even, saturated. Where d comes out as 0 the
 * block is 0. A block that holds NaN or Infinity becomes NaN as a whole. `s` is 1 / global_scale of the checkpoints that store the
 * reciprocal; max |x| of the tensor / (448 * 6) uses the whole range.
 */
const NVFP4: BlockCodec = (() => {
  const values = minifloatValues('f4e2m1');
  const scales = minifloatValues('f8e4m3fn');
  const codes = new Uint8Array(NV_BLOCK);
  return {
    block: NV_BLOCK,
    bytes: 1 + NV_BLOCK / 2,
    bits: 4,
    tensorScale: true,
    encode(x, from, out, at, scale) {
      const largest = largestOf(x, from, NV_BLOCK);
      const local = Math.fround(Math.fround(largest / 6) / scale);
      const code = Number.isNaN(largest) ? E4M3_NAN : encodeMinifloat('f8e4m3fn', local, true);
      const divisor = Math.fround((scales[code] as number) * scale);
      for (let i = 0; i < NV_BLOCK; i++) {
        const value = x[from + i] as number;
        codes[i] = divisor > 0 ? encodeMinifloat('f4e2m1', Math.fround(value / divisor), true) : 0;
      }
      out[at] = code;
      packBits(codes, 4, out, at + 1);
      return true;
    },
    decode(packed, at, x, to, scale) {
      const factor = Math.fround((scales[packed[at] as number] as number) * scale);
      for (let i = 0; i < NV_BLOCK; i++) x[to + i] = (values[unpackBits(packed, 4, at + 1, i)] as number) * factor;
    },
  };
})();

/** The block formats whose elements lie in their own order behind one scale byte. */
export const SCALED_BLOCKS = {
  mxfp4: microscaling(minifloatElements('f4e2m1')),
  mxfp6e2m3: microscaling(minifloatElements('f6e2m3')),
  mxfp6e3m2: microscaling(minifloatElements('f6e3m2')),
  mxfp8e4m3: microscaling(minifloatElements('f8e4m3fn')),
  mxfp8e5m2: microscaling(minifloatElements('f8e5m2')),
  mxint8: microscaling(INT8_ELEMENTS),
  nvfp4: NVFP4,
} as const satisfies Record<string, BlockCodec>;
