// Rounding half to even, and the scalar quantize against an oracle in integers.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantizeValue, roundHalfEven } from '../../src/numerics/rounding.js';

/** By cases, with no arithmetic trick in common with the source. */
function oracle(x: number): number {
  if (!Number.isFinite(x)) return x;
  const down = Math.floor(x);
  const rest = x - down;
  if (rest < 0.5) return down;
  if (rest > 0.5) return down + 1;
  return down % 2 === 0 ? down : down + 1;
}

describe('roundHalfEven', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [-2.5, -2],
    [0.49999999999999994, 0],
    [2 ** 51 + 0.5, 2 ** 51],
    [2 ** 51 + 1.5, 2 ** 51 + 2],
    [-(2 ** 51) - 0.5, -(2 ** 51)],
    [2 ** 53, 2 ** 53],
    [Infinity, Infinity],
    [-Infinity, -Infinity],
    [Number.NaN, Number.NaN],
  ])('%d becomes %d', (x, wanted) => {
    expect(roundHalfEven(x) + 0).toBe(wanted);
  });

  it('agrees with the definition everywhere', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double(),
          fc.integer().map((n) => n / 2),
        ),
        (x) => {
          expect(roundHalfEven(x) + 0).toBe(oracle(x) + 0);
        },
      ),
    );
  });
});

describe('quantizeValue', () => {
  it('is sat(rint(f32(x / scale)) + zero point)', () => {
    const f32 = fc.float({ noDefaultInfinity: true, noNaN: true });
    fc.assert(
      fc.property(
        f32,
        fc.float({ min: Math.fround(1e-20), max: Math.fround(1e20), noNaN: true }),
        fc.integer({ min: 0, max: 255 }),
        (x, scale, zero) => {
          const wanted = Math.min(255, Math.max(0, oracle(Math.fround(x / scale)) + zero));
          expect(quantizeValue(x, scale, zero, 0, 255) + 0).toBe(wanted + 0);
        },
      ),
    );
  });

  it('adds the zero point after rounding: ties stay where they were', () => {
    // 2.5 -> 2, then + 3; with the zero point inside, rint(5.5) would give 6.
    expect(quantizeValue(2.5, 1, 3, 0, 255)).toBe(5);
  });

  it('gives qmin for NaN and saturates infinities', () => {
    expect(quantizeValue(Number.NaN, 1, 3, -128, 127)).toBe(-128);
    expect(quantizeValue(Infinity, 1, 3, -128, 127)).toBe(127);
    expect(quantizeValue(-Infinity, 1, 3, -128, 127)).toBe(-128);
    expect(quantizeValue(3e38, 2 ** -126, 3, -128, 127)).toBe(127);
  });
});
