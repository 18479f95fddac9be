// encode_* and decode_* on every target, against the oracle.

import { describe, expect, test } from 'vitest';
import { EXPONENT_ROUNDINGS, floatFields, MINIFLOATS, type MinifloatName } from '../../src/numerics/minifloat.js';
import { f32, toCode } from '../oracle/arithmetic.js';
import { exponentCode, LAYOUTS, nearestCode, positiveValues, valueOfCode } from '../oracle/minifloat.js';
import { type Geometry, parameterCount, parameterOf } from '../oracle/quantize.js';
import { ofTensor, SCALED_GEOMETRIES, SPECIAL_FLOATS } from './geometries.js';
import { coversSlots, floatsIn, type Program, randomFloats, randomOf, runEverywhere, SHIFTS } from './harness.js';

const sizeOf = ({ outer, axis, inner }: Geometry): number => outer * axis * inner;

const GEOMETRIES: Geometry[] = [...[1, 2, 3, 5, 16, 31, 33, 64, 100, 2049, 9001].map(ofTensor), ...SCALED_GEOMETRIES];

function scalesOf(spread: Geometry, seed: number): Float32Array<ArrayBuffer> {
  const random = randomOf(seed);
  // 1 among them: its runs have a loop of their own.
  return Float32Array.from({ length: parameterCount(spread) }, () => (random() < 0.3 ? 1 : 2 ** (random() * 6 - 3)));
}

/** The codes in packed bytes, as numbers without sign. */
function unpacked(bytes: Uint8Array, bits: number, n: number, highFirst = false): number[] {
  if (bits === 16) return Array.from(new Uint16Array(bytes.slice().buffer));
  return Array.from({ length: n }, (_, i) => {
    const at = i * bits;
    const place = highFirst ? 8 - bits - (at % 8) : at % 8;
    return ((bytes[Math.floor(at / 8)] as number) >> place) & (2 ** bits - 1);
  });
}

const ELEMENT_FLOATS = Object.keys(MINIFLOATS).filter((name) => !name.startsWith('f6')) as MinifloatName[];

describe.each(ELEMENT_FLOATS)('%s', (name) => {
  const layout = LAYOUTS[name];
  const values = positiveValues(layout);
  const bits = 1 + layout.e + layout.m;
  const bytesOf = (n: number) => Math.ceil((n * bits) / 8);

  function encode(x: Float32Array, scale: Float32Array, spread: Geometry, saturate: boolean): number[] {
    const { codes } = runEverywhere({
      buffers: { x, scale, codes: bytesOf(x.length) },
      steps: [['encode_float', { x: 'x', scale: 'scale', codes: 'codes', ...spread, ...floatFields(name, saturate) }]],
    });
    return unpacked(codes as Uint8Array, bits, x.length);
  }

  test('encodes as the oracle in every geometry', () => {
    coversSlots('encode_f32_f8', 'encode_f32_f16', 'pack_codes_u8_u4');
    for (const [seed, spread] of GEOMETRIES.entries()) {
      const saturate = seed % 2 === 0;
      const x = randomFloats(sizeOf(spread), seed, (values.at(-1) as number) ** ((seed % 4) / 3), SPECIAL_FLOATS);
      const scale = scalesOf(spread, seed);
      const wanted = Array.from(x, (value, i) =>
        nearestCode(layout, values, f32(value / (scale[parameterOf(spread, i)] as number)), saturate),
      );
      expect(encode(x, scale, spread, saturate)).toEqual(wanted);
    }
  });

  test('every value, every tie and their neighbours, with either sign', () => {
    const ends = [...values, 2 * (values.at(-1) as number) - (values.at(-2) as number)];
    // Of the 16-bit formats every 97th value, the subnormals and the ends of the range.
    const chosen = ends.flatMap((value, i) =>
      bits < 16 || i % 97 === 0 || i < 40 || i > ends.length - 40 ? [value, (value + (ends[i + 1] ?? value)) / 2] : [],
    );
    const near = new Float32Array(6 * chosen.length);
    const words = new Int32Array(near.buffer);
    for (const [i, value] of chosen.entries()) {
      near[6 * i] = value;
      words[6 * i + 1] = (words[6 * i] as number) + 1;
      words[6 * i + 2] = Math.max(0, (words[6 * i] as number) - 1);
      for (let j = 0; j < 3; j++) near[6 * i + 3 + j] = -(near[6 * i + j] as number);
    }
    const spread = ofTensor(near.length);
    for (const saturate of [false, true]) {
      const found = encode(near, Float32Array.of(1), spread, saturate);
      expect(found).toEqual(Array.from(near, (value) => nearestCode(layout, values, value, saturate)));
    }
  });

  test('decodes every code, in every geometry', () => {
    coversSlots('decode_f8_f32', 'decode_f16_f32', 'unpack_codes_u4_u8');
    const random = randomOf(bits);
    const all = ofTensor(2 ** bits);
    for (const [seed, spread] of [all, ...GEOMETRIES].entries()) {
      const n = sizeOf(spread);
      const codes = Array.from({ length: n }, (_, i) => (seed === 0 ? i : Math.floor(random() * 2 ** bits)));
      const scale = seed === 0 ? Float32Array.of(1) : scalesOf(spread, seed);
      const packed = bits === 16 ? Uint16Array.from(codes) : packedCodes(codes, bits, false);
      const fields = { codes: 'codes', scale: 'scale', x: 'x', ...spread, ...floatFields(name, true) };
      const program: Program = { buffers: { codes: packed, scale, x: 4 * n }, steps: [['decode_float', fields]] };
      const { x } = runEverywhere(program, { floats: ['x'] });
      const wanted = codes.map((code, i) => f32(valueOfCode(layout, code) * (scale[parameterOf(spread, i)] as number)));
      expect(Array.from(floatsIn(x))).toEqual(wanted);
    }
  });
});

