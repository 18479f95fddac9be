// binary_f32, binary_i8, clamp_f32 and lookup_8 on every target, against the oracle.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clamp } from '../oracle/arithmetic.js';
import { type BinaryCodes, binaryCode, binaryFloat, offsetsOf } from '../oracle/elementwise.js';
import {
  AWKWARD_SIZES,
  coversSlots,
  floatsIn,
  randomCodes,
  randomFloats,
  randomOf,
  runEverywhere,
  SHIFTS,
} from './harness.js';

const SPECIAL = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, 3.4e38];

type Four = readonly [number, number, number, number];
interface Broadcast {
  readonly dims: Four;
  readonly a: Four;
  readonly b: Four;
}

/** Row-major strides of a shape that broadcasts to `dims`. */
function broadcastStrides(shape: Four, dims: Four): Four {
  let step = 1;
  const strides = [0, 0, 0, 0];
  for (let i = 3; i >= 0; i--) {
    strides[i] = shape[i] === 1 && dims[i] !== 1 ? 0 : step;
    step *= shape[i] as number;
  }
  return strides as unknown as Four;
}

const broadcast = (dims: Four, a: Four, b: Four): Broadcast => ({
  dims,
  a: broadcastStrides(a, dims),
  b: broadcastStrides(b, dims),
});

const BROADCASTS: Broadcast[] = [
  ...AWKWARD_SIZES.map((n) => broadcast([1, 1, 1, n], [1, 1, 1, n], [1, 1, 1, n])),
  broadcast([1, 1, 3, 70], [1, 1, 3, 70], [1, 1, 1, 1]),
  broadcast([1, 1, 3, 70], [1, 1, 1, 1], [1, 1, 3, 70]),
  broadcast([1, 2, 3, 4], [1, 1, 1, 1], [1, 1, 1, 1]),
  broadcast([2, 5, 7, 33], [2, 5, 7, 33], [1, 1, 1, 33]),
  broadcast([2, 5, 7, 9], [2, 5, 7, 9], [1, 5, 1, 1]),
  broadcast([2, 5, 7, 9], [1, 5, 1, 9], [2, 1, 7, 1]),
  broadcast([2, 3, 1, 5], [2, 3, 1, 5], [2, 1, 1, 5]),
  broadcast([1, 2, 100, 150], [1, 2, 100, 150], [1, 2, 100, 150]),
  // Strides that no broadcast makes: every second element, and a transposed matrix.
  { dims: [1, 1, 4, 9], a: [0, 0, 18, 2], b: [0, 0, 9, 1] },
  { dims: [1, 1, 6, 5], a: [0, 0, 1, 6], b: [0, 0, 5, 1] },
];

const sizeOf = (dims: Four) => dims[0] * dims[1] * dims[2] * dims[3];
const elementsOf = (dims: Four, strides: Four) => Math.max(0, ...offsetsOf(dims, strides)) + 1;

function stridesFields({ dims, a, b }: Broadcast): Record<string, number> {
  const named = (prefix: string, values: Four) => values.map((value, i) => [`${prefix}${i}`, value] as const);
  return Object.fromEntries([...named('d', dims), ...named('a', a), ...named('b', b)]);
}

describe.each([
  { name: 'add', kind: 0 },
  { name: 'subtract', kind: 1 },
  { name: 'multiply', kind: 2 },
  { name: 'divide', kind: 3 },
])('binary_f32 $name', ({ kind }) => {
  test('agrees with the oracle under every broadcast', () => {
    coversSlots('binary_f32');
    for (const [seed, shape] of BROADCASTS.entries()) {
      const a = randomFloats(elementsOf(shape.dims, shape.a), seed, 4, SPECIAL);
      const b = randomFloats(elementsOf(shape.dims, shape.b), seed + 100, 4, SPECIAL);
      const [lo, hi] = seed % 2 === 0 ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : [0, 6];
      const { y } = runEverywhere(
        {
          buffers: { a, b, y: 4 * sizeOf(shape.dims) },
          steps: [['binary_f32', { a: 'a', b: 'b', y: 'y', kind, ...stridesFields(shape), lo, hi }]],
        },
        { floats: ['y'] },
      );
      const bs = offsetsOf(shape.dims, shape.b);
      const wanted = offsetsOf(shape.dims, shape.a).map((at, i) =>
        binaryFloat(kind, a[at] as number, b[bs[i] as number] as number, lo, hi),
      );
      expect(floatsIn(y)).toEqual(Float32Array.from(wanted));
    }
  });
});

