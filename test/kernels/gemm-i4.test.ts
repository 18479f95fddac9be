// pack_i4, quantize_groups and gemm_i4 on every target, against the oracle.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { f32 } from '../oracle/arithmetic.js';
import { dequantizedMatrix, groupedProduct, quantizeGroups } from '../oracle/groups.js';
import { floatProduct } from '../oracle/product.js';
import { type GroupedCase, groupedProgram, packedGroupsBytes } from './grouped-program.js';
import {
  coversSlots,
  floatsIn,
  int32sIn,
  type Program,
  randomFloats,
  runEverywhere,
  runProgram,
  targets,
} from './harness.js';
import { expectWithin } from './product-program.js';

const SIMPLE: GroupedCase = {
  ...{ bits: 4, m: 5, k: 64, n: 18, groupSize: 32, signed: false, zeros: false, bias: false },
  ...{ filling: 'random', kInner: true, seed: 1 },
};

function check(c: GroupedCase): void {
  const bounds = c.seed % 3 === 0 ? { lo: -2, hi: 3.5 } : undefined;
  const { program, matrix, x, bias, group } = groupedProgram(c, 'i8', bounds);
  const rows = quantizeGroups(x, c.m, c.k, group);
  const found = runEverywhere(program);
  const stride = Math.ceil(c.k / 8) * 8;
  const codes = new Int8Array(c.m * stride);
  for (let r = 0; r < c.m; r++) codes.set(rows.codes.slice(r * c.k, (r + 1) * c.k), r * stride);
  expect(new Int8Array((found.codes as Uint8Array).buffer)).toEqual(codes);
  expect(floatsIn(found.aScale)).toEqual(Float32Array.from(rows.scale));
  expect(int32sIn(found.aSum)).toEqual(Int32Array.from(rows.sum));
  const wanted = groupedProduct(rows, c.m, matrix, bias, bounds?.lo, bounds?.hi);
  expect(floatsIn(found.y)).toEqual(Float32Array.from(wanted));
}

describe('gemm_i4 with quantized rows', () => {
  test('every k from 1 to 140', () => {
    coversSlots('gemm_i8u4_f32', 'gemm_i8u8_f32', 'quantize_groups_f32_i8');
    for (let k = 1; k <= 140; k++) {
      const groupSize = k % 5 === 0 || k <= 32 ? 0 : 32;
      check({ ...SIMPLE, k, groupSize, m: 1 + (k % 3), zeros: k % 2 === 0, bits: k % 7 === 0 ? 8 : 4, seed: k });
    }
  });

  test('every m and n from 1 to 70', () => {
    for (let i = 1; i <= 70; i++) {
      const common = { zeros: i % 2 === 0, bits: i % 4 < 2 ? 4 : 8, bias: i % 3 === 0, seed: i } as const;
      check({ ...SIMPLE, ...common, m: i, n: 33, k: 40, groupSize: 16 });
      check({ ...SIMPLE, ...common, m: 3, n: i });
    }
  });

  test('many panels, many row blocks, long groups', () => {
    check({ ...SIMPLE, m: 1, k: 512, n: 530, groupSize: 128 });
    check({ ...SIMPLE, m: 400, k: 40, n: 37, groupSize: 8, zeros: true });
    check({ ...SIMPLE, m: 13, k: 2100, n: 35, groupSize: 0 });
    check({ ...SIMPLE, m: 7, k: 2100, n: 35, groupSize: 256, bits: 8, zeros: true });
  });

  test('codes at their ends do not saturate', () => {
    for (const bits of [4, 8] as const) {
      for (const filling of ['highest', 'lowest'] as const) {
        for (const zeros of [false, true]) check({ ...SIMPLE, bits, filling, zeros, m: 7, k: 1100, groupSize: 0 });
      }
    }
  });

  test('any combination', () => {
    fc.assert(
      fc.property(
        fc.record({
          bits: fc.constantFrom(4 as const, 8 as const),
          m: fc.integer({ min: 1, max: 20 }),
          k: fc.integer({ min: 1, max: 300 }),
          n: fc.integer({ min: 1, max: 70 }),
          groupSize: fc.constantFrom(0, 8, 16, 32, 40, 64, 128),
          signed: fc.boolean(),
          zeros: fc.boolean(),
          bias: fc.boolean(),
          filling: fc.constantFrom('random' as const, 'random' as const, 'highest' as const, 'lowest' as const),
          kInner: fc.boolean(),
          seed: fc.nat(1_000_000),
        }),
        (c) => check({ ...c, groupSize: c.groupSize > c.k ? 0 : c.groupSize }),
      ),
      { numRuns: 120 },
    );
  });

  test('rows with zeros, NaN and infinities', () => {
    for (const groupSize of [8, 32, 0]) {
      const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-40, 3e38];
      const [rows, columns] = [9, 67];
      const x = randomFloats(rows * columns, groupSize, 3, special);
      x.fill(0, 0, columns);
      x.fill(Number.NaN, columns, 2 * columns);
      const wanted = quantizeGroups(x, rows, columns, groupSize === 0 ? columns : groupSize);
      const groups = groupSize === 0 ? 1 : Math.ceil(columns / groupSize);
      const fields = { x: 'x', codes: 'codes', scale: 'scale', sum: 'sum', rows, columns, group_size: groupSize };
      const found = runEverywhere({
        buffers: { x, codes: rows * 72, scale: groups * rows * 4, sum: groups * rows * 4 },
        steps: [['quantize_groups', fields]],
      });
      const codes = new Int8Array((found.codes as Uint8Array).buffer);
      for (let r = 0; r < rows; r++) {
        expect([...codes.slice(r * 72, r * 72 + 72)]).toEqual([
          ...wanted.codes.slice(r * columns, (r + 1) * columns),
          ...[0, 0, 0, 0, 0],
        ]);
      }
      expect(floatsIn(found.scale)).toEqual(Float32Array.from(wanted.scale));
      expect(int32sIn(found.sum)).toEqual(Int32Array.from(wanted.sum));
    }
  });
});

