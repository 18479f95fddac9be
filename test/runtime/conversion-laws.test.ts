// Laws of quantize and dequantize, for every number format and any floats: what comes back, how far from what went in.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCKS } from '../../src/numerics/blocks.js';
import {
  CONVERSION_NAMES,
  CONVERSIONS,
  type ConversionName,
  codeRange,
  isBlockFormat,
} from '../../src/numerics/conversions.js';
import { type Codes, dequantize, dequantizeSync } from '../../src/runtime/arrays/dequantize.js';
import { quantizationParametersSync } from '../../src/runtime/arrays/quantization-parameters.js';
import { quantize, quantizeSync } from '../../src/runtime/arrays/quantize.js';
import { LAYOUTS, type LayoutName, positiveValues } from '../oracle/minifloat.js';

const SCALE = Math.fround(0.37);
const blockOf = (format: ConversionName): number => (isBlockFormat(format) ? BLOCKS[format].block : 1);
const isGgml = (format: ConversionName): boolean => CONVERSIONS[format].summary.startsWith('ggml');
const needsScale = (format: ConversionName): boolean => ['integer', 'codebook'].includes(CONVERSIONS[format].kind);

function optionsOf(format: ConversionName): { readonly format: ConversionName; readonly scale?: number } {
  return { format, ...(needsScale(format) ? { scale: SCALE } : {}) };
}

function roundTrip(format: ConversionName, x: Float32Array): Float32Array {
  const options = optionsOf(format);
  return dequantizeSync(quantizeSync(x, options) as Codes, { ...options, count: x.length });
}

/** Floats in [-limit, limit], zeros of both signs and subnormals among them; as many as whole blocks take. */
function floats(format: ConversionName, limit: number): fc.Arbitrary<Float32Array> {
  const size = blockOf(format) === 1 ? { minLength: 1, maxLength: 70 } : { minLength: 64, maxLength: 64 };
  const any = fc.float({ min: Math.fround(-limit), max: Math.fround(limit), noNaN: true });
  const even = fc.integer({ min: -4096, max: 4096 }).map((i) => Math.fround((i * limit) / 4096));
  return fc.array(fc.oneof(any, even), size).map((list) => Float32Array.from(list));
}

/** The largest values that every format holds one way or the other; above the range of u2 and nf4. */
const LIMIT = 50;

describe.each(CONVERSION_NAMES)('%s', (format) => {
  const { kind, bits } = CONVERSIONS[format];
  const block = blockOf(format);

  test('what came back once comes back again', () => {
    // With an offset or least-squares scales the second scale may be another one; a scale in E4M3 may be subnormal.
    if (['q4_1', 'q5_1', 'iq4_nl', 'nvfp4'].includes(format)) return;
    fc.assert(
      fc.property(floats(format, LIMIT), (x) => {
        const once = roundTrip(format, x);
        expect(roundTrip(format, once)).toEqual(once);
      }),
      { numRuns: 40 },
    );
  });

  test('order is kept', () => {
    fc.assert(
      fc.property(floats(format, LIMIT), (x) => {
        // Within a block: blocks have scales of their own.
        const sorted = x.slice(0, block === 1 ? x.length : block).sort();
        const back = roundTrip(format, format === 'f8e8m0' ? sorted.map(Math.abs).sort() : sorted);
        back.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(back[Math.max(0, i - 1)] as number);
        });
      }),
      { numRuns: 40 },
    );
  });

  test('asynchronous, into `out`, and piece by piece it is the same', async () => {
    const options = optionsOf(format);
    await fc.assert(
      fc.asyncProperty(floats(format, LIMIT), async (x) => {
        const codes = quantizeSync(x, options);
        expect(await quantize(x, options)).toEqual(codes);
        const out = codes.slice().fill(77) as typeof codes;
        expect(await quantize(x, { ...options, out })).toBe(out);
        expect(out).toEqual(codes);
        const back = dequantizeSync(codes as Codes, { ...options, count: x.length });
        expect(await dequantize(codes as Codes, { ...options, count: x.length })).toEqual(back);
        const floatsOut = new Float32Array(x.length).fill(7);
        expect(dequantizeSync(codes as Codes, { ...options, count: x.length, out: floatsOut })).toBe(floatsOut);
        expect(floatsOut).toEqual(back);
        const first = block === 1 ? 1 : block;
        expect([...roundTrip(format, x.slice(0, first)), ...roundTrip(format, x.slice(first))]).toEqual([...back]);
      }),
      { numRuns: 10 },
    );
  });

  if (kind !== 'exponent')
    test('nothing is further away than half a step', () => {
      fc.assert(
        fc.property(floats(format, LIMIT), (x) => {
          const back = roundTrip(format, x);
          for (let i = 0; i < x.length; i++) {
            const from = i - (i % block);
            const allowed = allowedError(format, x[i] as number, x.subarray(from, from + block));
            expect(Math.abs((back[i] as number) - (x[i] as number))).toBeLessThanOrEqual(allowed);
          }
        }),
        { numRuns: 40 },
      );
    });

  if (kind === 'minifloat')
    test('NaN stays, or is the largest value where there is none; zeros keep their signs', () => {
      const [nan, zero, negative] = roundTrip(format, Float32Array.of(Number.NaN, 0, -0));
      expect(nan).toBe(format === 'f4e2m1' ? 6 : Number.NaN);
      expect(zero).toBe(0);
      expect(negative).toBe(format.endsWith('fnuz') ? 0 : -0);
    });

  if (block > 1 && isGgml(format))
    test('a block that cannot be held is named', async () => {
      const x = new Float32Array(10 * block).fill(1);
      x[7 * block + 3] = Number.NaN;
      x[5 * block] = Number.POSITIVE_INFINITY;
      const wanted = expect.objectContaining({
        code: 'ERR_BAD_ARGUMENT',
        message: expect.stringContaining(`x[${5 * block}..${6 * block - 1}]`),
      });
      expect(() => quantizeSync(x, { format })).toThrowError(wanted);
      await expect(quantize(x, { format })).rejects.toThrowError(wanted);
    });

  test('bits of an element are what the table says', () => {
    const x = new Float32Array(256).fill(0.5);
    const { byteLength } = quantizeSync(x, optionsOf(format));
    const scales = isBlockFormat(format) ? (256 / block) * (BLOCKS[format].bytes - (block * bits) / 8) : 0;
    expect(byteLength).toBe((256 * bits) / 8 + scales);
  });
});

