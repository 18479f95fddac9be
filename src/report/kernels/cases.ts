// The kernels that are measured: one row per operation and shape, with its operands and what limits it.

import type { Backend } from '../../backend/backend.js';
import { type BufferRef, PlanBuilder } from '../../backend/plan-builder.js';
import { randomIntegers } from '../../core/random.js';
import { packedF32Bytes, packedI8Bytes } from '../../runtime/packed.js';

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
  /** Adds the operation to a plan; the operands are constants. */
  build(builder: PlanBuilder, backend: Backend, y: BufferRef): void;
}

const F32 = 1;
const U8 = 2;
const I8 = 3;
const WHOLE_RANGE = { lo: -Infinity, hi: Infinity };
const CODES = { y_zero_point: 3, qlo: 0, qhi: 255 };

/** Numbers of every case: the same in every run. */
function bytes(n: number): Uint8Array {
  const next = randomIntegers(n);
  const block = Uint8Array.from({ length: Math.min(n, 65_521) }, () => next() >>> 24);
  const all = new Uint8Array(n);
  for (let at = 0; at < n; at += block.length) all.set(block.subarray(0, Math.min(block.length, n - at)), at);
  return all;
}

/** In [-1, 1). */
function floats(n: number): Float32Array {
  return Float32Array.from(bytes(n), (byte) => (byte - 128) / 128);
}

function int8Product(m: number, k: number, n: number, signed: boolean): KernelCase {
  return {
    name: `gemm ${signed ? 'i8i8' : 'u8i8'} u8`,
    shape: `${m}x${k}x${n}`,
    limit: m < 8 ? 'read' : 'int8',
    work: m < 8 ? k * n : 2 * m * k * n,
    exact: true,
    depth: k,
    outputBytes: m * n,
    build(builder, backend, y) {
      builder.op('gemm_i8', {
        ...{ a: builder.constant(bytes(m * k)), a_scale: undefined, a_zero: builder.constant(Int32Array.of(3)) },
        packed: builder.constant(packedI8(backend, k, n)),
        ...{ w_zero: undefined, offset: undefined, bias: undefined, y },
        multiplier: builder.constant(new Float32Array(n).fill(0.02 / Math.sqrt(k))),
        ...{ batch: 1, b_batched: 0, m, k, n, a_step: 0, multiplier_step: 1 },
        ...{ a_format: signed ? I8 : U8, y_format: U8, ...CODES, ...WHOLE_RANGE },
      });
    },
  };
}

function floatProduct(m: number, k: number, n: number): KernelCase {
  return {
    name: 'gemm f32',
    shape: `${m}x${k}x${n}`,
    limit: m < 8 ? 'read' : 'f32',
    work: m < 8 ? 4 * k * n : 2 * m * k * n,
    exact: false,
    depth: k,
    outputBytes: 4 * m * n,
    build(builder, backend, y) {
      builder.op('gemm_f32', {
        ...{ a: builder.constant(floats(m * k)), packed: builder.constant(packedF32(backend, k, n)) },
        ...{ bias: undefined, y, batch: 1, b_batched: 0, m, k, n, exact: 0, ...WHOLE_RANGE },
      });
    },
  };
}

