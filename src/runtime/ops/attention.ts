// The attention that a pass has made of its pieces.

import type { Node } from '../../ir/graph.js';
import { floatOf, inputOf, intOf, outputOf } from '../attributes.js';
import { broadcastStrides, stridesIn } from '../layout.js';
import type { Lowering, LoweringRow } from '../lowering.js';

/** Inputs [q, k, v, mask]: rows of all heads, and a mask that broadcasts to [batch, heads, queries, keys]. */
function attention(node: Node, at: Lowering): void {
  const [q, k, v, mask] = [0, 1, 2, 3].map((index) => inputOf(node, index)) as [string, string, string, string];
  for (const name of mask === '' ? [q, k, v] : [q, k, v, mask]) at.expectType(name, 'float32');
  const heads = intOf(node, 'heads', 1);
  const [batch = 1, queries = 1, features = 1] = at.dims(q);
  const [, keys = 1] = at.dims(k);
  const v_depth = (at.dims(v)[2] as number) / heads;
  const shape = [batch, heads, queries, keys];
  const own = mask === '' ? [] : at.dims(mask);
  const [m0, m1, m2, m3] = broadcastStrides(own, stridesIn(own, 'logical'), shape);
  const [qView, kView, vView] = [q, k, v].map((name) => at.read(name, 'logical'));
  at.emit('attention_f32', {
    ...{ q: qView, k: kView, v: vView, mask: mask === '' ? undefined : at.read(mask, 'logical') },
    y: at.write(outputOf(node), 'logical'),
    ...{ batch, heads, queries, keys, depth: features / heads, v_depth, exact: at.exact },
    scale: floatOf(node, 'scale', 1),
    ...{ m0, m1, m2, m3 },
  });
}

export const LOWERED_ATTENTION_ROWS = {
  Attention: { lower: attention },
} as const satisfies Record<string, LoweringRow>;