const f16Error = 2 ** -11;

/** The bound on |back - x|, from x, its block and the definition of the format. */
function allowedError(format: ConversionName, x: number, block: Float32Array): number {
  const { kind, bits } = CONVERSIONS[format];
  // Quotients and products are rounded to float32.
  const rounding = Math.abs(x) * 2 ** -22 + 2 ** -140;
  if (kind === 'integer') {
    const { qmin, qmax } = codeRange(format as 'i4');
    const beyond = Math.max(0, x - qmax * SCALE, qmin * SCALE - x);
    return SCALE / 2 + beyond + rounding;
  }
  if (kind === 'codebook') return Math.max(0.16 * SCALE, Math.abs(x) - SCALE) + rounding;
  if (kind === 'minifloat') return nearest(format as LayoutName, x, 1) + rounding;
  const largest = Math.max(...block.map(Math.abs));
  const element = { mxfp4: 'f4e2m1', mxfp6e2m3: 'f6e2m3', mxfp6e3m2: 'f6e3m2', mxfp8e4m3: 'f8e4m3fn' } as const;
  if (format === 'mxint8') return Math.max(2 ** -7 * powerBelow(largest), largest - (127 / 64) * powerBelow(largest));
  if (format === 'mxfp8e5m2') return nearest('f8e5m2', x, powerBelow(largest) / 2 ** 15);
  if (format in element) {
    const name = element[format as keyof typeof element];
    const top = Math.max(...positiveValues(LAYOUTS[name]));
    return nearest(name, x, powerBelow(largest) / powerBelow(top));
  }
  if (format === 'nvfp4') {
    // E4M3 rounds the scale of a block by 1/16 of it or by 2^-10; the largest code is 6, the widest step 2.
    const scale = largest / 6;
    const moved = Math.max(scale / 16, 2 ** -10);
    return Math.max(scale + moved, 6 * moved) + rounding;
  }
  const held = (value: number): number => value * f16Error + 2 ** -25;
  if (format === 'q8_0') return largest / 254 + 127 * held(largest / 127) + rounding;
  // The code of what is opposite to the largest value would be one too many.
  if (format === 'q4_0' || format === 'q5_0') {
    const zero = 2 ** (bits - 1);
    return largest / zero + zero * held(largest / zero) + rounding;
  }
  // Least squares move all values, by as much as the others want.
  if (format === 'iq4_nl') return largest;
  const [low, high] = [Math.min(...block), Math.max(...block)];
  const most = 2 ** bits - 1;
  const step = (high - low) / most;
  return step / 2 + most * held(step) + held(Math.abs(low)) + 4 * rounding + Math.abs(low) * 2 ** -22;
}

