// Measured operations of transformers and of shapes: attention, functions of one number, reductions, gathering, resizing.

import { bytes, floats, type KernelCase } from './case.js';

function attention(heads: number, length: number, depth: number): KernelCase {
  const width = heads * depth;
  return {
    ...{ name: 'attention f32', shape: `${heads}x${length}x${depth}`, limit: 'f32', exact: false },
    ...{ work: 4 * heads * length * length * depth, depth: depth + length, outputBytes: 4 * length * width },
    build(builder, _backend, y) {
      const [q, k, v] = [0, 1, 2].map(() => builder.constant(floats(length * width)));
      builder.op('attention_f32', {
        ...{ q, k, v, mask: undefined, y, batch: 1, heads, queries: length, keys: length, depth, v_depth: depth },
        ...{ exact: 0, scale: 1 / Math.sqrt(depth), m0: 0, m1: 0, m2: 0, m3: 0 },
      });
    },
  };
}

const FUNCTIONS = { exp: 0, gelu: 7, 'gelu by tanh': 8, tanh: 9, sigmoid: 10, silu: 11 } as const;

/** A function of each number; `kind` of unary_f32. */
function unary(name: keyof typeof FUNCTIONS, n: number): KernelCase {
  return {
    ...{ name: `${name} f32`, shape: String(n), limit: 'copy', work: 8 * n, exact: true, depth: 1, outputBytes: 4 * n },
    build(builder, _backend, y) {
      builder.op('unary_f32', { x: builder.constant(floats(n)), y, kind: FUNCTIONS[name], n, alpha: 1, beta: 1 });
    },
  };
}

/** The mean of rows, or of columns. */
function mean(rows: number, columns: number, ofRows: boolean): KernelCase {
  const n = rows * columns;
  const geometry = ofRows ? { outer: rows, axis: columns, inner: 1 } : { outer: 1, axis: rows, inner: columns };
  return {
    ...{ name: `mean of ${ofRows ? 'rows' : 'columns'} f32`, shape: `${rows}x${columns}`, limit: 'read' },
    ...{ work: 4 * n, exact: true, depth: 1, outputBytes: 4 * (ofRows ? rows : columns) },
    build(builder, _backend, y) {
      builder.op('reduce_f32', { x: builder.constant(floats(n)), y, kind: 1, ...geometry });
    },
  };
}

/** Rows of an embedding, as floats. */
function gathering(entries: number, columns: number, count: number): KernelCase {
  return {
    ...{ name: 'gather f32', shape: `${count} of ${entries}x${columns}`, limit: 'copy', work: 8 * count * columns },
    ...{ exact: true, depth: 1, outputBytes: 4 * count * columns },
    build(builder, _backend, y) {
      const indices = Int32Array.from(bytes(2 * count).subarray(count), (byte, i) => (byte * 251 + i * 37) % entries);
      builder.op('gather', {
        ...{ x: builder.constant(floats(entries * columns)), indices: builder.constant(indices), y },
        ...{ outer: 1, axis: entries, inner_bytes: 4 * columns, count, format: 6 },
      });
    },
  };
}

/** One axis of a channels-last image to twice its length, linear between two neighbours. */
function resampling(size: number, c: number): KernelCase {
  const count = 2 * size;
  return {
    ...{ name: 'resample f32', shape: `${size}x${size}x${c}`, limit: 'copy', work: 12 * size * size * c },
    ...{ exact: true, depth: 1, outputBytes: 4 * count * size * c },
    build(builder, _backend, y) {
      const left = Array.from({ length: count }, (_, j) => Math.max(0, (j - 1) >> 1));
      const indices = Int32Array.from(left.flatMap((at) => [at, Math.min(size - 1, at + 1)]));
      const weights = Float32Array.from(left.flatMap((_, j) => (j % 2 === 0 ? [0.25, 0.75] : [0.75, 0.25])));
      builder.op('resample_f32', {
        ...{ x: builder.constant(floats(size * size * c)), y, outer: 1, axis: size, inner: size * c, count, taps: 2 },
        ...{ indices: builder.constant(indices), weights: builder.constant(weights) },
      });
    },
  };
}

const NAMES = Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[];

export function rowCases(): readonly KernelCase[] {
  return [
    ...[attention(12, 128, 32), attention(12, 128, 64), attention(12, 512, 64)],
    ...NAMES.map((name) => unary(name, 64 * 1024)),
    ...[mean(128, 384, true), mean(128, 384, false)],
    ...[gathering(30_522, 384, 128), resampling(56, 64)],
  ];
}

/** One of each kind. */
export function smallRowCases(): readonly KernelCase[] {
  return [
    ...[attention(2, 9, 5), ...NAMES.map((name) => unary(name, 100))],
    ...[mean(5, 21, true), mean(5, 21, false), gathering(11, 7, 5), resampling(5, 3)],
  ];
}