describe.each([
  { name: 'add', kind: 0 },
  { name: 'multiply', kind: 2 },
])('binary_i8 $name', ({ kind }) => {
  test.each([
    { formats: [2, 2, 2] },
    { formats: [3, 3, 3] },
    { formats: [2, 3, 2] },
    { formats: [3, 2, 3] },
    { formats: [3, 3, 2] },
    { formats: [2, 2, 3] },
  ])('formats $formats agree with the oracle under every broadcast', ({ formats }) => {
    coversSlots('binary_i8');
    const [aSigned, bSigned, ySigned] = formats.map((format) => format === 3) as [boolean, boolean, boolean];
    const random = randomOf(kind + 11);
    const zeroOf = (signed: boolean) => Math.floor(random() * 256) - (signed ? 128 : 0);
    for (const [seed, shape] of BROADCASTS.entries()) {
      const a = randomCodes(elementsOf(shape.dims, shape.a), seed, aSigned);
      const b = randomCodes(elementsOf(shape.dims, shape.b), seed + 100, bSigned);
      const o: BinaryCodes = {
        kind,
        aZero: zeroOf(aSigned),
        bZero: zeroOf(bSigned),
        yZero: zeroOf(ySigned),
        // Powers of two make ties, others do not.
        aRatio: seed % 3 === 0 ? 0.5 : Math.fround(random() * (kind === 0 ? 2 : 0.02)),
        bRatio: seed % 3 === 0 ? 0.25 : Math.fround(random() * 2),
        lo: ySigned ? -128 : seed % 4 === 1 ? 10 : 0,
        hi: ySigned ? (seed % 4 === 1 ? 90 : 127) : 255,
      };
      const { y } = runEverywhere({
        buffers: { a, b, y: sizeOf(shape.dims) },
        steps: [
          [
            'binary_i8',
            {
              a: 'a',
              b: 'b',
              y: 'y',
              kind,
              ...stridesFields(shape),
              a_format: formats[0],
              b_format: formats[1],
              y_format: formats[2],
              a_zero: o.aZero,
              b_zero: o.bZero,
              y_zero: o.yZero,
              a_ratio: o.aRatio,
              b_ratio: o.bRatio,
              qlo: o.lo,
              qhi: o.hi,
            },
          ],
        ],
      });
      const bs = offsetsOf(shape.dims, shape.b);
      const wanted = offsetsOf(shape.dims, shape.a).map((at, i) =>
        binaryCode(o, a[at] as number, b[bs[i] as number] as number),
      );
      const found = ySigned ? new Int8Array((y as Uint8Array).slice().buffer) : (y as Uint8Array);
      expect(Array.from(found)).toEqual(wanted);
    }
  });
});

test('clamp_f32 keeps NaN and agrees with the oracle, in place too', () => {
  coversSlots('clamp_f32');
  for (const n of [...AWKWARD_SIZES, 20_000]) {
    const x = randomFloats(n, n, 5, SPECIAL);
    for (const [lo, hi] of [
      [0, 6],
      [-1.5, Number.POSITIVE_INFINITY],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      const { y, z } = runEverywhere(
        {
          buffers: { x, y: 4 * n, z: 4 * n },
          steps: [
            ['clamp_f32', { x: 'x', y: 'y', n, lo, hi }],
            [
              'copy_rows',
              { x: 'x', y: 'z', rows: 1, row_bytes: 4 * n, x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 },
            ],
            ['clamp_f32', { x: 'z', y: 'z', n, lo, hi }],
          ],
        },
        { floats: ['y', 'z'] },
      );
      expect(floatsIn(y)).toEqual(x.map((value) => clamp(value, lo, hi)));
      expect(z).toEqual(y);
    }
  }
});

test('lookup_8 looks every byte up', () => {
  coversSlots('lookup_8');
  const table = randomCodes(256, 5, false);
  for (const n of [...AWKWARD_SIZES, 512, 20_011]) {
    const x = n === 512 ? Uint8Array.from({ length: n }, (_, i) => i) : randomCodes(n, n, false);
    const { y } = runEverywhere(
      { buffers: { x, table, y: n }, steps: [['lookup_8', { x: 'x', table: 'table', y: 'y', n }]] },
      { shifts: SHIFTS },
    );
    expect(y).toEqual(Uint8Array.from(x, (byte) => table[byte] as number));
  }
});

test('adding codes commutes', () => {
  const code = fc.integer({ min: 0, max: 255 });
  const ratio = fc.float({ min: Math.fround(0.001), max: 4, noNaN: true });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 80 }),
      code,
      code,
      code,
      ratio,
      ratio,
      (values, za, zb, zy, ra, rb) => {
        const n = values.length;
        const a = values.slice();
        const b = values.map((value, i) => (value * 7 + i) & 255);
        const shape = stridesFields(broadcast([1, 1, 1, n], [1, 1, 1, n], [1, 1, 1, n]));
        const formats = { a_format: 2, b_format: 2, y_format: 2, y_zero: zy, qlo: 0, qhi: 255, kind: 0 };
        const { y, z } = runEverywhere({
          buffers: { a, b, y: n, z: n },
          steps: [
            [
              'binary_i8',
              { a: 'a', b: 'b', y: 'y', ...shape, ...formats, a_zero: za, b_zero: zb, a_ratio: ra, b_ratio: rb },
            ],
            [
              'binary_i8',
              { a: 'b', b: 'a', y: 'z', ...shape, ...formats, a_zero: zb, b_zero: za, a_ratio: rb, b_ratio: ra },
            ],
          ],
        });
        expect(z).toEqual(y);
      },
    ),
    { numRuns: 40, seed: 4 },
  );
});