function packedCodes(codes: readonly number[], bits: number, highFirst: boolean): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(Math.ceil((codes.length * bits) / 8));
  codes.forEach((code, i) => {
    const at = i * bits;
    const place = highFirst ? 8 - bits - (at % 8) : at % 8;
    packed[Math.floor(at / 8)] = (packed[Math.floor(at / 8)] as number) | ((code & (2 ** bits - 1)) << place);
  });
  return packed;
}

describe.each([
  { bits: 16, sign: 1 },
  { bits: 16, sign: 0 },
  { bits: 4, sign: 1 },
  { bits: 4, sign: 0 },
  { bits: 2, sign: 1 },
  { bits: 2, sign: 0 },
])('integers of $bits bits, sign $sign', ({ bits, sign }) => {
  const qmin = sign === 1 ? -(2 ** (bits - 1)) : 0;
  const qmax = qmin + 2 ** bits - 1;
  const low = (code: number): number => ((code % 2 ** bits) + 2 ** bits) % 2 ** bits;

  function zerosOf(spread: Geometry, seed: number): Int32Array<ArrayBuffer> {
    const random = randomOf(seed);
    return Int32Array.from({ length: parameterCount(spread) }, () => qmin + Math.floor(random() * 2 ** bits));
  }

  /** rint without the limits of a format. */
  function rounded(value: number): number {
    if (!Number.isFinite(value)) return 0;
    return Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
  }

  test.each(bits < 8 ? [0, 1] : [0])('encode as the oracle in every geometry, wraps %i', (wraps) => {
    coversSlots('encode_f32_i8', 'encode_f32_i16');
    for (const [seed, spread] of GEOMETRIES.entries()) {
      const n = sizeOf(spread);
      const x = randomFloats(n, seed, 2 ** (bits + (seed % 3) - 2), [
        ...SPECIAL_FLOATS,
        0.5,
        1.5,
        2 ** 22 + 0.5,
        -(2 ** 31),
        1e9,
      ]);
      const scale = scalesOf(spread, seed);
      const zero = zerosOf(spread, seed + 1);
      const fields = { x: 'x', scale: 'scale', zero_point: 'zero', codes: 'codes', ...spread, bits, sign, wraps };
      const buffers = { x, scale, zero, codes: Math.ceil((n * bits) / 8) };
      const { codes } = runEverywhere({ buffers, steps: [['encode_integer', fields]] });
      const wanted = Array.from(x, (value, i) => {
        const at = parameterOf(spread, i);
        const [real, point] = [f32(value / (scale[at] as number)), zero[at] as number];
        return low(wraps === 1 ? low(rounded(real)) + point : toCode(real, point, qmin, qmax));
      });
      expect(unpacked(codes as Uint8Array, bits, n)).toEqual(wanted);
    }
  });

  test('decode as the oracle in every geometry', () => {
    coversSlots('decode_i16_f32', 'decode_u16_f32');
    for (const [seed, spread] of GEOMETRIES.entries()) {
      const n = sizeOf(spread);
      const random = randomOf(seed);
      const codes = Array.from({ length: n }, () => qmin + Math.floor(random() * 2 ** bits));
      const scale = scalesOf(spread, seed);
      const zero = zerosOf(spread, seed + 1);
      const packed = bits === 16 ? Int16Array.from(codes) : packedCodes(codes, bits, false);
      const fields = { codes: 'codes', scale: 'scale', zero_point: 'zero', x: 'x', ...spread, bits, sign };
      const { x } = runEverywhere({
        buffers: { codes: packed, scale, zero, x: 4 * n },
        steps: [['decode_integer', fields]],
      });
      const wanted = codes.map((code, i) => {
        const at = parameterOf(spread, i);
        return f32((code - (zero[at] as number)) * (scale[at] as number));
      });
      expect(Array.from(floatsIn(x))).toEqual(wanted);
    }
  });
});

