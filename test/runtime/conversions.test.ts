// quantize and dequantize for every number format: bytes against the oracle, round trips, and what they refuse.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCKS as ROWS } from '../../src/numerics/blocks.js';
import { type BlockFormat, CONVERSION_NAMES, CONVERSIONS } from '../../src/numerics/conversions.js';
import { dequantize, dequantizeSync } from '../../src/runtime/arrays/dequantize.js';
import { quantizationParametersSync } from '../../src/runtime/arrays/quantization-parameters.js';
import { type QuantizeOptions, quantize, quantizeSync } from '../../src/runtime/arrays/quantize.js';
import { f32, toCode } from '../oracle/arithmetic.js';
import { codeOf, type GgmlName, ggmlBlock, mxBlock, nvfp4Block } from '../oracle/blocks.js';
import type { LayoutName } from '../oracle/minifloat.js';

/** Floats of many magnitudes, with zeros and ties among them. */
function floats(count: number, seed: number, spread = 8): Float32Array {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count }, (_, i) => {
    const value = (next() - 0.5) * 2 ** ((next() - 0.5) * spread);
    return i % 11 === 3 ? 0 : i % 7 === 2 ? Math.round(value * 8) / 2 : value;
  });
}

const INTEGERS = { i16: [-32768, 32767], u16: [0, 65535], i4: [-8, 7], u4: [0, 15], i2: [-2, 1], u2: [0, 3] } as const;
type IntegerName = keyof typeof INTEGERS;

/** Element i of packed codes, the first in the low bits. */
function elementAt(name: IntegerName, codes: ArrayLike<number>, i: number): number {
  const { bits } = CONVERSIONS[name];
  if (bits === 16) return codes[i] as number;
  const digits = Array.from(codes, (byte) => [...byte.toString(2).padStart(8, '0')].reverse().join('')).join('');
  const code = Number.parseInt([...digits.slice(i * bits, (i + 1) * bits)].reverse().join(''), 2);
  return code > INTEGERS[name][1] ? code - 2 ** bits : code;
}

