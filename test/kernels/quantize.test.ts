// quantize, dequantize and dynamic_quantize on every target, against the oracle and by their laws.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { I8, U8 } from '../oracle/arithmetic.js';
import * as oracle from '../oracle/quantize.js';
import { ofTensor, SCALED_GEOMETRIES, SPECIAL_FLOATS } from './geometries.js';
import {
  AWKWARD_SIZES,
  coversSlots,
  floatsIn,
  int32sIn,
  randomCodes,
  randomFloats,
  randomOf,
  runEverywhere,
  SHIFTS,
} from './harness.js';

const FORMATS = [
  { name: 'u8', format: 2, range: U8, signed: false },
  { name: 'i8', format: 3, range: I8, signed: true },
] as const;

const GEOMETRIES: oracle.Geometry[] = [
  ...AWKWARD_SIZES.map(ofTensor),
  { granularity: 0, outer: 1, axis: 3, inner: 20_011, block: 1 },
  ...SCALED_GEOMETRIES,
  { granularity: 1, outer: 700, axis: 19, inner: 1, block: 1 },
  { granularity: 2, outer: 40, axis: 999, inner: 1, block: 32 },
];

function scalesOf(count: number, seed: number): Float32Array<ArrayBuffer> {
  const random = randomOf(seed);
  return Float32Array.from({ length: count }, () => 2 ** (random() * 6 - 6));
}

function zerosOf(count: number, seed: number, range: { qmin: number; qmax: number }): Int32Array<ArrayBuffer> {
  const random = randomOf(seed);
  return Int32Array.from({ length: count }, () => range.qmin + Math.floor(random() * 256));
}

function quantizeProgram(
  g: oracle.Geometry,
  format: number,
  x: Float32Array,
  scale: Float32Array,
  zero: Int32Array | undefined,
) {
  return {
    buffers: { x, scale, ...(zero && { zero }), codes: x.length },
    steps: [
      ['quantize', { x: 'x', scale: 'scale', zero_point: zero && 'zero', codes: 'codes', ...g, format }],
    ] as const,
  };
}

function codesIn(bytes: Uint8Array | undefined, signed: boolean): number[] {
  const own = (bytes as Uint8Array).slice();
  return Array.from(signed ? new Int8Array(own.buffer) : own);
}

