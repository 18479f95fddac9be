// Runs a model once on seeded input and prints, as JSON, what ran and the SHA-256 of every output.
// Arguments: the model's file. LOWBIT_BACKEND, LOWBIT_ISA and LOWBIT_THREADS choose what runs.

import { createHash } from 'node:crypto';
import { backendInfo, InferenceSession, Tensor } from '../dist/esm/index.js';

const session = await InferenceSession.create(process.argv[2]);
const feeds = {};
for (const { name, type, shape } of session.inputMetadata) {
  if (type !== 'float32') throw new Error(`Input ${name} is ${type}; this tool feeds float32 only`);
  const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  const count = dims.reduce((product, dim) => product * dim, 1);
  feeds[name] = new Tensor('float32', noise(count), dims);
}
const results = await session.run(feeds);
const outputs = {};
for (const [name, { data }] of Object.entries(results)) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  outputs[name] = createHash('sha256').update(bytes).digest('hex');
}
const { backend, isa, threads } = backendInfo();
console.log(JSON.stringify({ backend, isa, threads, outputs }));
await session.dispose();

/** Values in [-2, 2), the same ones every time: a linear congruential generator (Numerical Recipes), its upper bits. */
function noise(count) {
  const values = new Float32Array(count);
  let state = 20_261_122;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values[i] = (state >>> 8) / 2 ** 22 - 2;
  }
  return values;
}
