// The operands of matrix products: batches, rows, columns, packed weights.

import { DTYPES } from '../../core/dtype.js';
import { broadcastDims } from '../../core/shape.js';
import type { Node } from '../../ir/graph.js';
import { intOf } from '../attributes.js';
import { broadcastStrides, stridesIn } from '../layout.js';
import type { Lowering } from '../lowering.js';
import { packedF32Bytes, packedI8Bytes } from '../packed.js';
import type { View } from '../program.js';
import { formatOf } from './parameters.js';

/** What a gemm instruction needs to know of its operands. */
export interface Product {
  readonly a: View;
  readonly packed: View;
  readonly sizes: {
    readonly batch: number;
    readonly b_batched: number;
    readonly m: number;
    readonly k: number;
    readonly n: number;
  };
}

/** A [m, k] (transA: [k, m], rank 2 only; otherwise every axis but the last is a row) by B [k, n] (transB: [n, k]). */
export function gemmProduct(at: Lowering, node: Node, a: string, b: string, codes: boolean): Product {
  const aDims = at.dims(a);
  const [b0, b1] = at.dims(b) as [number, number];
  const transA = intOf(node, 'transA', 0) !== 0;
  const transB = intOf(node, 'transB', 0) !== 0;
  const k = transA ? (aDims[0] as number) : (aDims.at(-1) as number);
  const m = transA ? (aDims[1] as number) : sizeOfDims(aDims.slice(0, -1));
  const n = transB ? b0 : b1;
  let view = at.read(a, 'logical');
  if (transA) {
    const turned = at.scratch(view.bytes, `${a} transposed`);
    at.emit('transpose', at.transposeFields(view, turned, at.type(a).dtype, [m, k], [1, m]));
    view = turned;
  }
  const strides = transB ? { k: 1, n: b1 } : { k: b1, n: 1 };
  const packed = packMatrix(at, b, { batch: 1, batchStride: 0, k, n, kStride: strides.k, nStride: strides.n }, codes);
  return { a: view, packed, sizes: { batch: 1, b_batched: 0, m, k, n } };
}

/** NumPy's matmul of A [.., m, k] and B [.., k, n]; a vector stands for a row (left) or a column (right). */
export function matMulProduct(at: Lowering, a: string, b: string, codes: boolean): Product {
  const aOwn = at.dims(a);
  const bOwn = at.dims(b);
  const aDims = aOwn.length === 1 ? [1, ...aOwn] : aOwn;
  const bDims = bOwn.length === 1 ? [...bOwn, 1] : bOwn;
  const [m, k] = aDims.slice(-2) as [number, number];
  const n = bDims.at(-1) as number;
  const aBatch = aDims.slice(0, -2);
  const bBatch = bDims.slice(0, -2);
  const batchDims = broadcastDims(aBatch, bBatch) ?? [];
  const bCount = sizeOfDims(bBatch);
  const plain = { k, n, kStride: n, nStride: 1 };
  if (bCount === 1) {
    // One B for all: the batches of A are more rows.
    const packed = packMatrix(at, b, { batch: 1, batchStride: 0, ...plain }, codes);
    const rows = sizeOfDims(batchDims) * m;
    return { a: at.read(a, 'logical'), packed, sizes: { batch: 1, b_batched: 0, m: rows, k, n } };
  }
  const batch = sizeOfDims(batchDims);
  const left = expand(at, a, [...aBatch, m, k], [...batchDims, m, k]);
  if (bCount === batch) {
    const packed = packMatrix(at, b, { batch, batchStride: k * n, ...plain }, codes);
    return { a: left, packed, sizes: { batch, b_batched: 1, m, k, n } };
  }
  const right = expand(at, b, [...bBatch, k, n], [...batchDims, k, n]);
  const one = codes ? packedI8Bytes(k, n, 0) : packedF32Bytes(k, n);
  const packed = at.scratch(one * batch, `${b} packed`);
  const fields = packFields(at, b, { batch, batchStride: k * n, ...plain }, codes);
  at.emit(codes ? 'pack_i8' : 'pack_f32', { w: right, packed, ...fields });
  return { a: left, packed, sizes: { batch, b_batched: 1, m, k, n } };
}

interface MatrixWalk {
  readonly batch: number;
  readonly batchStride: number;
  readonly k: number;
  readonly n: number;
  readonly kStride: number;
  readonly nStride: number;
}

function packMatrix(at: Lowering, name: string, walk: MatrixWalk, codes: boolean): View {
  const { batch, k, n, kStride, nStride } = walk;
  if (k < 1 || n < 1) at.unsupported(`a matrix of ${k} x ${n}`);
  const one = codes ? packedI8Bytes(k, n, 0) : packedF32Bytes(k, n);
  const fields = packFields(at, name, walk, codes);
  const key = `packed ${batch}x${k}x${n} by ${kStride}, ${nStride}`;
  return at.derive(name, key, one * batch, codes ? 'pack_i8' : 'pack_f32', (w, packed) => ({ w, packed, ...fields }));
}

function packFields(at: Lowering, name: string, walk: MatrixWalk, codes: boolean): Record<string, number> {
  return {
    batch: walk.batch,
    batch_stride: walk.batchStride,
    k0: 1,
    k1: 1,
    k2: walk.k,
    k0_stride: 0,
    k1_stride: 0,
    k2_stride: walk.kStride,
    n: walk.n,
    n_stride: walk.nStride,
    ...(codes ? { group_size: 0, format: formatOf(at, name) } : {}),
  };
}

/** The value repeated over broadcast axes, or itself where nothing is repeated. */
function expand(at: Lowering, name: string, dims: readonly number[], outDims: readonly number[]): View {
  const view = at.read(name, 'logical');
  if (sizeOfDims(dims) === sizeOfDims(outDims)) return view;
  const { dtype } = at.type(name);
  const expanded = at.scratch((sizeOfDims(outDims) * DTYPES[dtype].bits) / 8, `${name} repeated`);
  const strides = broadcastStrides(dims, stridesIn(dims, 'logical'), outDims);
  at.emit('transpose', at.transposeFields(view, expanded, dtype, outDims, strides));
  return expanded;
}

export function sizeOfDims(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
