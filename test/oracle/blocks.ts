// The oracle of block formats: blocks as strings of bits, from the descriptions of their layouts.

import { f32, rint } from './arithmetic.js';
import { LAYOUTS, type LayoutName, nearestCode, positiveValues, valueOfCode } from './minifloat.js';

/** The bits of a code, the lowest first. */
function lowFirst(code: number, bits: number): string {
  return [...(code >>> 0).toString(2).padStart(32, '0')].reverse().slice(0, bits).join('');
}

/** Bytes of a string of bits, the lowest bit of each byte first. */
function bytesOfBits(bits: string): number[] {
  return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt([...byte].reverse().join(''), 2));
}

const cache = new Map<LayoutName, number[]>();

export function codeOf(name: LayoutName, x: number, saturate = true): number {
  const values = cache.get(name) ?? positiveValues(LAYOUTS[name]);
  cache.set(name, values);
  return nearestCode(LAYOUTS[name], values, x, saturate);
}

function rounded(name: LayoutName, x: number): number {
  return valueOfCode(LAYOUTS[name], codeOf(name, x, false));
}

interface Made {
  readonly bytes: number[];
  /** What the bytes stand for. */
  readonly values: number[];
}

const largest = (x: readonly number[]): number => Math.max(...x.map(Math.abs));

/** MX: `element` undefined stands for 8-bit integers in units of 1/64. */
export function mxBlock(x: readonly number[], element: LayoutName | undefined): Made {
  if (x.some((value) => !Number.isFinite(value))) {
    const bits = element === undefined ? 8 : 1 + LAYOUTS[element].e + LAYOUTS[element].m;
    return { bytes: [255, ...Array<number>(4 * bits).fill(0)], values: x.map(() => Number.NaN) };
  }
  const top = element === undefined ? 1 : Math.max(...positiveValues(LAYOUTS[element]));
  let shared = -127;
  while (2 ** (shared + 1 + Math.floor(Math.log2(top))) <= largest(x)) shared++;
  const bits = element === undefined ? 8 : 1 + LAYOUTS[element].e + LAYOUTS[element].m;
  const codes = x.map((value) => {
    if (element !== undefined) return codeOf(element, value / 2 ** shared);
    return Math.max(-127, Math.min(127, rint((value / 2 ** shared) * 64))) + 0; // codes have no -0
  });
  const values = codes.map((code) =>
    f32((element === undefined ? code / 64 : valueOfCode(LAYOUTS[element], code)) * 2 ** shared),
  );
  return { bytes: [shared + 127, ...bytesOfBits(codes.map((code) => lowFirst(code, bits)).join(''))], values };
}

export function nvfp4Block(x: readonly number[], scale: number): Made {
  const bad = x.some((value) => !Number.isFinite(value));
  const code = bad ? 127 : codeOf('f8e4m3fn', f32(f32(largest(x) / 6) / scale));
  const factor = f32(valueOfCode(LAYOUTS.f8e4m3fn, code) * scale);
  const codes = x.map((value) => (factor > 0 ? codeOf('f4e2m1', f32(value / factor)) : 0));
  const values = codes.map((element) => f32(valueOfCode(LAYOUTS.f4e2m1, element) * factor));
  return { bytes: [code, ...bytesOfBits(codes.map((element) => lowFirst(element, 4)).join(''))], values };
}

export type GgmlName = 'q8_0' | 'q4_0' | 'q4_1' | 'q5_0' | 'q5_1' | 'iq4_nl';

export const IQ4_LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

function half(x: number): number[] {
  return bytesOfBits(lowFirst(codeOf('f16', x, false), 16));
}

/** The quotient by d as ggml takes it: times the rounded reciprocal; 0 where float32 has none. */
function over(x: number, d: number): number {
  const inverse = f32(1 / d);
  return Number.isFinite(inverse) ? f32(x * inverse) : 0;
}

/** First halves of the bytes are elements 0 to 15, second halves 16 to 31. */
function nibbles(codes: readonly number[]): number[] {
  return codes.slice(0, 16).map((code, j) => (code % 16) + 16 * ((codes[j + 16] as number) % 16));
}

function fifths(codes: readonly number[]): number[] {
  return bytesOfBits(codes.map((code) => (code >= 16 ? '1' : '0')).join(''));
}

