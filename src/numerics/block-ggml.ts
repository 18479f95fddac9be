// Block formats of ggml (GGUF files): 32 elements behind an f16 scale, byte for byte its reference quantizers.

import type { BlockCodec } from './block.js';
import { CODEBOOKS } from './codebook.js';
import { encodeMinifloat, minifloatValues } from './minifloat.js';

const BLOCK = 32;
const HALF = BLOCK / 2;
const f32 = Math.fround;

/** An f16 that holds a finite value, written little-endian; false where the value is beyond f16. */
function writeHalf(value: number, out: Uint8Array, at: number): boolean {
  const code = encodeMinifloat('f16', value, false);
  out[at] = code & 0xff;
  out[at + 1] = code >> 8;
  return (code & 0x7c00) !== 0x7c00;
}

function readHalf(codes: Uint8Array, at: number): number {
  return minifloatValues('f16')[(codes[at] as number) | ((codes[at + 1] as number) << 8)] as number;
}

/** 1 / d in float32; 0 for a d whose reciprocal float32 cannot hold (its f16 is 0 anyway). */
function reciprocal(d: number): number {
  const inverse = f32(1 / d);
  return Number.isFinite(inverse) ? inverse : 0;
}

/** Nibbles: byte j holds element j in its low half and element j + 16 in its high half; bit j of `qh` is the fifth of element j. */
function writeNibbles(codes: Uint8Array, out: Uint8Array, at: number): void {
  for (let j = 0; j < HALF; j++) {
    out[at + j] = ((codes[j] as number) & 0xf) | (((codes[j + HALF] as number) & 0xf) << 4);
  }
}

function readNibble(codes: Uint8Array, at: number, i: number): number {
  return ((codes[at + (i % HALF)] as number) >> (i < HALF ? 0 : 4)) & 0xf;
}

function writeFifthBits(codes: Uint8Array, out: Uint8Array, at: number): void {
  out.fill(0, at, at + 4);
  for (let i = 0; i < BLOCK; i++) {
    const byte = at + (i >> 3);
    out[byte] = (out[byte] as number) | (((codes[i] as number) >> 4) << (i & 7));
  }
}

function readFifthBit(codes: Uint8Array, at: number, i: number): number {
  return ((codes[at + (i >> 3)] as number) >> (i & 7)) & 1;
}