/** The largest power of two that is not above x, from 2^-127 on. */
function powerBelow(x: number): number {
  let exponent = -127;
  while (2 ** (exponent + 1) <= x) exponent++;
  return 2 ** exponent;
}

/** The distance of x to the nearest value of a format times `scale`. */
function nearest(name: LayoutName, x: number, scale: number): number {
  return Math.min(...positiveValues(LAYOUTS[name]).map((value) => Math.abs(Math.abs(x) - value * scale)));
}

describe('granularity', () => {
  const x = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) * (1 + (i % 5)));
  const shape = { dims: [2, 3, 4] } as const;

  test('says what `axis` and `blockSize` say without it', () => {
    for (const [named, plain] of [
      [
        { granularity: 'channel', axis: 1 },
        { axis: 1, blockSize: undefined },
      ],
      [
        { granularity: 'block', axis: -1, blockSize: 2 },
        { axis: 2, blockSize: 2 },
      ],
      [
        { granularity: 'block', axis: undefined, blockSize: 3 },
        { axis: 2, blockSize: 3 },
      ],
    ] as const) {
      const chosen = quantizationParametersSync(x, { format: 'i4', symmetric: true, ...shape, ...plain });
      expect(quantizationParametersSync(x, { format: 'i4', symmetric: true, ...shape, ...plain, ...named })).toEqual(
        chosen,
      );
      const codes = quantizeSync(x, { format: 'i4', ...shape, ...plain, ...chosen });
      expect(quantizeSync(x, { format: 'i4', ...shape, ...named, ...chosen })).toEqual(codes);
      const back = dequantizeSync(codes, { format: 'i4', ...shape, ...plain, ...chosen });
      expect(dequantizeSync(codes, { format: 'i4', ...shape, ...named, ...chosen })).toEqual(back);
    }
    const one = quantizationParametersSync(x, { format: 'i4', symmetric: true });
    expect(quantizationParametersSync(x, { format: 'i4', symmetric: true, granularity: 'tensor' })).toEqual(one);
    const codes = quantizeSync(x, { format: 'i4', ...one });
    expect(quantizeSync(x, { format: 'i4', granularity: 'tensor', ...one })).toEqual(codes);
  });

  test('blocks of an array without a shape lie along it', () => {
    const options = { format: 'nf4', blockSize: 8 } as const;
    const { scale } = quantizationParametersSync(x, { ...options, symmetric: true });
    expect(scale.length).toBe(3);
    const codes = quantizeSync(x, { ...options, scale });
    expect(codes).toEqual(quantizeSync(x, { ...options, dims: [24], axis: 0, scale }));
    expect(dequantizeSync(codes, { ...options, scale }).length).toBe(24);
  });

  test.each([
    [{ granularity: 'row' as 'tensor' }, /'tensor', 'channel', 'block' for granularity but received 'row'/],
    [{ granularity: 'tensor', axis: 0 }, /nothing \(granularity 'tensor'\) for axis/],
    [{ granularity: 'tensor', blockSize: 2 }, /nothing \(granularity 'tensor'\) for blockSize/],
    [{ granularity: 'channel' }, /the axis of the channels \(granularity 'channel'\) for axis/],
    [{ granularity: 'channel', axis: 0, blockSize: 2 }, /nothing \(granularity 'channel'\) for blockSize/],
    [{ granularity: 'block' }, /elements per scale \(granularity 'block'\) for blockSize/],
    [{ granularity: 'channel', axis: 3 }, /an integer from -3 to 2 for axis/],
  ] as const)('says what is wrong: %j', (spread, message) => {
    expect(() => quantizeSync(x, { format: 'i8', scale: 1, ...shape, ...spread })).toThrowError(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT', message: expect.stringMatching(message) }),
    );
  });

  test('formats in blocks know no other', () => {
    const wide = new Float32Array(64);
    expect(quantizeSync(wide, { format: 'q4_0', granularity: 'block', blockSize: 32 }).length).toBe(36);
    expect(() => quantizeSync(wide, { format: 'q4_0', granularity: 'tensor' })).toThrowError(/'block', which q4_0/);
    expect(() => quantizeSync(wide, { format: 'mxfp4', blockSize: 16 })).toThrowError(/32, the block of mxfp4/);
  });
});
