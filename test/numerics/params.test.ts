// Laws of the quantization parameters.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODE_FORMATS, NUMBER_FORMATS } from '../../src/numerics/formats.js';
import { checkParameters, chooseParameters, MIN_SCALE } from '../../src/numerics/params.js';
import { dequantizeValue, quantizeTo } from '../../src/numerics/rounding.js';

const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const range = fc.tuple(float, float).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
const eightBit = fc.constantFrom('u8', 'i8');

describe('chooseParameters', () => {
  it('gives parameters that checkParameters accepts, for every range and format', () => {
    fc.assert(
      fc.property(range, fc.constantFrom(...CODE_FORMATS), fc.boolean(), (bounds, format, symmetric) => {
        checkParameters(chooseParameters(bounds, { format, symmetric }), format);
      }),
    );
  });

  it('gives zero a code of its own', () => {
    fc.assert(
      fc.property(range, eightBit, fc.boolean(), (bounds, format, symmetric) => {
        const { scale, zeroPoint } = chooseParameters(bounds, { format, symmetric });
        expect(quantizeTo(format, 0, scale, zeroPoint)).toBe(zeroPoint);
        expect(dequantizeValue(zeroPoint, scale, zeroPoint)).toBe(0);
      }),
    );
  });

  it('brings every value of the range back within half a scale, and one more half where the zero point was rounded', () => {
    fc.assert(
      fc.property(
        range,
        fc.double({ min: 0, max: 1, noNaN: true }),
        eightBit,
        fc.boolean(),
        (bounds, t, format, symmetric) => {
          const { scale, zeroPoint } = chooseParameters(bounds, { format, symmetric });
          fc.pre(scale !== 1 && bounds.max - bounds.min < 1e38);
          const x = Math.fround(bounds.min + (bounds.max - bounds.min) * t);
          const back = dequantizeValue(quantizeTo(format, x, scale, zeroPoint), scale, zeroPoint);
          expect(Math.abs(back - x)).toBeLessThanOrEqual(scale * (symmetric ? 0.5 : 1) * (1 + 2 ** -10));
        },
      ),
    );
  });

  it('follows DynamicQuantizeLinear for u8', () => {
    // scale = (4 - -1) / 255, zero point = rint(1 / scale) = rint(51)
    expect(chooseParameters({ min: -1, max: 4 }, { format: 'u8', symmetric: false })).toEqual({
      scale: Math.fround(5 / 255),
      zeroPoint: 51,
    });
    expect(chooseParameters({ min: 2, max: 51 }, { format: 'u8', symmetric: false }).zeroPoint).toBe(0);
    expect(chooseParameters({ min: -51, max: -2 }, { format: 'u8', symmetric: false }).zeroPoint).toBe(255);
    expect(chooseParameters({ min: 0, max: 51 }, { format: 'i8', symmetric: false }).zeroPoint).toBe(-128);
  });

  it('keeps to [-127, 127] when symmetric', () => {
    const chosen = chooseParameters({ min: -2.54, max: 1 }, { format: 'i8', symmetric: true });
    expect(chosen).toEqual({ scale: Math.fround(Math.fround(2.54) / 127), zeroPoint: 0 });
    expect(chooseParameters({ min: -1, max: 2.54 }, { format: 'u8', symmetric: true }).zeroPoint).toBe(128);
  });

  it('takes a range without extent as all zero', () => {
    for (const max of [0, 1e-45, MIN_SCALE * 100]) {
      expect(chooseParameters({ min: 0, max }, { format: 'u8', symmetric: false })).toEqual({ scale: 1, zeroPoint: 0 });
      expect(chooseParameters({ min: -0, max }, { format: 'i8', symmetric: true })).toEqual({ scale: 1, zeroPoint: 0 });
    }
    expect(chooseParameters({ min: 0, max: MIN_SCALE * 256 }, { format: 'u8', symmetric: false }).scale).toBeLessThan(
      1,
    );
  });

  it('survives the widest range of float32', () => {
    const max = (2 - 2 ** -23) * 2 ** 127;
    expect(chooseParameters({ min: -max, max }, { format: 'u8', symmetric: false }).scale).toBe(
      Math.fround((2 * max) / 255),
    );
  });

  it.each([
    { min: Number.NaN, max: 1 },
    { min: 0, max: Number.NaN },
    { min: 0, max: Infinity },
    { min: -Infinity, max: 0 },
    { min: 2, max: 1 },
    { min: 0, max: 1e39 },
  ])('refuses $min … $max', (bounds) => {
    expect(() => chooseParameters(bounds, { format: 'u8', symmetric: false })).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }),
    );
  });
});

describe('checkParameters', () => {
  it.each([0, -1, Number.NaN, Infinity, 1e-40, 0.1])('refuses the scale %d', (scale) => {
    expect(() => checkParameters({ scale, zeroPoint: 0 }, 'u8')).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT', place: { argument: 'scale' } }),
    );
  });

  it('refuses a zero point that is not a code', () => {
    for (const format of CODE_FORMATS) {
      const { qmin, qmax } = NUMBER_FORMATS[format];
      for (const zeroPoint of [qmin - 1, qmax + 1, 0.5, Number.NaN]) {
        expect(() => checkParameters({ scale: 1, zeroPoint }, format)).toThrow(
          expect.objectContaining({ place: { argument: 'zeroPoint' } }),
        );
      }
    }
  });
});