/** The value with the largest magnitude, the first of equals; NaN when one is NaN or infinite. */
function extremeOf(x: Float32Array, from: number): number {
  let extreme = 0;
  for (let i = from; i < from + BLOCK; i++) {
    const value = x[i] as number;
    if (!(Math.abs(value) < Infinity)) return Number.NaN;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  return extreme;
}

const scratch = new Uint8Array(BLOCK);

/** d = max |x| / 127, code = round(f32(x * f32(1 / d))) half away from zero, value = f32(code * d). */
const Q8_0: BlockCodec = {
  block: BLOCK,
  bytes: 2 + BLOCK,
  bits: 8,
  tensorScale: false,
  encode(x, from, out, at) {
    const d = f32(Math.abs(extremeOf(x, from)) / 127);
    const inverse = reciprocal(d);
    for (let i = 0; i < BLOCK; i++) {
      const scaled = f32((x[from + i] as number) * inverse);
      out[at + 2 + i] = Math.min(127, Math.floor(Math.abs(scaled) + 0.5)) * Math.sign(scaled);
    }
    return writeHalf(d, out, at);
  },
  decode(codes, at, x, to) {
    const d = readHalf(codes, at);
    for (let i = 0; i < BLOCK; i++) x[to + i] = (((codes[at + 2 + i] as number) << 24) >> 24) * d;
  },
};

/**
 * Symmetric, zero = 2^(bits - 1): d = m / -zero with m the value of the largest magnitude, so that it gets the code 0;
 * code = min(2 zero - 1, trunc(f32(f32(x * f32(1 / d)) + zero + 0.5))), value = f32((code - zero) * d).
 */
function symmetric(bits: 4 | 5): BlockCodec {
  const zero = 1 << (bits - 1);
  const nibbles = bits === 5 ? 6 : 2;
  return {
    block: BLOCK,
    bytes: nibbles + HALF,
    bits,
    tensorScale: false,
    encode(x, from, out, at) {
      const d = f32(extremeOf(x, from) / -zero);
      const inverse = reciprocal(d);
      for (let i = 0; i < BLOCK; i++) {
        const moved = f32(f32((x[from + i] as number) * inverse) + (zero + 0.5));
        scratch[i] = Math.min(2 * zero - 1, Math.trunc(moved));
      }
      if (bits === 5) writeFifthBits(scratch, out, at + 2);
      writeNibbles(scratch, out, at + nibbles);
      return writeHalf(d, out, at);
    },
    decode(codes, at, x, to) {
      const d = readHalf(codes, at);
      for (let i = 0; i < BLOCK; i++) {
        const fifth = bits === 5 ? readFifthBit(codes, at + 2, i) << 4 : 0;
        x[to + i] = ((readNibble(codes, at + nibbles, i) | fifth) - zero) * d;
      }
    },
  };
}

/**
 * With an offset: d = f32(max - min) / (2^bits - 1), m = min, code = trunc(f32(f32(f32(x - m) * f32(1 / d)) + 0.5)),
 * value = f32(f32(code * d) + m), d and m as f16.
 */
function asymmetric(bits: 4 | 5): BlockCodec {
  const most = (1 << bits) - 1;
  const nibbles = bits === 5 ? 8 : 4;
  return {
    block: BLOCK,
    bytes: nibbles + HALF,
    bits,
    tensorScale: false,
    encode(x, from, out, at) {
      if (Number.isNaN(extremeOf(x, from))) return false;
      let min = x[from] as number;
      let max = min;
      for (let i = from + 1; i < from + BLOCK; i++) {
        const value = x[i] as number;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      const d = f32(f32(max - min) / most);
      const inverse = reciprocal(d);
      for (let i = 0; i < BLOCK; i++) {
        const scaled = f32(f32((x[from + i] as number) - min) * inverse);
        scratch[i] = Math.min(most, Math.trunc(f32(scaled + 0.5)));
      }
      if (bits === 5) writeFifthBits(scratch, out, at + 4);
      writeNibbles(scratch, out, at + nibbles);
      const held = writeHalf(d, out, at);
      return writeHalf(min, out, at + 2) && held;
    },
    decode(codes, at, x, to) {
      const d = readHalf(codes, at);
      const m = readHalf(codes, at + 2);
      for (let i = 0; i < BLOCK; i++) {
        const fifth = bits === 5 ? readFifthBit(codes, at + 4, i) << 4 : 0;
        x[to + i] = f32((readNibble(codes, at + nibbles, i) | fifth) * d) + m;
      }
    },
  };
}

/** Below this magnitude a block of iq4_nl counts as all zero: scale 0. */
const IQ4_LEAST = f32(1e-15);

/** The level of iq4_nl nearest to x, the differences rounded to float32, ties to the upper one. */
function levelIndex(x: number): number {
  const levels = CODEBOOKS.iq4_nl;
  let above = 0;
  while (above < levels.length && x >= (levels[above] as number)) above++;
  if (above === levels.length) return levels.length - 1;
  if (above === 0) return 0;
  return f32(x - (levels[above - 1] as number)) < f32((levels[above] as number) - x) ? above - 1 : above;
}

/**
 * Levels v of a codebook: the codes are the levels nearest to f32(x * f32(1 / d)), d = m / v[0] with m the value of the largest
 * magnitude (a tie goes up); the stored scale is the least-squares one under weights x^2, sum(x^2 v x) / sum(x^2 v v), every step
 * in float32 and in the order of the elements; value = f32(v * scale).
 */
const IQ4_NL: BlockCodec = {
  block: BLOCK,
  bytes: 2 + HALF,
  bits: 4,
  tensorScale: false,
  encode(x, from, out, at) {
    const levels = CODEBOOKS.iq4_nl;
    const extreme = extremeOf(x, from);
    if (Math.abs(extreme) < IQ4_LEAST) {
      out.fill(0, at, at + this.bytes);
      return true;
    }
    const inverse = f32(1 / f32(extreme / (levels[0] as number)));
    let products = 0;
    let squares = 0;
    for (let i = 0; i < BLOCK; i++) {
      const value = x[from + i] as number;
      const code = levelIndex(f32(inverse * value));
      const level = levels[code] as number;
      const weighted = f32(f32(value * value) * level);
      products = f32(products + f32(weighted * value));
      squares = f32(squares + f32(weighted * level));
      scratch[i] = code;
    }
    writeNibbles(scratch, out, at + 2);
    return writeHalf(f32(products / squares), out, at);
  },
  decode(codes, at, x, to) {
    const d = readHalf(codes, at);
    for (let i = 0; i < BLOCK; i++) x[to + i] = (CODEBOOKS.iq4_nl[readNibble(codes, at + 2, i)] as number) * d;
  },
};

/** The block formats of ggml that hold 32 elements; little-endian, as in GGUF files. */
export const GGML_BLOCKS = {
  q8_0: Q8_0,
  q4_0: symmetric(4),
  q4_1: asymmetric(4),
  q5_0: symmetric(5),
  q5_1: asymmetric(5),
  iq4_nl: IQ4_NL,
} as const satisfies Record<string, BlockCodec>;