describe.each(Object.keys(INTEGERS) as IntegerName[])('%s', (name) => {
  const [qmin, qmax] = INTEGERS[name];

  test.each([1, 2, 3, 4, 5, 31, 32])('%i elements with a zero point', (count) => {
    const x = floats(count, count);
    const options = { format: name, scale: f32(0.3), zeroPoint: 1 };
    const out = quantizeSync(x, options);
    out.fill(-1);
    const codes = quantizeSync(x, { ...options, out } as QuantizeOptions);
    expect(codes).toBe(out);
    expect(codes.byteLength).toBe(Math.ceil((count * CONVERSIONS[name].bits) / 8));
    const back = dequantizeSync(codes, { ...options, count });
    x.forEach((value, i) => {
      const code = toCode(f32(value / f32(0.3)), 1, qmin, qmax);
      expect(elementAt(name, codes, i)).toBe(code);
      expect(back[i]).toBe(f32((code - 1) * f32(0.3)));
    });
  });

  test('per channel and per block', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 4 }),
        (outer, axis, inner, blockSize) => {
          const x = floats(outer * axis * inner, axis * 7 + inner);
          const blocks = blockSize === 0 ? axis : Math.ceil(axis / blockSize);
          const count = blockSize === 0 ? axis : outer * blocks * inner;
          const scale = Float32Array.from({ length: count }, (_, i) => f32(0.1 + i * 0.03));
          const options = {
            ...{ format: name, scale, dims: [outer, axis, inner], axis: -2 },
            ...(blockSize === 0 ? {} : { blockSize }),
          };
          const codes = quantizeSync(x, options);
          const back = dequantizeSync(codes, options);
          x.forEach((value, i) => {
            const [o, a, n] = [Math.floor(i / (axis * inner)), Math.floor(i / inner) % axis, i % inner];
            const at = blockSize === 0 ? a : (o * blocks + Math.floor(a / blockSize)) * inner + n;
            const code = toCode(f32(value / (scale[at] as number)), 0, qmin, qmax);
            expect(elementAt(name, codes, i)).toBe(code);
            expect(back[i]).toBe(f32(code * (scale[at] as number)));
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  test('NaN and infinities saturate', () => {
    const x = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1e30);
    const codes = quantizeSync(x, { format: name, scale: 1 });
    expect([0, 1, 2, 3].map((i) => elementAt(name, codes, i))).toEqual([qmin, qmin, qmax, qmax]);
  });

  if (CONVERSIONS[name].bits < 8)
    test('keeps the low bits when it does not saturate', () => {
      const x = Float32Array.of(17, -9, 2.5, -1e30, Number.NaN, Number.POSITIVE_INFINITY, 5, -3);
      const codes = quantizeSync(x, { format: name, scale: 1, saturate: false });
      const size = qmax - qmin + 1;
      const wrapped = [17, -9, 2, 0, 0, 0, 5, -3].map((v) => ((((v - qmin) % size) + size) % size) + qmin);
      expect(wrapped.map((_, i) => elementAt(name, codes, i))).toEqual(wrapped);
    });
});

const FLOATS = ['f16', 'bf16', 'f8e4m3fn', 'f8e5m2', 'f8e4m3fnuz', 'f8e5m2fnuz', 'f4e2m1'] as const;

describe('small floats', () => {
  test('with scales, and packed', () => {
    const x = floats(67, 5);
    for (const format of FLOATS) {
      const codes = quantizeSync(x, { format, scale: f32(0.7) });
      const wanted = Array.from(x, (value) => codeOf(format, f32(value / f32(0.7)), CONVERSIONS[format].bits < 16));
      const found =
        format === 'f4e2m1' ? [...codes].flatMap((byte) => [byte & 15, byte >> 4]).slice(0, 67) : [...codes];
      expect(found).toEqual(wanted);
      const back = dequantizeSync(codes, { format, count: 67, scale: f32(0.7) });
      expect(quantizeSync(back, { format, scale: f32(0.7) })).toEqual(codes);
    }
  });

  test('out of range: f16 gives Infinity, fp8 saturates; the option turns it', () => {
    const x = Float32Array.of(1e6, -1e6);
    const read = (format: 'f16' | 'f8e4m3fn' | 'f8e5m2', saturate?: boolean) => [
      ...dequantizeSync(quantizeSync(x, { format, saturate }), { format }),
    ];
    expect(read('f16')).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(read('f16', true)).toEqual([65504, -65504]);
    expect(read('f8e4m3fn')).toEqual([448, -448]);
    expect(read('f8e4m3fn', false)).toEqual([Number.NaN, Number.NaN]);
    expect(read('f8e5m2', false)).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  test('f8e8m0 rounds as asked', () => {
    const x = Float32Array.of(3, -5, 0, Number.NaN);
    expect([...quantizeSync(x, { format: 'f8e8m0' })]).toEqual([129, 130, 0, 255]);
    expect([...quantizeSync(x, { format: 'f8e8m0', rounding: 'down' })]).toEqual([128, 129, 0, 255]);
    expect([...dequantizeSync(Uint8Array.of(129, 0), { format: 'f8e8m0' })]).toEqual([4, 2 ** -127]);
  });
});

describe('nf4', () => {
  test('every level, the first element in the high bits', () => {
    const all = Uint8Array.from({ length: 8 }, (_, i) => i * 2 * 16 + i * 2 + 1);
    const levels = dequantizeSync(all, { format: 'nf4', scale: 2 });
    expect([...levels].sort((a, b) => a - b)).toEqual([...levels]);
    expect([levels[0], levels[7], levels[15]]).toEqual([-2, 0, 2]);
    expect(quantizeSync(levels, { format: 'nf4', scale: 2 })).toEqual(all);
  });

  test('nearest level in blocks of 64, ties to the lower one', () => {
    const x = floats(256, 9);
    const scale = Float32Array.from({ length: 4 }, (_, b) => Math.max(...x.slice(64 * b, 64 * b + 64).map(Math.abs)));
    const options = { format: 'nf4', scale, dims: [256], axis: 0, blockSize: 64 } as const;
    const levels = dequantizeSync(Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef), {
      format: 'nf4',
      scale: 1,
    });
    const codes = quantizeSync(x, options);
    const back = dequantizeSync(codes, options);
    x.forEach((value, i) => {
      const s = scale[Math.floor(i / 64)] as number;
      const distances = [...levels].map((level) => Math.abs(f32(value / s) - level));
      const code = distances.indexOf(Math.min(...distances));
      expect(((codes[i >> 1] as number) >> (i % 2 === 0 ? 4 : 0)) & 15).toBe(code);
      expect(back[i]).toBe(f32((levels[code] as number) * s));
    });
  });
});

const MX: Partial<Record<BlockFormat, LayoutName | undefined>> = {
  ...{ mxfp4: 'f4e2m1', mxfp6e2m3: 'f6e2m3', mxfp6e3m2: 'f6e3m2', mxfp8e4m3: 'f8e4m3fn', mxfp8e5m2: 'f8e5m2' },
  mxint8: undefined,
};
const BLOCKS = CONVERSION_NAMES.filter((name): name is BlockFormat => CONVERSIONS[name].kind === 'block');
const TENSOR_SCALE = f32(0.01);

function oracle(format: BlockFormat, x: number[]) {
  if (format === 'nvfp4') return nvfp4Block(x, TENSOR_SCALE);
  return format in MX ? mxBlock(x, MX[format]) : ggmlBlock(format as GgmlName, x);
}

describe.each(BLOCKS)('%s', (format) => {
  const { block, bytes } = ROWS[format];
  const scale = format === 'nvfp4' ? { scale: TENSOR_SCALE } : {};

  function check(x: Float32Array): void {
    const codes = quantizeSync(x, { format, ...scale });
    const back = dequantizeSync(codes, { format, ...scale });
    expect(codes.length).toBe((x.length / block) * bytes);
    for (let b = 0; b < x.length / block; b++) {
      const wanted = oracle(format, [...x.slice(b * block, (b + 1) * block)]);
      expect([...codes.slice(b * bytes, (b + 1) * bytes)]).toEqual(wanted.bytes);
      expect([...back.slice(b * block, (b + 1) * block)]).toEqual(wanted.values);
    }
  }

  test('bytes and values of the oracle', () => {
    for (let seed = 1; seed <= 40; seed++) check(floats(block * 3, seed, seed % 4 === 0 ? 24 : 4));
  });

  test('zeros, ends, steps and small values', () => {
    check(new Float32Array(block));
    check(new Float32Array(block).fill(-3));
    check(Float32Array.from({ length: block }, (_, i) => i - block / 2));
    check(Float32Array.from({ length: block }, (_, i) => (i % 2 === 0 ? 6 : -6) / (1 + (i >> 2))));
    check(floats(block, 3).map((value) => value * 2 ** -20));
  });

  test('NaN and infinities', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = floats(block, 2);
      x[block - 1] = bad;
      if (CONVERSIONS[format].summary.startsWith('ggml')) {
        expect(() => quantizeSync(x, { format })).toThrowError(expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }));
        expect(() => quantizeSync(new Float32Array(block).fill(3e38), { format })).toThrowError(/an f16 can hold/);
      } else check(x);
    }
  });

  test('refuses what it has no place for', () => {
    const x = new Float32Array(block * 2);
    expect(() => quantizeSync(x.subarray(1), { format })).toThrowError(/a multiple of \d+ elements/);
    expect(() => quantizeSync(x, { format, dims: [4, block / 2] })).toThrowError(/a multiple of \d+ elements/);
    expect(() => quantizeSync(x, { format, zeroPoint: 0 })).toThrowError(/nothing .* for zeroPoint/);
    expect(() => quantizeSync(x, { format, dims: [2, block], axis: 0 })).toThrowError(/the last axis/);
    expect(() => dequantizeSync(new Uint8Array(bytes + 1), { format })).toThrowError(/entries for/);
    if (format !== 'nvfp4') expect(() => quantizeSync(x, { format, scale: 1 })).toThrowError(/has its own/);
  });
});

