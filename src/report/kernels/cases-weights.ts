// Measured products of floats by weights of 4 and 16 bits.

import type { Backend } from '../../backend/backend.js';
import { PlanBuilder } from '../../backend/plan-builder.js';
import { groupedRowBytes, packedGroupsBytes, packedHalfBytes } from '../../runtime/packed.js';
import { bytes, F32, floats, I8, type KernelCase, packed, U8, WHOLE_RANGE } from './case.js';

/** Rows that are quantized by the groups of the weights, and the product. */
function groupedProduct(m: number, k: number, n: number, group: number): KernelCase {
  const packedBytes = packedGroupsBytes(4, k, n, group, false);
  const groups = Math.ceil(k / group);
  const [codeBytes, scaleBytes] = [lines(m * groupedRowBytes(k)), lines(4 * m * groups)];
  return {
    ...{ name: `gemm f32 i4 by ${group}`, shape: `${m}x${k}x${n}`, exact: true, depth: k, outputBytes: 4 * m * n },
    ...(m < 8 ? { limit: 'read', work: packedBytes } : { limit: 'int8', work: 2 * m * k * n }),
    arenaBytes: codeBytes + 2 * scaleBytes,
    build(builder, backend, y) {
      const codes = builder.arena(0, m * groupedRowBytes(k));
      const scale = builder.arena(codeBytes, 4 * m * groups);
      const sum = builder.arena(codeBytes + scaleBytes, 4 * m * groups);
      const x = builder.constant(floats(m * k));
      builder.op('quantize_groups', { x, codes, scale, sum, rows: m, columns: k, group_size: group });
      builder.op('gemm_i4', {
        ...{ a: codes, a_scale: scale, a_sum: sum, packed: builder.constant(packedI4(backend, k, n, group)) },
        ...{ bias: undefined, y, bits: 4, m, k, n, group_size: group, a_format: I8, exact: 0, ...WHOLE_RANGE },
      });
    },
  };
}

const lines = (size: number): number => Math.ceil(size / 64) * 64;

const HALF = { f16: 10, bf16: 16 } as const;

/** Weights that are widened, or, where the rows are rounded as well, multiplied in pairs. */
function halfProduct(m: number, k: number, n: number, format: 'f16' | 'bf16', rounded: boolean): KernelCase {
  return {
    ...{ name: `gemm ${rounded ? format : 'f32'} ${format}`, shape: `${m}x${k}x${n}`, outputBytes: 4 * m * n },
    ...{ exact: false, depth: k + 1 },
    ...(m < 8 ? { limit: 'read', work: 2 * k * n } : { limit: 'f32', work: 2 * m * k * n }),
    build(builder, backend, y) {
      const bits = { format: HALF[format] };
      const weights = packed(backend, 'pack_half', floats(k * n), packedHalfBytes(k, n), k, n, bits);
      builder.op('gemm_half', {
        ...{ a: builder.constant(floats(m * k)), packed: builder.constant(weights), bias: undefined, y },
        ...{ batch: 1, b_batched: 0, m, k, n, w_format: HALF[format], a_format: rounded ? HALF[format] : F32 },
        ...WHOLE_RANGE,
      });
    },
  };
}

const HALVES = [
  ['f16', false],
  ['bf16', false],
  ['bf16', true],
] as const;

export function weightCases(): readonly KernelCase[] {
  return [
    ...[32, 128].flatMap((group) => [groupedProduct(128, 4096, 4096, group), groupedProduct(1, 4096, 4096, group)]),
    ...HALVES.flatMap(([format, rounded]) => [
      halfProduct(128, 768, 3072, format, rounded),
      halfProduct(1, 4096, 4096, format, rounded),
    ]),
  ];
}

/** One of each kind. */
export function smallWeightCases(): readonly KernelCase[] {
  return [
    ...[32, 128].flatMap((group) => [groupedProduct(9, 200, 18, group), groupedProduct(1, 200, 18, group)]),
    ...HALVES.flatMap(([format, rounded]) => [
      halfProduct(9, 33, 18, format, rounded),
      halfProduct(1, 33, 18, format, rounded),
    ]),
  ];
}

/** Random codes of k x n with one scale, packed by the backend. */
function packedI4(backend: Backend, k: number, n: number, group: number): Uint8Array {
  const builder = new PlanBuilder(backend);
  const size = packedGroupsBytes(4, k, n, group, false);
  const codes = bytes((k * n) / 2);
  const scale = new Float32Array(Math.ceil(k / group) * n).fill(0.01);
  builder.op('pack_i4', {
    ...{ w: builder.input(codes.length), scale: builder.input(scale.byteLength), zero: undefined },
    ...{ packed: builder.output(size), bits: 4, format: U8, k, n, k_stride: n, n_stride: 1, group_size: group },
    ...{ scale_group_stride: n, scale_n_stride: 1, zero_bits: 8, zero_group_stride: n, zero_n_stride: 1 },
  });
  const plan = builder.build(0);
  const result = new Uint8Array(size);
  plan.runSync([codes, scale], [result]);
  plan.dispose();
  return result;
}