describe('lists of levels', () => {
  const levels = Float32Array.from({ length: 16 }, (_, i) => f32((i - 7) * Math.abs(i - 7) * 0.021));
  const middles = Array.from({ length: 15 }, (_, i) => ((levels[i] as number) + (levels[i + 1] as number)) / 2);
  // The largest floats that are not above the middles: a float is above a middle where it is above those.
  const thresholds = Float32Array.from(middles, (middle) => {
    const near = Float32Array.of(middle);
    const words = new Int32Array(near.buffer);
    if ((near[0] as number) > middle) words[0] = (words[0] as number) + (middle > 0 ? -1 : 1);
    return near[0] as number;
  });

  test('encode to the nearest level, ties to the lower one', () => {
    coversSlots('encode_f32_u4');
    for (const [seed, spread] of GEOMETRIES.entries()) {
      const n = sizeOf(spread);
      const x = randomFloats(n, seed, 0.8, [...SPECIAL_FLOATS, ...thresholds]);
      const scale = scalesOf(spread, seed);
      const fields = { x: 'x', scale: 'scale', thresholds: 'thresholds', codes: 'codes', ...spread };
      const { codes } = runEverywhere(
        { buffers: { x, scale, thresholds, codes: Math.ceil(n / 2) }, steps: [['encode_levels', fields]] },
        { shifts: SHIFTS },
      );
      const wanted = Array.from(x, (value, i) => {
        const real = f32(value / (scale[parameterOf(spread, i)] as number));
        const distances = Array.from(levels, (level) => Math.abs(Math.max(-9, Math.min(9, real)) - level));
        return Number.isNaN(real) ? 7 : distances.indexOf(Math.min(...distances));
      });
      expect(unpacked(codes as Uint8Array, 4, n, true)).toEqual(wanted);
    }
  });

  test('decode', () => {
    coversSlots('decode_u4_f32');
    for (const [seed, spread] of GEOMETRIES.entries()) {
      const n = sizeOf(spread);
      const random = randomOf(seed);
      const codes = Array.from({ length: n }, () => Math.floor(random() * 16));
      const scale = scalesOf(spread, seed);
      const fields = { codes: 'codes', scale: 'scale', levels: 'levels', x: 'x', ...spread };
      const { x } = runEverywhere({
        buffers: { codes: packedCodes(codes, 4, true), scale, levels, x: 4 * n },
        steps: [['decode_levels', fields]],
      });
      const wanted = codes.map((code, i) => f32((levels[code] as number) * (scale[parameterOf(spread, i)] as number)));
      expect(Array.from(floatsIn(x))).toEqual(wanted);
    }
  });
});

describe('exponents', () => {
  const powers = Array.from({ length: 278 }, (_, i) => 2 ** (i - 150));
  const near = powers.flatMap((power) =>
    [1, 1 + 2 ** -23, 1.25, 1.5 - 2 ** -23, 1.5, 2 - 2 ** -23].map((f) => f * power),
  );
  const x = Float32Array.from([...near, ...SPECIAL_FLOATS].flatMap((value) => [value, -value]));

  test.each(EXPONENT_ROUNDINGS.flatMap((rounding) => [true, false].map((saturate) => ({ rounding, saturate }))))(
    'encode as the oracle: $rounding, saturate $saturate',
    ({ rounding, saturate }) => {
      coversSlots('encode_exponents_f32_u8');
      const fields = { n: x.length, rounding: EXPONENT_ROUNDINGS.indexOf(rounding), saturate: Number(saturate) };
      const { codes } = runEverywhere({
        buffers: { x, codes: x.length },
        steps: [['encode_exponents', { x: 'x', codes: 'codes', ...fields }]],
      });
      expect(Array.from(codes as Uint8Array)).toEqual(
        Array.from(x, (value) => exponentCode(value, rounding, saturate)),
      );
    },
  );

  test.each([1, 2, 15, 17, 64, 256, 9001])('%i elements, and back', (n) => {
    coversSlots('decode_exponents_u8_f32');
    const some = x.slice(100, 100 + n);
    const wide = Float32Array.from({ length: n }, (_, i) => some[i % some.length] as number);
    const { codes } = runEverywhere({
      buffers: { x: wide, codes: n },
      steps: [['encode_exponents', { x: 'x', codes: 'codes', n, rounding: 0, saturate: 1 }]],
    });
    expect(Array.from(codes as Uint8Array)).toEqual(Array.from(wide, (value) => exponentCode(value, 'down', true)));
    const every = Uint8Array.from({ length: n }, (_, i) => (7 * i) % 256);
    const { x: back } = runEverywhere(
      { buffers: { codes: every, x: 4 * n }, steps: [['decode_exponents', { codes: 'codes', x: 'x', n }]] },
      { floats: ['x'] },
    );
    const wanted = Array.from(every, (code) => (code === 255 ? Number.NaN : 2 ** (code - 127)));
    expect(Array.from(floatsIn(back))).toEqual(wanted);
  });
});
