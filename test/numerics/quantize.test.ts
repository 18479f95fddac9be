// Granularities as one block shape, and constant quantization over them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockShapeOf, type Granularity, geometryOf } from '../../src/numerics/granularity.js';
import {
  chooseParameterArrays,
  dequantizeArray,
  lookupTable,
  quantizeArray,
  rangesOf,
} from '../../src/numerics/quantize.js';
import { dequantizeValue, quantizeTo } from '../../src/numerics/rounding.js';

const dims = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const tensors = dims.chain((shape) =>
  fc.record({
    dims: fc.constant(shape),
    granularity: fc.oneof(
      fc.constant<Granularity>({ kind: 'tensor' }),
      fc.integer({ min: -shape.length, max: shape.length - 1 }).map<Granularity>((axis) => ({ kind: 'channel', axis })),
      fc
        .tuple(fc.integer({ min: 0, max: shape.length - 1 }), fc.integer({ min: 1, max: 6 }))
        .map<Granularity>(([axis, size]) => ({ kind: 'block', axis, size })),
    ),
    x: fc.array(fc.float({ min: -8, max: 8, noNaN: true }), {
      minLength: shape.reduce((a, b) => a * b, 1),
      maxLength: shape.reduce((a, b) => a * b, 1),
    }),
  }),
);

/** The scale index of every element, from the block shape alone. */
function scaleIndices(shape: readonly number[], block: readonly number[]): number[] {
  const counts = shape.map((dim, i) => Math.ceil(dim / (block[i] as number)));
  const out: number[] = [];
  const walk = (axis: number, index: number): void => {
    if (axis === shape.length) {
      out.push(index);
      return;
    }
    for (let i = 0; i < (shape[axis] as number); i++) {
      walk(axis + 1, index * (counts[axis] as number) + Math.floor(i / (block[axis] as number)));
    }
  };
  walk(0, 0);
  return out;
}

describe('granularity', () => {
  it('means the same by geometry as by block shape', () => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        const x = Float32Array.from(tensor.x);
        const geometry = geometryOf(tensor.granularity, tensor.dims);
        const indices = scaleIndices(tensor.dims, blockShapeOf(tensor.granularity, tensor.dims));
        const ranges = rangesOf(x, geometry);
        const wanted = ranges.map((_, scale) => {
          const own = tensor.x.filter((_value, i) => indices[i] === scale);
          return { min: Math.min(...own) + 0, max: Math.max(...own) + 0 };
        });
        expect(ranges.map(({ min, max }) => ({ min: min + 0, max: max + 0 }))).toEqual(wanted);
        const options = { format: 'i8', symmetric: true } as const;
        const params = chooseParameterArrays(ranges, options);
        const codes = quantizeArray(x, geometry, params, options);
        const back = dequantizeArray(codes, geometry, params);
        tensor.x.forEach((value, i) => {
          const scale = params.scale[indices[i] as number] as number;
          expect(Math.abs((back[i] as number) - value)).toBeLessThanOrEqual(scale * 0.5001);
          expect(Math.abs(codes[i] as number)).toBeLessThanOrEqual(127);
        });
      }),
    );
  });

  it('refuses axes and sizes that make no sense', () => {
    expect(() => geometryOf({ kind: 'channel', axis: 2 }, [3, 4])).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_MODEL' }),
    );
    expect(() => geometryOf({ kind: 'block', axis: 0, size: 0 }, [3, 4])).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }),
    );
  });

  it('refuses NaN in constants', () => {
    const geometry = geometryOf({ kind: 'tensor' }, [3]);
    const ranges = rangesOf(Float32Array.of(1, Number.NaN, 2), geometry);
    expect(() => chooseParameterArrays(ranges, { format: 'i8', symmetric: true })).toThrow(/NaN/);
  });
});

describe('lookupTable', () => {
  it('holds Q(f(DQ(code))) at the byte of every code', () => {
    const from = { format: 'i8', scale: Math.fround(0.05), zeroPoint: -3 } as const;
    const to = { format: 'u8', scale: Math.fround(1 / 256), zeroPoint: 0 } as const;
    const f = (x: number): number => 1 / (1 + Math.exp(-x));
    const table = lookupTable(from, f, to);
    for (let code = -128; code <= 127; code++) {
      const value = Math.fround(f(dequantizeValue(code, from.scale, from.zeroPoint)));
      expect(table[code & 255]).toBe(quantizeTo('u8', value, to.scale, to.zeroPoint));
    }
  });
});
