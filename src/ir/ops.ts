// The table of the operators that are known: their inputs, attributes and inference.

import type { Node } from './graph.js';
import type { OpRule } from './rule.js';
import { CONTRIB_OPS } from './rules/contrib-ops.js';
import { ELEMENTWISE_OPS } from './rules/elementwise-ops.js';
import { LOWERED_OPS } from './rules/lowered-ops.js';
import { MATRIX_OPS } from './rules/matrix-ops.js';
import { QUANTIZED_OPS } from './rules/quantized-ops.js';
import { REDUCE_OPS } from './rules/reduce-ops.js';
import { SHAPE_OPS } from './rules/shape-ops.js';
import { WINDOW_OPS } from './rules/window-ops.js';

/** Domain to operators; '' is ai.onnx. Operators of other domains pass through the IR unread. */
export const OPS = {
  '': {
    ...WINDOW_OPS,
    ...MATRIX_OPS,
    ...ELEMENTWISE_OPS,
    ...SHAPE_OPS,
    ...REDUCE_OPS,
    ...QUANTIZED_OPS,
  },
  'com.microsoft': CONTRIB_OPS,
  lowbit: LOWERED_OPS,
} as const satisfies Record<string, Readonly<Record<string, OpRule>>>;

/** The rule of a node's operator; undefined for one that is not known. */
export function ruleOf(node: Pick<Node, 'op' | 'domain'>): OpRule | undefined {
  if (!Object.hasOwn(OPS, node.domain)) return undefined;
  const rules: Readonly<Record<string, OpRule>> = OPS[node.domain as keyof typeof OPS];
  return Object.hasOwn(rules, node.op) ? rules[node.op] : undefined;
}

/** How an operator is called in messages: its name, with its domain where that is not ai.onnx. */
export function operatorName(node: Pick<Node, 'op' | 'domain'>): string {
  return node.domain === '' ? node.op : `${node.domain}:${node.op}`;
}
