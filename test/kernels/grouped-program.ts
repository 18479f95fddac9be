// Programs that multiply by weights of 4 or 8 bits by group, and the matrices that go into them.

import type { GroupedMatrix } from '../oracle/groups.js';
import { type Program, randomFloats, randomOf, type Step } from './harness.js';

export const INFINITE = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

export interface GroupedCase {
  readonly bits: 4 | 8;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** 0: one group of all k. */
  readonly groupSize: number;
  readonly signed: boolean;
  readonly zeros: boolean;
  readonly bias: boolean;
  /** Codes at random, or all at one end. */
  readonly filling: 'random' | 'highest' | 'lowest';
  /** Whether k or n is the inner axis of the stored codes. */
  readonly kInner: boolean;
  readonly seed: number;
}

/** Bytes of one packed matrix, as native/kernels/gemm_i4/panels.h draws it. */
export function packedGroupsBytes(bits: 4 | 8, k: number, n: number, groupSize: number, zeros: boolean): number {
  const perLine = bits === 4 ? 8 : 4;
  const panels = Math.ceil(n / 16);
  const groups = Math.ceil(k / groupSize);
  const lastLines = Math.ceil((k - (groups - 1) * groupSize) / perLine);
  const lines = (groups - 1) * Math.ceil(groupSize / perLine) + lastLines;
  return 64 + (zeros ? Math.ceil((panels * groups * 16) / 64) * 64 : 0) + panels * (groups + lines) * 64;
}

/** Numbers of `bits` bits as bytes, the first of a byte in its low half. */
export function packBits(values: readonly number[], bits: 4 | 8): Uint8Array<ArrayBuffer> {
  if (bits === 8) return Uint8Array.from(values);
  const bytes = new Uint8Array(Math.ceil(values.length / 2));
  values.forEach((value, i) => {
    bytes[i >> 1] = (bytes[i >> 1] as number) | ((value & 15) << (4 * (i & 1)));
  });
  return bytes;
}

export function groupOf({ k, groupSize }: GroupedCase): number {
  return groupSize === 0 ? k : groupSize;
}

/** The matrix of a case in unsigned codes. */
export function matrixOf(c: GroupedCase): GroupedMatrix {
  const random = randomOf(c.seed);
  const codes = 2 ** c.bits;
  const code = (): number =>
    c.filling === 'random' ? Math.floor(random() * codes) : c.filling === 'highest' ? codes - 1 : 0;
  const count = Math.ceil(c.k / groupOf(c)) * c.n;
  return {
    ...{ k: c.k, n: c.n, groupSize: groupOf(c) },
    codes: Array.from({ length: c.k * c.n }, code),
    scale: Float32Array.from({ length: count }, () => (random() - 0.4) / 8),
    zero: Array.from({ length: count }, () => (c.zeros ? Math.floor(random() * codes) : codes / 2)),
  };
}

/** x, pack_i4 and (unless a is f32) quantize_groups, then gemm_i4 into y. */
export function groupedProgram(c: GroupedCase, a: 'i8' | 'f32', bounds = INFINITE, exact: 0 | 1 = 0) {
  const matrix = matrixOf(c);
  const group = groupOf(c);
  const groups = Math.ceil(c.k / group);
  const x = randomFloats(c.m * c.k, c.seed + 1, 3);
  const bias = c.bias ? randomFloats(c.n, c.seed + 2) : undefined;
  const flip = c.signed ? 2 ** (c.bits - 1) : 0;
  const at = (k: number, n: number): number => (matrix.codes[k * c.n + n] as number) ^ flip;
  const stored = Array.from({ length: c.k * c.n }, (_, i) =>
    c.kInner ? at(i % c.k, Math.floor(i / c.k)) : at(Math.floor(i / c.n), i % c.n),
  );
  const codeBytes = c.m * Math.ceil(c.k / 8) * 8;
  const pack: Step = [
    'pack_i4',
    {
      ...{ w: 'w', scale: 'scale', zero: c.zeros ? 'zero' : undefined, packed: 'packed', bits: c.bits },
      ...{ format: c.signed ? 3 : 2, k: c.k, n: c.n, k_stride: c.kInner ? 1 : c.n, n_stride: c.kInner ? c.k : 1 },
      ...{ group_size: c.groupSize, scale_group_stride: c.n, scale_n_stride: 1 },
      ...{ zero_bits: c.bits, zero_group_stride: c.n, zero_n_stride: 1 },
    },
  ];
  const quantize: Step = [
    'quantize_groups',
    { x: 'x', codes: 'codes', scale: 'aScale', sum: 'aSum', rows: c.m, columns: c.k, group_size: c.groupSize },
  ];
  const codes = a === 'i8';
  const multiply: Step = [
    'gemm_i4',
    {
      ...{ a: codes ? 'codes' : 'x', a_scale: codes ? 'aScale' : undefined, a_sum: codes ? 'aSum' : undefined },
      ...{ packed: 'packed', bias: bias && 'bias', y: 'y', bits: c.bits, m: c.m, k: c.k, n: c.n },
      ...{ group_size: c.groupSize, a_format: codes ? 3 : 1, exact, ...bounds },
    },
  ];
  const program: Program = {
    buffers: {
      ...{ x, w: packBits(stored, c.bits), scale: matrix.scale as Float32Array },
      ...(c.zeros && {
        zero: packBits(
          Array.from(matrix.zero, (zero) => zero ^ flip),
          c.bits,
        ),
      }),
      ...(bias && { bias }),
      ...(codes && { codes: codeBytes, aScale: groups * c.m * 4, aSum: groups * c.m * 4 }),
      packed: packedGroupsBytes(c.bits, c.k, c.n, group, c.zeros),
      y: c.m * c.n * 4,
    },
    steps: codes ? [pack, quantize, multiply] : [pack, multiply],
  };
  return { program, matrix, x, bias, groups, group };
}
