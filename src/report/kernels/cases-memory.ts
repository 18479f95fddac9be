// Measured kernels that memory limits: conversions, elementwise operations, pools, rows that are normalized.

import { bytes, F32, floats, I8, type KernelCase, moving, U8, WHOLE_RANGE, windowOf } from './case.js';
import { conversionCases } from './cases-conversions.js';

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

/** Rows of floats to codes, each by its own range. */
function dynamicQuantization(rows: number, columns: number): KernelCase {
  const n = rows * columns;
  const one = moving('dynamic quantize f32 u8', n, 9, n, (builder, y) => {
    builder.op('dynamic_quantize', {
      ...{ x: builder.constant(floats(n)), codes: y, rows, columns, format: U8, symmetric: 0 },
      ...{ scale: builder.arena(0, 4 * rows), zero_point: builder.arena(4 * rows, 4 * rows) },
    });
  });
  return { ...one, shape: `${rows}x${columns}`, arenaBytes: 8 * rows };
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

function multiplication(n: number): KernelCase {
  return moving('multiply u8', n, 3, n, (builder, y) => {
    builder.op('binary_i8', {
      ...{ a: builder.constant(bytes(n)), b: builder.constant(bytes(n)), y, kind: 2, ...flat(n) },
      ...{ a_format: U8, b_format: U8, y_format: U8, a_zero: 120, b_zero: 130, y_zero: 128 },
      ...{ a_ratio: 0.02, b_ratio: 1, qlo: 0, qhi: 255 },
    });
  });
}

function clamping(n: number): KernelCase {
  return moving('clamp f32', n, 8, 4 * n, (builder, y) => {
    builder.op('clamp_f32', { x: builder.constant(floats(n)), y, n, lo: -0.5, hi: 0.75 });
  });
}

/** A matrix turned over: planes of an image to pixels. */
function transposition(rows: number, columns: number, element: 1 | 4): KernelCase {
  const n = rows * columns;
  const one = moving(`transpose ${element === 1 ? 'u8' : 'f32'}`, n, 2 * element, n * element, (builder, y) => {
    builder.op('transpose', {
      ...{ x: builder.constant(bytes(n * element)), y, element_bytes: element },
      ...{ d0: 1, d1: 1, d2: 1, d3: 1, d4: columns, d5: rows, s0: 0, s1: 0, s2: 0, s3: 0, s4: 1, s5: columns },
    });
  });
  return { ...one, shape: `${rows}x${columns}` };
}

/** Layer normalization of rows. */
function normalization(rows: number, columns: number): KernelCase {
  const n = rows * columns;
  const one = moving('layer norm f32', n, 8, 4 * n, (builder, y) => {
    const [scale, bias] = [builder.constant(floats(columns)), builder.constant(floats(columns))];
    const absent = { addend: undefined, mean: undefined, inverse: undefined };
    const x = builder.constant(floats(n));
    builder.op('layer_norm_f32', { x, ...absent, scale, bias, y, rows, columns, epsilon: 1e-5, subtract_mean: 1 });
  });
  return { ...one, shape: `${rows}x${columns}` };
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

/** Averages of windows side x side that lie beside each other; `side` = `size` is the average over the whole image. */
function averagePool(size: number, c: number, side: number, format: number): KernelCase {
  const element = format === F32 ? 4 : 1;
  const out = Math.floor(size / side);
  const fields = {
    ...{ n: 1, h: size, w: size, c, oh: out, ow: out, kh: side, kw: side, stride_h: side, stride_w: side },
    ...{ pad_top: 0, pad_left: 0, pad_bottom: 0, pad_right: 0, dilation_h: 1, dilation_w: 1, count_include_pad: 0 },
  };
  const name = `average pool ${format === F32 ? 'f32' : 'u8'}`;
  const one = moving(name, 1, element * c * size * size, out * out * element * c, (builder, y) => {
    if (format === F32) {
      builder.op('average_pool_f32', { x: builder.constant(floats(size * size * c)), y, ...fields });
      return;
    }
    builder.op('average_pool_i8', {
      ...{ x: builder.constant(bytes(size * size * c)), y, ...fields, x_format: U8, x_zero_point: 120 },
      ...{ x_scale: 0.02, y_format: U8, y_zero_point: 128, y_scale: 0.01 },
    });
  });
  return { ...one, limit: 'read', shape: `${size}x${size}x${c} ${side}x${side}` };
}

const MIB = 1 << 20;

export function memoryCases(): readonly KernelCase[] {
  return [
    ...[U8, I8].flatMap((format) => [quantization(64 * 1024, format), quantization(16 * MIB, format)]),
    ...[U8, I8].flatMap((format) => [dequantization(64 * 1024, format), dequantization(16 * MIB, format)]),
    dynamicQuantization(128, 384),
    ...conversionCases(64 * 1024),
    ...[false, true].flatMap((float) => [addition(64 * 1024, float), addition(4 * MIB, float)]),
    ...[multiplication(64 * 1024), clamping(64 * 1024), lookup(64 * 1024)],
    ...[transposition(3, 224 * 224, 4), transposition(256, 784, 1), transposition(784, 256, 1)],
    ...[softmax(128, 128), softmax(1, 1000), normalization(128, 384)],
    ...[U8, F32].flatMap((format) => [
      maxPool(112, 64, 3, 2, format),
      averagePool(7, 1280, 7, format),
      averagePool(56, 128, 2, format),
    ]),
  ];
}

/** One of each kind. */
export function smallMemoryCases(): readonly KernelCase[] {
  return [
    ...[U8, I8].flatMap((format) => [quantization(100, format), dequantization(100, format)]),
    dynamicQuantization(3, 33),
    ...conversionCases(102),
    ...[addition(100, false), addition(100, true), multiplication(100), clamping(100), lookup(100)],
    ...[transposition(5, 21, 1), transposition(5, 21, 4), softmax(3, 21), normalization(3, 21)],
    ...[U8, F32].flatMap((format) => [maxPool(6, 19, 3, 2, format), averagePool(5, 19, 5, format)]),
  ];
}