describe('gemm_i4 with float rows', () => {
  test('within the bound of its sums', () => {
    coversSlots('unpack_u4_f32', 'unpack_u8_f32');
    for (const [i, [m, k, n]] of (
      [
        [1, 70, 20],
        [7, 33, 64],
        [30, 130, 17],
        [400, 9, 33],
        [3, 600, 100],
      ] as const
    ).entries()) {
      for (const bits of [4, 8] as const) {
        const c: GroupedCase = {
          ...SIMPLE,
          bits,
          m,
          k,
          n,
          groupSize: i >= 3 ? 0 : 40,
          zeros: i % 2 === 0,
          bias: true,
          seed: i,
        };
        const { program, matrix, x, bias } = groupedProgram(c, 'f32');
        expectWithin(program, floatProduct({ m, k, n, a: x, w: dequantizedMatrix(matrix) }, bias), k + 1);
      }
    }
  });

  test('exact: one chain of rounded products and sums per element, on every target', () => {
    for (const bits of [4, 8] as const) {
      const c: GroupedCase = { ...SIMPLE, bits, m: 5, k: 75, n: 37, zeros: true };
      const { program, matrix, x } = groupedProgram(c, 'f32', undefined, 1);
      const w = dequantizedMatrix(matrix);
      const wanted = Float32Array.from({ length: c.m * c.n }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < c.k; k++) {
          sum = f32(sum + f32((x[Math.floor(i / c.n) * c.k + k] as number) * (w[k * c.n + (i % c.n)] as number)));
        }
        return sum;
      });
      expect(floatsIn(runEverywhere(program).y)).toEqual(wanted);
    }
  });
});

describe('packed weights by group', () => {
  test('zero points of 8 bits beside codes of 4, signed', () => {
    const c: GroupedCase = { ...SIMPLE, signed: true, zeros: true };
    const { program, matrix } = groupedProgram(c, 'i8');
    const wide = Int8Array.from(matrix.zero as number[], (zero) => zero - 8);
    const [pack, ...others] = program.steps as [Program['steps'][0], ...Program['steps']];
    const other: Program = {
      buffers: { ...program.buffers, zero: wide },
      steps: [[pack[0], { ...pack[1], zero_bits: 8 }], ...others],
    };
    expect(runEverywhere(other).y).toEqual(runEverywhere(program).y);
  });

  test('that are of another size, width or group, or not packed, are refused', () => {
    const { program } = groupedProgram(SIMPLE, 'i8');
    const [pack, quantize, multiply] = program.steps as [Program['steps'][0], Program['steps'][0], Program['steps'][0]];
    const bytes = packedGroupsBytes(8, 64, 18, 32, true);
    for (const target of targets()) {
      for (const change of [{ n: 17 }, { bits: 8 }, { group_size: 16 }, { group_size: 0 }] as const) {
        const other: Program = {
          buffers: { ...program.buffers, packed: bytes, aScale: 80, aSum: 80 },
          steps: [pack, quantize, [multiply[0], { ...multiply[1], ...change }]],
        };
        expect(() => runProgram(target, other), JSON.stringify(change)).toThrow();
      }
      const plain: Program = {
        buffers: { ...program.buffers, packed: new Uint8Array(bytes) },
        steps: [quantize, multiply],
      };
      expect(() => runProgram(target, plain)).toThrow();
    }
  });
});
