// What a measured kernel is made of: its row, and the operands that all rows share.

import type { Backend } from '../../backend/backend.js';
import { type BufferRef, PlanBuilder } from '../../backend/plan-builder.js';
import { randomIntegers } from '../../core/random.js';

/** What a kernel cannot be faster than: integer or float arithmetic, memory that is read, memory that is copied. */
export type Limit = 'int8' | 'f32' | 'read' | 'copy';

export interface KernelCase {
  readonly name: string;
  readonly shape: string;
  readonly limit: Limit;
  /** Operations (a multiplication and an addition are two), or bytes read and written. */
  readonly work: number;
  /** The output agrees to the byte on all instruction sets, or (`false`: sums of floats) within a bound. */
  readonly exact: boolean;
  /** Length of the sums of an inexact case. */
  readonly depth: number;
  readonly outputBytes: number;
  /** Of the arena, for outputs that nobody looks at; none by default. */
  readonly arenaBytes?: number;
  /** Adds the operation to a plan; the operands are constants. */
  build(builder: PlanBuilder, backend: Backend, y: BufferRef): void;
}

export const F32 = 1;
export const U8 = 2;
export const I8 = 3;
export const WHOLE_RANGE = { lo: -Infinity, hi: Infinity };
export const CODES = { y_zero_point: 3, qlo: 0, qhi: 255 };

/** Numbers of every case: the same in every run. */
export function bytes(n: number): Uint8Array {
  const next = randomIntegers(n);
  const block = Uint8Array.from({ length: Math.min(n, 65_521) }, () => next() >>> 24);
  const all = new Uint8Array(n);
  for (let at = 0; at < n; at += block.length) all.set(block.subarray(0, Math.min(block.length, n - at)), at);
  return all;
}

/** In [-1, 1). */
export function floats(n: number): Float32Array {
  return Float32Array.from(bytes(n), (byte) => (byte - 128) / 128);
}

/** A window of side x side, padded so that stride 1 keeps the size. */
export function windowOf(size: number, side: number, stride: number) {
  const pad = (side - 1) / 2;
  const out = Math.floor((size + 2 * pad - side) / stride) + 1;
  return {
    out,
    fields: {
      ...{ n: 1, h: size, w: size, oh: out, ow: out, kh: side, kw: side, stride_h: stride, stride_w: stride },
      ...{ pad_top: pad, pad_left: pad, dilation_h: 1, dilation_w: 1 },
    },
  };
}

/** A case that memory limits; `moved` is the bytes read and written per element. */
export function moving(
  name: string,
  n: number,
  moved: number,
  outputBytes: number,
  build: (builder: PlanBuilder, y: BufferRef) => void,
): KernelCase {
  return {
    ...{ name, shape: String(n), limit: 'copy', work: n * moved, exact: true, depth: 1, outputBytes },
    build: (builder, _backend, y) => build(builder, y),
  };
}

/** A row-major matrix of k x n in the order that an operation packs it in; `size` bytes. */
export function packed(
  backend: Backend,
  op: string,
  w: ArrayBufferView,
  size: number,
  k: number,
  n: number,
  more: Readonly<Record<string, number>>,
): Uint8Array {
  const builder = new PlanBuilder(backend);
  builder.op(op, {
    ...{ w: builder.input(w.byteLength), packed: builder.output(size), batch: 1, batch_stride: 0, k0: 1, k1: 1, k2: k },
    ...{ k0_stride: 0, k1_stride: 0, k2_stride: n, n, n_stride: 1, ...more },
  });
  const plan = builder.build(0);
  const result = new Uint8Array(size);
  plan.runSync([w], [result]);
  plan.dispose();
  return result;
}
