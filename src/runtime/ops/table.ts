// The lowering table: which operators of which domains become instructions.

import type { LoweringRow } from '../lowering.js';
import { ACTIVATION_ROWS, LOWERED_ACTIVATION_ROWS } from './activation.js';
import { LOWERED_ATTENTION_ROWS } from './attention.js';
import { BINARY_ROWS, LOWERED_BINARY_ROWS } from './binary.js';
import { COMBINE_ROWS } from './combine.js';
import { CONCAT_ROWS, LOWERED_CONCAT_ROWS } from './concat.js';
import { CONV_ROWS, LOWERED_CONV_ROWS } from './conv.js';
import { DYNAMIC_ROWS, LOWERED_DYNAMIC_ROWS } from './dynamic.js';
import { GATHER_ROWS } from './gather.js';
import { GEMM_ROWS, LOWERED_GEMM_ROWS } from './gemm.js';
import { INTEGER_ROWS } from './integer.js';
import { N_BITS_ROWS } from './n-bits.js';
import { LOWERED_NORMALIZE_ROWS, NORMALIZE_ROWS } from './normalize.js';
import { LOWERED_POOL_ROWS, POOL_ROWS } from './pool.js';
import { QUANTIZE_ROWS } from './quantize.js';
import { REDUCE_ROWS } from './reduce.js';
import { RESIZE_ROWS } from './resize.js';
import { SHAPE_ROWS } from './shape.js';
import { SLICE_ROWS } from './slice.js';
import { SOFTMAX_ROWS } from './softmax.js';
import { LOWERED_UNARY_ROWS, UNARY_ROWS } from './unary.js';

/** By domain ('' is ai.onnx, 'com.microsoft' what onnxruntime adds, 'lowbit' what the passes make), then by operator. */
export const LOWERING_TABLE = {
  '': {
    ...ACTIVATION_ROWS,
    ...BINARY_ROWS,
    ...COMBINE_ROWS,
    ...CONCAT_ROWS,
    ...CONV_ROWS,
    ...DYNAMIC_ROWS,
    ...GATHER_ROWS,
    ...GEMM_ROWS,
    ...INTEGER_ROWS,
    ...NORMALIZE_ROWS,
    ...POOL_ROWS,
    ...QUANTIZE_ROWS,
    ...REDUCE_ROWS,
    ...RESIZE_ROWS,
    ...SHAPE_ROWS,
    ...SLICE_ROWS,
    ...SOFTMAX_ROWS,
    ...UNARY_ROWS,
  },
  'com.microsoft': N_BITS_ROWS,
  lowbit: {
    ...LOWERED_ACTIVATION_ROWS,
    ...LOWERED_ATTENTION_ROWS,
    ...LOWERED_BINARY_ROWS,
    ...LOWERED_CONCAT_ROWS,
    ...LOWERED_CONV_ROWS,
    ...LOWERED_DYNAMIC_ROWS,
    ...LOWERED_GEMM_ROWS,
    ...LOWERED_NORMALIZE_ROWS,
    ...LOWERED_POOL_ROWS,
    ...LOWERED_UNARY_ROWS,
  },
} as const satisfies Record<string, Record<string, LoweringRow>>;

const ROWS: ReadonlyMap<string, ReadonlyMap<string, LoweringRow>> = new Map(
  Object.entries(LOWERING_TABLE).map(([domain, rows]) => [domain, new Map<string, LoweringRow>(Object.entries(rows))]),
);

/** The row of an operator, or undefined when it is not supported. */
export function loweringOf(domain: string, op: string): LoweringRow | undefined {
  return ROWS.get(domain === 'ai.onnx' ? '' : domain)?.get(op);
}
