// Types of what tests use of encoder.mjs.

import type { Graph } from '../src/ir/graph.js';

export interface EncoderSizes {
  readonly layers?: number;
  readonly hidden?: number;
  readonly heads?: number;
  readonly inner?: number;
  readonly vocabulary?: number;
  readonly positions?: number;
}

export function encoderGraph(
  options?: EncoderSizes & {
    readonly layerNorm?: 'operator' | 'decomposed';
    readonly gelu?: 'operator' | 'decomposed';
  },
): Graph;

export function encoderInputs(
  batch: number,
  sequence: number,
  options?: { readonly vocabulary?: number; readonly padding?: number; readonly seed?: number },
): Readonly<Record<'input_ids' | 'attention_mask' | 'token_type_ids', BigInt64Array<ArrayBuffer>>>;
