// Small floats: every code and every border between two codes, against values written down from the definitions.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeExponent,
  decodeMinifloat,
  encodeExponent,
  encodeMinifloat,
  minifloatValues,
} from '../../src/numerics/minifloat.js';
import { LAYOUTS, type LayoutName, nearestCode, positiveValues, valueOfCode } from '../oracle/minifloat.js';

const NAMES = Object.keys(LAYOUTS) as LayoutName[];
const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The float32 values next to x: below, itself, above. */
function around(x: number): number[] {
  float[0] = x;
  const middle = bits[0] as number;
  return [-1, 0, 1].flatMap((step) => {
    bits[0] = middle + step;
    const value = float[0] as number;
    return middle + step < 0 || Number.isNaN(value) ? [] : [value];
  });
}

function mismatches(name: LayoutName, inputs: Iterable<number>): string[] {
  const layout = LAYOUTS[name];
  const values = positiveValues(layout);
  const wrong: string[] = [];
  for (const x of inputs) {
    for (const saturate of [true, false]) {
      const found = encodeMinifloat(name, x, saturate);
      const wanted = nearestCode(layout, values, x, saturate);
      if (found !== wanted) wrong.push(`${x} saturate ${saturate}: ${found} for ${wanted}`);
    }
  }
  return wrong.slice(0, 10);
}

describe.each(NAMES)('%s', (name) => {
  const layout = LAYOUTS[name];
  const codes = 2 ** (1 + layout.e + layout.m);

  test('decodes every code', () => {
    const table = minifloatValues(name);
    expect(table.length).toBe(codes);
    for (let code = 0; code < codes; code++) {
      const wanted = valueOfCode(layout, code);
      if (!Object.is(decodeMinifloat(name, code), wanted))
        expect(decodeMinifloat(name, code), `code ${code}`).toBe(wanted);
      if (!Object.is(table[code], wanted)) expect(table[code], `code ${code}`).toBe(wanted);
    }
  });

  test('encodes every value back to its code', () => {
    for (let code = 0; code < codes; code++) {
      const value = valueOfCode(layout, code);
      if (Number.isNaN(value)) continue;
      const found = encodeMinifloat(name, value, false);
      if (found !== code) expect(found, `value ${value}`).toBe(code);
    }
  });

  test('rounds to nearest even at every border, and beside it', () => {
    const values = positiveValues(layout);
    const borders = values.slice(1).map((value, i) => (value + (values[i] as number)) / 2);
    const largest = values.at(-1) as number;
    const beyond = largest + (largest - (values.at(-2) as number)) / 2;
    const inputs = [...borders, beyond, largest * 2].flatMap(around).flatMap((x) => [x, -x]);
    expect(mismatches(name, inputs)).toEqual([]);
  });

  test('zeros, infinities, NaN and the ends of float32', () => {
    const ends = [0, Number.POSITIVE_INFINITY, 3.4028234663852886e38, 2 ** -126, 2 ** -149, 2 ** -127, 1e-40];
    expect(mismatches(name, [Number.NaN, ...ends.flatMap((x) => [x, -x])])).toEqual([]);
  });

  test('any float32', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 200, maxLength: 200 }), (words) => {
        expect(mismatches(name, new Float32Array(Uint32Array.from(words).buffer))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

describe('f8e8m0', () => {
  test('decodes every code', () => {
    for (let code = 0; code < 255; code++) expect(decodeExponent(code)).toBe(2 ** (code - 127));
    expect(decodeExponent(255)).toBeNaN();
  });

  test('rounds up, down, or to nearest with ties up', () => {
    for (let code = 1; code < 254; code++) {
      const power = 2 ** (code - 127);
      const round = (x: number) =>
        (['down', 'nearest', 'up'] as const).map((rounding) => encodeExponent(x, rounding, true) - code);
      expect(round(power)).toEqual([0, 0, 0]);
      expect(round(-power)).toEqual([0, 0, 0]);
      expect(round(power * 1.25)).toEqual([0, 0, 1]);
      expect(round(power * 1.5)).toEqual([0, 1, 1]);
      expect(round(power * (2 - 2 ** -23))).toEqual([0, 1, 1]);
    }
  });

  test('the ends', () => {
    expect(encodeExponent(0, 'up', true)).toBe(0);
    expect(encodeExponent(2 ** -149, 'up', true)).toBe(0);
    expect(encodeExponent(2 ** -127, 'up', true)).toBe(0);
    expect(encodeExponent(1.5 * 2 ** -127, 'up', true)).toBe(1);
    expect(encodeExponent(1.5 * 2 ** 127, 'up', true)).toBe(254);
    expect(encodeExponent(1.5 * 2 ** 127, 'up', false)).toBe(255);
    expect(encodeExponent(1.5 * 2 ** 127, 'down', false)).toBe(254);
    expect(encodeExponent(Number.POSITIVE_INFINITY, 'down', true)).toBe(255);
    expect(encodeExponent(Number.NaN, 'nearest', true)).toBe(255);
  });
});
