// The kernels that are measured: one row per operation and shape, with its operands and what limits it.

import type { Backend } from '../../backend/backend.js';
import { packedF32Bytes, packedI8Bytes } from '../../runtime/packed.js';
import { bytes, CODES, F32, floats, I8, type KernelCase, packed, U8, WHOLE_RANGE, windowOf } from './case.js';
import { memoryCases, smallMemoryCases } from './cases-memory.js';
import { rowCases, smallRowCases } from './cases-rows.js';
import { smallWeightCases, weightCases } from './cases-weights.js';

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
        ...{ residual: undefined, activation: -1, alpha: 0, beta: 0 },
      });
    },
  };
}

/** Codes whose rows have a scale each, as floats that are quantized on the fly have, to floats. */
function floatsOfCodes(m: number, k: number, n: number): KernelCase {
  const one = int8Product(m, k, n, false);
  return {
    ...{ ...one, name: 'gemm u8i8 f32', outputBytes: 4 * m * n },
    build(builder, backend, y) {
      builder.op('gemm_i8', {
        ...{ a: builder.constant(bytes(m * k)), a_scale: builder.constant(new Float32Array(m).fill(0.02)) },
        ...{ a_zero: builder.constant(new Int32Array(m).fill(3)), packed: builder.constant(packedI8(backend, k, n)) },
        ...{ w_zero: undefined, offset: undefined, bias: builder.constant(floats(n)), y },
        multiplier: builder.constant(new Float32Array(n).fill(0.01)),
        ...{ batch: 1, b_batched: 0, m, k, n, a_step: 1, multiplier_step: 1 },
        ...{ a_format: U8, y_format: F32, y_zero_point: 0, qlo: 0, qhi: 0, ...WHOLE_RANGE },
        ...{ residual: undefined, activation: -1, alpha: 0, beta: 0 },
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
        builder.op('conv_f32', {
          ...common,
          x: builder.constant(floats(size * size * c)),
          packed,
          y_stride: oc,
          exact: 0,
        });
        return;
      }
      builder.op('conv_i8', {
        ...{ ...common, x: builder.constant(bytes(size * size * c)), x_scale: undefined, x_zero: undefined },
        ...{ packed: builder.constant(packedI8(backend, k, oc)), w_zero: undefined, offset: undefined },
        y_stride: oc,
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
    ...products.map(([m, k, n]) => floatsOfCodes(m, k, n)),
    ...products.map(([m, k, n]) => floatProduct(m, k, n)),
    ...weightCases(),
    ...[false, true].flatMap((float) => [
      convolution(56, 64, 64, 1, 1, float),
      convolution(56, 64, 64, 3, 1, float),
      convolution(14, 256, 256, 3, 1, float),
      convolution(224, 3, 32, 3, 2, float),
      depthwise(112, 96, 3, 2, float),
      depthwise(14, 384, 3, 1, float),
      depthwise(14, 384, 5, 1, float),
    ]),
    ...memoryCases(),
    ...rowCases(),
  ];
}

/** Small cases, one of each kind: for a quick check that all of it works. */
export function smallKernelCases(): readonly KernelCase[] {
  return [
    ...[false, true].map((signed) => int8Product(9, 33, 18, signed)),
    ...[
      int8Product(1, 64, 48, false),
      floatsOfCodes(9, 33, 18),
      floatsOfCodes(1, 33, 18),
      floatProduct(9, 33, 18),
      floatProduct(1, 33, 18),
    ],
    ...[false, true].flatMap((float) => [convolution(6, 5, 7, 3, 2, float), depthwise(6, 19, 3, 1, float)]),
    ...smallWeightCases(),
    ...smallMemoryCases(),
    ...smallRowCases(),
  ];
}

/** Random weights of k x n, packed by the backend. */
function packedI8(backend: Backend, k: number, n: number): Uint8Array {
  return packed(backend, 'pack_i8', bytes(k * n), packedI8Bytes(k, n, 0), k, n, { group_size: 0, format: I8 });
}

function packedF32(backend: Backend, k: number, n: number): Uint8Array {
  return packed(backend, 'pack_f32', floats(k * n), packedF32Bytes(k, n), k, n, {});
}