describe('quantizationParameters', () => {
  const x = Float32Array.of(-1.5, 0, 3, 0.25);

  test.each([
    ['i4', true, f32(3 / 7), 0],
    ['u4', true, f32(3 / 7), 8],
    ['u4', false, f32(4.5 / 15), 5],
    ['i4', false, f32(4.5 / 15), -3],
    ['i2', true, 3, 0],
    ['i16', true, f32(3 / 32767), 0],
    ['u16', false, f32(4.5 / 65535), 21845],
    ['f8e4m3fn', true, f32(3 / 448), 0],
    ['f8e5m2fnuz', true, f32(3 / 57344), 0],
    ['f4e2m1', true, 0.5, 0],
    ['nf4', true, 3, 0],
    ['nvfp4', true, f32(3 / 2688), 0],
  ] as const)('%s symmetric %s', (format, symmetric, scale, zeroPoint) => {
    expect(quantizationParametersSync(x, { format, symmetric })).toEqual({ scale, zeroPoint });
  });

  test('per block, as nf4 wants them', () => {
    const { scale } = quantizationParametersSync(x, {
      format: 'nf4',
      symmetric: true,
      dims: [4],
      axis: 0,
      blockSize: 2,
    });
    expect([...scale]).toEqual([1.5, 3]);
  });

  test.each([
    [() => quantizationParametersSync(x, { format: 'f16' as 'i4', symmetric: true }), /a format that takes scales/],
    [() => quantizationParametersSync(x, { format: 'nf4', symmetric: false }), /nf4 has no zero point/],
    [() => quantizationParametersSync(x, { format: 'nvfp4', symmetric: true, dims: [4], axis: 0 }), /for axis/],
  ])('says what is wrong: %#', (call, message) => {
    expect(call).toThrowError(message);
  });
});

