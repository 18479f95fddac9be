// Products of matrices.

import type { DType } from '../../core/dtype.js';
import type { Dim } from '../../core/shape.js';
import { CODES, FLOAT, type Known, MANY, type NodeContext, type OpRule } from '../rule.js';

const NUMBERS: readonly DType[] = [...FLOAT, 'int32', 'int64', 'uint32', 'uint64'];

/** Dimensions of a NumPy matmul: [.., m, k] x [.., k, n]; a vector stands for a row (left) or a column (right). */
export function matMulDims(context: NodeContext, aIndex: number, bIndex: number): readonly Dim[] | undefined {
  const a = context.ranked(aIndex, 1, MANY);
  const b = context.ranked(bIndex, 1, MANY);
  if (a === undefined || b === undefined) return undefined;
  const inner = a[a.length - 1] as Dim;
  const rows = b[Math.max(b.length - 2, 0)] as Dim;
  if (typeof inner === 'number' && typeof rows === 'number' && inner !== rows) {
    context.fail(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not match in the inner dimension`);
  }
  const batch = context.broadcast([a.slice(0, -2), b.slice(0, -2)]) as readonly Dim[];
  const m = a.length > 1 ? [a[a.length - 2] as Dim] : [];
  const n = b.length > 1 ? [b[b.length - 1] as Dim] : [];
  return [...batch, ...m, ...n];
}

/** Dimensions of A' x B' of rank 2; `wide` lets A have more dimensions (the rows of all but the last one). */
export function gemmDims(
  context: NodeContext,
  aIndex: number,
  bIndex: number,
  wide = false,
): readonly Dim[] | undefined {
  const a = context.ranked(aIndex, 2, wide ? MANY : 2);
  const b = context.ranked(bIndex, 2);
  if (a === undefined || b === undefined) return undefined;
  const transA = context.int('transA', 0) !== 0;
  const transB = context.int('transB', 0) !== 0;
  if (transA && a.length !== 2) context.fail('transA needs an input of rank 2');
  const [rows, k1] = transA ? [[a[1] as Dim], a[0] as Dim] : [a.slice(0, -1), a[a.length - 1] as Dim];
  const [k2, columns] = transB ? [b[1] as Dim, b[0] as Dim] : [b[0] as Dim, b[1] as Dim];
  if (typeof k1 === 'number' && typeof k2 === 'number' && k1 !== k2) {
    const how = `${transA ? ' transposed' : ''} and [${b.join(', ')}]${transB ? ' transposed' : ''}`;
    context.fail(`shapes [${a.join(', ')}]${how} do not match in the inner dimension`);
  }
  return [...rows, columns];
}

/** C must broadcast to the product without making it larger. */
export function checkAddend(context: NodeContext, index: number, dims: readonly Dim[] | undefined): void {
  const c = context.has(index) ? context.dims(index) : undefined;
  if (c === undefined || dims === undefined) return;
  const fits =
    c.length <= dims.length &&
    c.every((size, axis) => {
      const wanted = dims[dims.length - c.length + axis];
      return size === 1 || typeof size === 'string' || typeof wanted === 'string' || size === wanted;
    });
  if (!fits) context.fail(`C [${c.join(', ')}] does not broadcast to [${dims.join(', ')}]`);
}

function inferGemm(context: NodeContext): Known[] {
  const dims = gemmDims(context, 0, 1);
  checkAddend(context, 2, dims);
  return [{ dtype: context.dtype(0) ?? context.dtype(1), dims }];
}

export const GEMM_ATTRIBUTES = { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' } as const;

export const MATRIX_OPS = {
  Gemm: {
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: GEMM_ATTRIBUTES,
    accepts: [NUMBERS],
    same: [0, 1, 2],
    infer: inferGemm,
  },
  MatMul: {
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    accepts: [NUMBERS],
    same: [0, 1],
    infer: (context) => [{ dtype: context.dtype(0) ?? context.dtype(1), dims: matMulDims(context, 0, 1) }],
  },
  MatMulInteger: {
    inputs: [2, 4],
    outputs: [1, 1],
    attributes: {},
    accepts: [CODES],
    infer: (context) => [{ dtype: 'int32', dims: matMulDims(context, 0, 1) }],
  },
} as const satisfies Record<string, OpRule>;