/** A window of side x side, padded so that stride 1 keeps the size. */
function windowOf(size: number, side: number, stride: number) {
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

function convolution(size: number, c: number, oc: number, side: number, stride: number, float: boolean): KernelCase {
  const { out, fields } = windowOf(size, side, stride);
  const k = side * side * c;
  return {
    name: float ? 'conv f32' : 'conv u8i8 u8',
    shape: `${size}x${size}x${c} ${side}x${side}/${stride} ${oc}`,
    limit: float ? 'f32' : 'int8',
    work: 2 * out * out * oc * k,
    exact: !float,
    depth: k,
    outputBytes: out * out * oc * (float ? 4 : 1),
    build(builder, backend, y) {
      const common = { ...fields, c, oc, groups: 1, bias: undefined, y, ...WHOLE_RANGE };
      if (float) {
        const packed = builder.constant(packedF32(backend, k, oc));
        builder.op('conv_f32', { ...common, x: builder.constant(floats(size * size * c)), packed, exact: 0 });
        return;
      }
      builder.op('conv_i8', {
        ...{ ...common, x: builder.constant(bytes(size * size * c)), x_scale: undefined, x_zero: undefined },
        ...{ packed: builder.constant(packedI8(backend, k, oc)), w_zero: undefined, offset: undefined },
        multiplier: builder.constant(new Float32Array(oc).fill(0.02 / Math.sqrt(k))),
        ...{ multiplier_step: 1, x_format: U8, x_zero_point: 3, y_format: U8, ...CODES },
      });
    },
  };
}

function depthwise(size: number, c: number, side: number, stride: number, float: boolean): KernelCase {
  const { out, fields } = windowOf(size, side, stride);
  return {
    name: float ? 'depthwise f32' : 'depthwise u8i8 u8',
    shape: `${size}x${size}x${c} ${side}x${side}/${stride}`,
    limit: float ? 'f32' : 'int8',
    work: 2 * out * out * c * side * side,
    exact: true,
    depth: side * side,
    outputBytes: out * out * c * (float ? 4 : 1),
    build(builder, _backend, y) {
      const common = { ...fields, c, bias: undefined, y, ...WHOLE_RANGE };
      if (float) {
        const weights = builder.constant(floats(side * side * c));
        builder.op('depthwise_f32', { ...common, x: builder.constant(floats(size * size * c)), weights });
        return;
      }
      builder.op('depthwise_i8', {
        ...{ ...common, x: builder.constant(bytes(size * size * c)), x_scale: undefined, x_zero: undefined },
        ...{ weights: builder.constant(bytes(side * side * c)), offset: undefined },
        multiplier: builder.constant(new Float32Array(c).fill(0.01)),
        ...{ multiplier_step: 1, x_format: U8, x_zero_point: 3, y_format: U8, ...CODES },
      });
    },
  };
}

/** A case that memory limits; `moved` is the bytes read and written per element. */
function moving(
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

function quantization(n: number, format: number): KernelCase {
  return moving(`quantize f32 ${format === U8 ? 'u8' : 'i8'}`, n, 5, n, (builder, y) => {
    builder.op('quantize', {
      ...{ x: builder.constant(floats(n)), scale: builder.constant(Float32Array.of(0.01)) },
      ...{ zero_point: builder.constant(Int32Array.of(format === U8 ? 128 : 0)), codes: y },
      ...{ granularity: 0, outer: 1, axis: 1, inner: n, block: 0, format },
    });
  });
}

function dequantization(n: number, format: number): KernelCase {
  return moving(`dequantize ${format === U8 ? 'u8' : 'i8'} f32`, n, 5, 4 * n, (builder, y) => {
    builder.op('dequantize', {
      ...{ codes: builder.constant(bytes(n)), scale: builder.constant(Float32Array.of(0.01)) },
      ...{ zero_point: builder.constant(Int32Array.of(format === U8 ? 128 : 0)), x: y },
      ...{ granularity: 0, outer: 1, axis: 1, inner: n, block: 0, format },
    });
  });
}

/** Operands of one row without broadcasting. */
function flat(n: number) {
  return { d0: 1, d1: 1, d2: 1, d3: n, a0: 0, a1: 0, a2: 0, a3: 1, b0: 0, b1: 0, b2: 0, b3: 1 };
}

function addition(n: number, float: boolean): KernelCase {
  const name = float ? 'add f32' : 'add u8';
  return moving(name, n, float ? 12 : 3, float ? 4 * n : n, (builder, y) => {
    if (float) {
      const [a, b] = [builder.constant(floats(n)), builder.constant(floats(n))];
      builder.op('binary_f32', { a, b, y, kind: 0, ...flat(n), ...WHOLE_RANGE });
      return;
    }
    builder.op('binary_i8', {
      ...{ a: builder.constant(bytes(n)), b: builder.constant(bytes(n)), y, kind: 0, ...flat(n) },
      ...{ a_format: U8, b_format: U8, y_format: U8, a_zero: 120, b_zero: 130, y_zero: 128 },
      ...{ a_ratio: 0.6, b_ratio: 0.7, qlo: 0, qhi: 255 },
    });
  });
}

function lookup(n: number): KernelCase {
  return moving('lookup u8', n, 2, n, (builder, y) => {
    builder.op('lookup_8', { x: builder.constant(bytes(n)), table: builder.constant(bytes(256)), y, n });
  });
}

function softmax(rows: number, columns: number): KernelCase {
  const one = moving('softmax f32', rows * columns, 8, 4 * rows * columns, (builder, y) => {
    builder.op('softmax_f32', { x: builder.constant(floats(rows * columns)), y, outer: rows, axis: columns, inner: 1 });
  });
  return { ...one, shape: `${rows}x${columns}` };
}

function maxPool(size: number, c: number, side: number, stride: number, format: number): KernelCase {
  const { out, fields } = windowOf(size, side, stride);
  const element = format === F32 ? 4 : 1;
  const moved = element * c * (size * size + out * out);
  const one = moving(`max pool ${format === F32 ? 'f32' : 'u8'}`, 1, moved, out * out * c * element, (builder, y) => {
    const x = builder.constant(format === F32 ? floats(size * size * c) : bytes(size * size * c));
    builder.op('max_pool', { x, y, ...fields, c, format });
  });
  return { ...one, shape: `${size}x${size}x${c} ${side}x${side}/${stride}` };
}

/** The average over the whole image. */
function averagePool(size: number, c: number, format: number): KernelCase {
  const element = format === F32 ? 4 : 1;
  const fields = {
    ...{ n: 1, h: size, w: size, c, oh: 1, ow: 1, kh: size, kw: size, stride_h: 1, stride_w: 1 },
    ...{ pad_top: 0, pad_left: 0, pad_bottom: 0, pad_right: 0, dilation_h: 1, dilation_w: 1, count_include_pad: 0 },
  };
  const name = `average pool ${format === F32 ? 'f32' : 'u8'}`;
  const one = moving(name, 1, element * c * size * size, element * c, (builder, y) => {
    if (format === F32) {
      builder.op('average_pool_f32', { x: builder.constant(floats(size * size * c)), y, ...fields });
      return;
    }
    builder.op('average_pool_i8', {
      ...{ x: builder.constant(bytes(size * size * c)), y, ...fields, x_format: U8, x_zero_point: 120 },
      ...{ x_scale: 0.02, y_format: U8, y_zero_point: 128, y_scale: 0.01 },
    });
  });
  return { ...one, limit: 'read', shape: `${size}x${size}x${c}` };
}

const MIB = 1 << 20;

/** What `lowbit bench --kernels`, `npm run bench` and `npm run roofline` measure. */
export function kernelCases(): readonly KernelCase[] {
  const products = [
    [128, 384, 1536],
    [128, 768, 3072],
    [1024, 1024, 1024],
    [512, 4096, 4096],
    [1, 4096, 4096],
    [1, 4096, 11_008],
  ] as const;
  return [
    ...products.map(([m, k, n]) => int8Product(m, k, n, false)),
    ...products.map(([m, k, n]) => int8Product(m, k, n, true)),
    ...products.map(([m, k, n]) => floatProduct(m, k, n)),
    ...[false, true].flatMap((float) => [
      convolution(56, 64, 64, 1, 1, float),
      convolution(56, 64, 64, 3, 1, float),
      convolution(14, 256, 256, 3, 1, float),
      convolution(224, 3, 32, 3, 2, float),
      depthwise(112, 96, 3, 2, float),
      depthwise(14, 384, 3, 1, float),
      depthwise(14, 384, 5, 1, float),
    ]),
    ...[U8, I8].flatMap((format) => [quantization(64 * 1024, format), quantization(16 * MIB, format)]),
    ...[U8, I8].flatMap((format) => [dequantization(64 * 1024, format), dequantization(16 * MIB, format)]),
    ...[false, true].flatMap((float) => [addition(64 * 1024, float), addition(4 * MIB, float)]),
    lookup(64 * 1024),
    softmax(128, 128),
    softmax(1, 1000),
    ...[U8, F32].flatMap((format) => [maxPool(112, 64, 3, 2, format), averagePool(7, 1280, format)]),
  ];
}

/** Small cases, one of each kind: for a quick check that all of it works. */
export function smallKernelCases(): readonly KernelCase[] {
  return [
    ...[false, true].map((signed) => int8Product(9, 33, 18, signed)),
    ...[int8Product(1, 64, 48, false), floatProduct(9, 33, 18), floatProduct(1, 33, 18)],
    ...[false, true].flatMap((float) => [convolution(6, 5, 7, 3, 2, float), depthwise(6, 19, 3, 1, float)]),
    ...[U8, I8].flatMap((format) => [quantization(100, format), dequantization(100, format)]),
    ...[addition(100, false), addition(100, true), lookup(100), softmax(3, 21)],
    ...[U8, F32].flatMap((format) => [maxPool(6, 19, 3, 2, format), averagePool(5, 19, format)]),
  ];
}

/** Random weights of k x n, packed by the backend. */
function packedI8(backend: Backend, k: number, n: number): Uint8Array {
  return packed(backend, 'pack_i8', bytes(k * n), packedI8Bytes(k, n, 0), k, n, { group_size: 0, format: I8 });
}

function packedF32(backend: Backend, k: number, n: number): Uint8Array {
  return packed(backend, 'pack_f32', floats(k * n), packedF32Bytes(k, n), k, n, {});
}

function packed(
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