describe('calls', () => {
  test('every row of the table has its values checked: here, or 8-bit integers by the kernels', () => {
    const oracles = [...Object.keys(MX), 'nvfp4', 'q8_0', 'q4_0', 'q4_1', 'q5_0', 'q5_1', 'iq4_nl'];
    const elements = ['u8', 'i8', ...Object.keys(INTEGERS), ...FLOATS, 'f8e8m0', 'nf4'];
    expect([...CONVERSION_NAMES].sort()).toEqual([...elements, ...oracles].sort());
  });

  test('the asynchronous ones give the same, let the event loop turn, and stop when they are told to', async () => {
    const x = floats(400_000, 1);
    let turned = 0;
    const timer = setInterval(() => turned++, 0);
    const codes = await quantize(x, { format: 'f16' });
    const back = await dequantize(codes, { format: 'f16' });
    clearInterval(timer);
    expect(turned).toBeGreaterThan(0);
    expect(codes).toEqual(quantizeSync(x, { format: 'f16' }));
    expect(back).toEqual(dequantizeSync(codes, { format: 'f16' }));
    const controller = new AbortController();
    const stopped = quantize(x, { format: 'q4_0', signal: controller.signal });
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('empty arrays', () => {
    for (const format of CONVERSION_NAMES) {
      const { kind } = CONVERSIONS[format];
      const scale = kind === 'integer' || kind === 'codebook' ? { scale: 1 } : {};
      const codes = quantizeSync(new Float32Array(0), { format, ...scale });
      expect(codes.length).toBe(0);
      expect(dequantizeSync(codes, { format, ...scale }).length).toBe(0);
    }
  });

  test.each([
    [() => quantizeSync(new Float32Array(2), { format: 'i4' }), /for scale but received undefined/],
    [() => quantizeSync(new Float32Array(2), { format: 'nf4' }), /for scale but received undefined/],
    [() => quantizeSync(new Float32Array(2), { format: 'u8' }), /for scale but received undefined/],
    [() => quantizeSync(new Float32Array(2), { format: 'i4', scale: 1, zeroPoint: 8 }), /integers from -8 to 7/],
    [() => quantizeSync(new Float32Array(2), { format: 'f16', zeroPoint: 1 }), /0 \(f16\) for zeroPoint/],
    [
      () => quantizeSync(new Float32Array(2), { format: 'i8', scale: 1, saturate: false }),
      /true \(i8 has nothing else\)/,
    ],
    [() => quantizeSync(new Float32Array(2), { format: 'f4e2m1', saturate: false }), /f4e2m1 has nothing else/],
    [() => quantizeSync(new Float32Array(2), { format: 'f16', rounding: 'up' }), /nothing \(f16 rounds to nearest\)/],
    [() => quantizeSync(new Float32Array(2), { format: 'f8e8m0', scale: 1 }), /nothing \(f8e8m0 has none\)/],
    [
      () => quantizeSync(new Float32Array(3), { format: 'i4', scale: 1, out: new Uint8Array(3) }),
      /Uint8Array of 2 elements/,
    ],
    [() => dequantizeSync(new Uint16Array(2), { scale: 1 }), /for codes but received Uint16Array/],
    [() => dequantizeSync(new Uint8Array(2), { format: 'f16' }), /a Uint16Array \(f16\) for codes/],
    [() => dequantizeSync(new Uint8Array(2), { format: 'i8', scale: 1 }), /a Int8Array \(i8\) for codes/],
    [() => dequantizeSync(new Uint8Array(2), { format: 'i4', scale: 1, count: 5 }), /3 entries for 5 elements of i4/],
    [() => dequantizeSync(new Uint8Array(2), { scale: 1, count: 3 }), /2 for count/],
  ])('says what is wrong: %#', (call, message) => {
    expect(call).toThrowError(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT', message: expect.stringMatching(message) }),
    );
  });
});
