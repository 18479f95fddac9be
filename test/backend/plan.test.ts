// Plans through the backend: results, reuse, disposal, and what is refused.

import { expect, test } from 'vitest';
import { loadBackend } from '../../src/backend/load.js';
import { PlanBuilder } from '../../src/backend/plan-builder.js';

const backend = loadBackend();

test('min_max of an input', async () => {
  const builder = new PlanBuilder(backend);
  const x = builder.input(16);
  const out = builder.output(8);
  builder.op('min_max', { x, out, n: 4 });
  const plan = builder.build(0);
  const result = new Float32Array(2);
  plan.runSync([Float32Array.of(3, -1, 2, 7)], [result]);
  expect([...result]).toEqual([-1, 7]);
  result.fill(0);
  await plan.run([Float32Array.of(3, -1.5, 2, 7)], [result]);
  expect([...result]).toEqual([-1.5, 7]);
  plan.dispose();
});