/** 32 finite values whose scales f16 holds. */
export function ggmlBlock(name: GgmlName, x: readonly number[]): Made {
  const extreme = x.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  if (name === 'q8_0') {
    const d = f32(largest(x) / 127);
    const codes = x.map((value) => {
      const scaled = over(value, d);
      return (scaled < 0 ? -Math.floor(0.5 - scaled) : Math.floor(scaled + 0.5)) + 0; // codes have no -0
    });
    const factor = rounded('f16', d);
    return {
      bytes: [...half(d), ...codes.map((code) => (code + 256) % 256)],
      values: codes.map((code) => f32(code * factor)),
    };
  }
  if (name === 'q4_0' || name === 'q5_0') {
    const zero = name === 'q4_0' ? 8 : 16;
    const d = f32(-extreme / zero);
    const codes = x.map((value) => Math.min(2 * zero - 1, Math.floor(f32(over(value, d) + zero + 0.5))));
    const factor = rounded('f16', d);
    const high = name === 'q5_0' ? fifths(codes) : [];
    return {
      bytes: [...half(d), ...high, ...nibbles(codes)],
      values: codes.map((code) => f32((code - zero) * factor)),
    };
  }
  if (name === 'q4_1' || name === 'q5_1') {
    const most = name === 'q4_1' ? 15 : 31;
    const low = x.reduce((least, value) => (value < least ? value : least)); // of zeros the first one
    const d = f32(f32(Math.max(...x) - low) / most);
    const codes = x.map((value) => Math.min(most, Math.floor(f32(over(f32(value - low), d) + 0.5))));
    const [factor, offset] = [rounded('f16', d), rounded('f16', low)];
    const high = name === 'q5_1' ? fifths(codes) : [];
    return {
      bytes: [...half(d), ...half(low), ...high, ...nibbles(codes)],
      values: codes.map((code) => f32(f32(code * factor) + offset)),
    };
  }
  if (Math.abs(extreme) < f32(1e-15)) return { bytes: Array<number>(18).fill(0), values: x.map(() => -0) };
  const d = f32(extreme / -127);
  const codes = x.map((value) => {
    const at = over(value, d);
    const distances = IQ4_LEVELS.map((level) => Math.abs(f32(at - level)));
    return distances.lastIndexOf(Math.min(...distances));
  });
  let products = 0;
  let squares = 0;
  x.forEach((value, i) => {
    const weighted = f32(f32(value * value) * (IQ4_LEVELS[codes[i] as number] as number));
    products = f32(products + f32(weighted * value));
    squares = f32(squares + f32(weighted * (IQ4_LEVELS[codes[i] as number] as number)));
  });
  const scale = f32(products / squares);
  const factor = rounded('f16', scale);
  return {
    bytes: [...half(scale), ...nibbles(codes)],
    values: codes.map((code) => f32((IQ4_LEVELS[code] as number) * factor)),
  };
}

/** The bits of bytes, the lowest of each first. */
function bitsOfBytes(bytes: readonly number[]): string {
  return bytes.map((byte) => lowFirst(byte, 8)).join('');
}

/** Codes of so many bits, one after the other. */
function codesIn(bytes: readonly number[], bits: number): number[] {
  const digits = bitsOfBytes(bytes).match(new RegExp(`.{${bits}}`, 'g')) ?? [];
  return digits.map((code) => Number.parseInt([...code].reverse().join(''), 2));
}

const signed = (byte: number): number => (byte < 128 ? byte : byte - 256);

/** What the bytes of an MX block stand for; `element` undefined as in mxBlock. */
export function mxValues([exponent = 0, ...rest]: readonly number[], element: LayoutName | undefined): number[] {
  const scale = exponent === 255 ? Number.NaN : 2 ** (exponent - 127);
  if (element === undefined) return rest.map((byte) => f32((signed(byte) / 64) * scale));
  const { e, m } = LAYOUTS[element];
  return codesIn(rest, 1 + e + m).map((code) => f32(valueOfCode(LAYOUTS[element], code) * scale));
}

export function nvfp4Values([first = 0, ...rest]: readonly number[], scale: number): number[] {
  const factor = f32(valueOfCode(LAYOUTS.f8e4m3fn, first) * scale);
  return codesIn(rest, 4).map((code) => f32(valueOfCode(LAYOUTS.f4e2m1, code) * factor));
}

export function ggmlValues(name: GgmlName, bytes: readonly number[]): number[] {
  const half = (at: number): number =>
    valueOfCode(LAYOUTS.f16, (bytes[at] as number) + 256 * (bytes[at + 1] as number));
  const d = half(0);
  if (name === 'q8_0') return bytes.slice(2).map((byte) => f32(signed(byte) * d));
  const halves = codesIn(bytes.slice(-16), 4);
  const nibbles = [...halves.filter((_, i) => i % 2 === 0), ...halves.filter((_, i) => i % 2 === 1)];
  if (name === 'iq4_nl') return nibbles.map((code) => f32((IQ4_LEVELS[code] as number) * d));
  const offset = name.endsWith('1');
  const five = name.startsWith('q5');
  const high = five ? [...bitsOfBytes(bytes.slice(offset ? 4 : 2, offset ? 8 : 6))].map(Number) : nibbles.map(() => 0);
  const codes = nibbles.map((code, i) => code + 16 * (high[i] as number));
  return codes.map((code) => (offset ? f32(f32(code * d) + half(2)) : f32((code - (five ? 16 : 8)) * d)));
}