describe.each(FORMATS)('quantize to $name', ({ name, format, range, signed }) => {
  test('agrees with the oracle in every geometry', () => {
    coversSlots('quantize_f32_u8', 'quantize_f32_i8');
    for (const [seed, g] of GEOMETRIES.entries()) {
      const n = g.outer * g.axis * g.inner;
      const x = randomFloats(n, seed, 8, SPECIAL_FLOATS);
      const scale = scalesOf(oracle.parameterCount(g), seed + 1);
      const zero = seed % 3 === 0 ? undefined : zerosOf(oracle.parameterCount(g), seed + 2, range);
      const { codes } = runEverywhere(quantizeProgram(g, format, x, scale, zero));
      expect(codesIn(codes, signed), `${name} ${JSON.stringify(g)}`).toEqual(oracle.quantize(x, scale, zero, g, range));
    }
  });

  test('ties go to even, whatever the alignment', () => {
    const x = Float32Array.from({ length: 601 }, (_, i) => (i - 300) * 0.5 * 0.25);
    const scale = Float32Array.of(0.25);
    for (const zero of [undefined, Int32Array.of(range.qmin), Int32Array.of(3), Int32Array.of(range.qmax)]) {
      const { codes } = runEverywhere(quantizeProgram(ofTensor(601), format, x, scale, zero), { shifts: SHIFTS });
      expect(codesIn(codes, signed)).toEqual(oracle.quantize(x, scale, zero, ofTensor(601), range));
    }
  });

  test('divides truly: quotients next to a tie fall on its right side', () => {
    // For a scale that is no power of two, x = f32((k + 1/2) * scale) and its neighbours tell division from multiplication.
    const random = randomOf(7);
    const scale = scalesOf(1, 99);
    const near = new Float32Array(3 * 4096);
    const bits = new Int32Array(near.buffer);
    for (let i = 0; i < 4096; i++) {
      near[3 * i] = (Math.floor(random() * 250) - 125 + 0.5) * (scale[0] as number);
      bits[3 * i + 1] = (bits[3 * i] as number) + 1;
      bits[3 * i + 2] = (bits[3 * i] as number) - 1;
    }
    const g = ofTensor(near.length);
    const zero = Int32Array.of(signed ? 0 : 128);
    const { codes } = runEverywhere(quantizeProgram(g, format, near, scale, zero));
    expect(codesIn(codes, signed)).toEqual(oracle.quantize(near, scale, zero, g, range));
  });

  test('any floats and scales', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float(), { minLength: 1, maxLength: 70 }),
        fc.float({ min: Math.fround(1e-30), max: Math.fround(1e30), noNaN: true }),
        fc.integer({ min: range.qmin, max: range.qmax }),
        (values, step, point) => {
          const x = Float32Array.from(values);
          const scale = Float32Array.of(step);
          const zero = Int32Array.of(point);
          const { codes } = runEverywhere(quantizeProgram(ofTensor(x.length), format, x, scale, zero));
          expect(codesIn(codes, signed)).toEqual(oracle.quantize(x, scale, zero, ofTensor(x.length), range));
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  test('dequantize agrees with the oracle in every geometry', () => {
    coversSlots('dequantize_u8_f32', 'dequantize_i8_f32');
    for (const [seed, g] of GEOMETRIES.entries()) {
      const n = g.outer * g.axis * g.inner;
      const codes = randomCodes(n, seed, signed);
      const scale = scalesOf(oracle.parameterCount(g), seed + 1);
      const zero = seed % 3 === 0 ? undefined : zerosOf(oracle.parameterCount(g), seed + 2, range);
      const { x } = runEverywhere({
        buffers: { codes, scale, ...(zero && { zero }), x: 4 * n },
        steps: [['dequantize', { codes: 'codes', scale: 'scale', zero_point: zero && 'zero', x: 'x', ...g, format }]],
      });
      expect(floatsIn(x)).toEqual(Float32Array.from(oracle.dequantize(codes, scale, zero, g)));
    }
  });

  test('a code survives dequantizing and quantizing', () => {
    const codes = signed
      ? Int8Array.from({ length: 256 }, (_, i) => i - 128)
      : Uint8Array.from({ length: 256 }, (_, i) => i);
    fc.assert(
      fc.property(
        fc.float({ min: Math.fround(1e-20), max: Math.fround(1e20), noNaN: true }),
        fc.integer({ min: range.qmin, max: range.qmax }),
        (step, point) => {
          const shared = { scale: 'scale', zero_point: 'zero', ...ofTensor(256), format };
          const { again } = runEverywhere({
            buffers: { codes, scale: Float32Array.of(step), zero: Int32Array.of(point), x: 1024, again: 256 },
            steps: [
              ['dequantize', { codes: 'codes', x: 'x', ...shared }],
              ['quantize', { x: 'x', codes: 'again', ...shared }],
            ],
          });
          expect(codesIn(again, signed)).toEqual(Array.from(codes));
        },
      ),
      { numRuns: 30, seed: 2 },
    );
  });
});

test('dequantize of int32: the whole range, the difference wrapping', () => {
  coversSlots('dequantize_i32_f32');
  const random = randomOf(3);
  for (const n of [1, 15, 257]) {
    const codes = Int32Array.from({ length: n }, () => Math.floor((random() - 0.5) * 2 ** 32));
    codes[0] = -(2 ** 31);
    const scale = Float32Array.of(0.01);
    for (const zero of [undefined, Int32Array.of(5)]) {
      const { x } = runEverywhere({
        buffers: { codes, scale, ...(zero && { zero }), x: 4 * n },
        steps: [
          [
            'dequantize',
            { codes: 'codes', scale: 'scale', zero_point: zero && 'zero', x: 'x', ...ofTensor(n), format: 6 },
          ],
        ],
      });
      expect(floatsIn(x)).toEqual(Float32Array.from(oracle.dequantize(codes, scale, zero, ofTensor(n))));
    }
  }
});

test('more than the caches hold: outputs that are written past them, whole lines and the ends around them', () => {
  // A prime number of elements, repeated: the oracle has to see only those.
  const part = 1009;
  const n = 3333 * part + 5;
  const block = randomFloats(part, 11, 8, SPECIAL_FLOATS);
  const scale = Float32Array.of(0.07);
  const zero = Int32Array.of(-3);
  const x = Float32Array.from({ length: n }, (_, i) => block[i % part] as number);
  const wanted = Int8Array.from(oracle.quantize(block, scale, zero, ofTensor(part), I8));
  const quantized = runEverywhere(quantizeProgram(ofTensor(n), 3, x, scale, zero), { shifts: [8] });
  const codes = new Int8Array((quantized['codes'] as Uint8Array).buffer);
  expect(codes.findIndex((code, i) => code !== wanted[i % part])).toBe(-1);
  const shared = { scale: 'scale', zero_point: 'zero', ...ofTensor(n), format: 3 };
  const back = runEverywhere({
    buffers: { codes, scale, zero, x: 4 * n },
    steps: [['dequantize', { codes: 'codes', x: 'x', ...shared }]],
  });
  const values = Float32Array.from(oracle.dequantize(wanted, scale, zero, ofTensor(part)));
  expect(floatsIn(back['x']).findIndex((value, i) => !Object.is(value, values[i % part]))).toBe(-1);
});

describe.each([
  { rule: 'DynamicQuantizeLinear', format: 2, symmetric: 0, range: U8, signed: false },
  { rule: 'symmetric', format: 3, symmetric: 1, range: I8, signed: true },
])('dynamic_quantize, $rule', ({ format, symmetric, range, signed }) => {
  function run(x: Float32Array, rows: number, columns: number) {
    const results = runEverywhere({
      buffers: { x, codes: rows * columns, scale: 4 * rows, zero: 4 * rows },
      steps: [
        [
          'dynamic_quantize',
          { x: 'x', codes: 'codes', scale: 'scale', zero_point: 'zero', rows, columns, format, symmetric },
        ],
      ],
    });
    return {
      codes: codesIn(results['codes'], signed),
      scale: floatsIn(results['scale']),
      zero: int32sIn(results['zero']),
    };
  }

  function check(x: Float32Array, rows: number, columns: number): void {
    const found = run(x, rows, columns);
    for (let r = 0; r < rows; r++) {
      const row = x.subarray(r * columns, (r + 1) * columns);
      const { scale, zero } = oracle.dynamicParameters(row, symmetric === 1);
      expect(found.scale[r]).toBe(scale);
      expect(found.zero[r]).toBe(zero);
      const wanted = oracle.quantize(row, [scale], [zero], ofTensor(columns), range);
      expect(found.codes.slice(r * columns, (r + 1) * columns)).toEqual(wanted);
    }
  }

  test('agrees with the oracle', () => {
    for (const [rows, columns] of [
      [1, 1],
      [1, 17],
      [1, 300],
      [1, 40_003],
      [3, 65],
      [19, 9],
      [5, 4000],
    ] as const) {
      check(randomFloats(rows * columns, rows + columns, 3), rows, columns);
      check(randomFloats(rows * columns, rows * columns, 3, [Number.NaN, 0, -0]), rows, columns);
    }
    check(
      Float32Array.from({ length: 40 }, (_, i) => i + 1),
      1,
      40,
    );
    check(
      Float32Array.from({ length: 40 }, (_, i) => -1 - i),
      1,
      40,
    );
  });

  test('zeros, no number at all, infinities and the smallest numbers', () => {
    const zeros = run(new Float32Array(20), 1, 20);
    expect(zeros.scale[0]).toBe(Math.fround(1 / (symmetric ? 127 : 255)));
    expect(zeros.zero[0]).toBe(0);
    expect(new Set(zeros.codes)).toEqual(new Set([0]));
    check(new Float32Array(33).fill(Number.NaN), 1, 33);
    check(Float32Array.of(1, Number.POSITIVE_INFINITY, -3), 1, 3);
    check(Float32Array.of(1, Number.NEGATIVE_INFINITY, Number.NaN), 1, 3);
    check(Float32Array.of(1e-45, 0, -1e-45, 3e-44), 2, 2);
    check(Float32Array.of(3.4e38, -3.4e38), 1, 2);
    // A piece of a long row without any number must not change the row's range.
    const long = randomFloats(50_000, 5, 2);
    long.fill(Number.NaN, 0, 20_000);
    check(long, 1, 50_000);
  });
});
