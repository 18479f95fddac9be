// The MiniLM-shaped encoder beside onnxruntime-node on the same files, float32 and dynamic int8: `npm run bench:encoder`.

import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { encoderGraph, encoderInputs } from './encoder.mjs';
import { built } from './networks.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    sequence: { type: 'string', default: '128' },
    threads: { type: 'string', default: '1' },
    form: { type: 'string', default: 'operator' },
  },
});
const [rounds, sequence, threads] = [options.rounds, options.sequence, options.threads].map(Number);

/** Milliseconds: the peer's threads spin for up to 20 ms after a run and would take a processor from the next one. */
const REST = 30;
/** Runs of a turn; the first one wakes threads and caches, and does not count. */
const TURN = 4;
/** The largest difference to the peer, relative to its largest value: float32 sums, and codes that fall the other way. */
const LIMITS = { f32: 1e-4, int8: 0.05 };

const { InferenceSession, backendInfo } = await built('index.js');
const { writeOnnx } = await built('formats/onnx/onnx.js');
const { quantizeModel } = await built('calibrate/quantize-model.js');

const float = writeOnnx(encoderGraph({ layerNorm: options.form, gelu: 'decomposed' }));
const int8 = (await quantizeModel(float, { scheme: 'dynamic-u8i8' })).bytes;
const { backend, isa } = backendInfo();
console.log(
  `MiniLM-shaped encoder, sequence ${sequence}, ${threads} thread(s), ${backend} ${isa}, ${rounds} interleaved rounds`,
);
console.log('| form | lowbit ms | onnxruntime-node ms | ratio |\n|---|---|---|---|');
await compare('f32', float);
await compare('int8', int8);

async function compare(form, bytes) {
  const dims = [1, sequence];
  const inputs = Object.entries(encoderInputs(1, sequence, { padding: Math.floor(sequence / 8) }));
  const mine = Object.fromEntries(inputs.map(([name, data]) => [name, { type: 'int64', dims, data }]));
  const theirs = Object.fromEntries(inputs.map(([name, data]) => [name, new ort.Tensor('int64', data, dims)]));
  const session = await InferenceSession.create(bytes, { threads });
  const peer = await ort.InferenceSession.create(bytes, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  const own = (await session.run(mine)).last_hidden_state.data;
  const wanted = (await peer.run(theirs)).last_hidden_state.data;
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - own[i])), 0) / largest;
  if (!(worst <= LIMITS[form])) throw new Error(`${form}: the outputs differ by ${worst} of the largest`);
  const times = { own: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    await turn(times.own, () => session.run(mine));
    await turn(times.peer, () => peer.run(theirs));
  }
  const [a, b] = [median(times.own), median(times.peer)];
  console.log(`| ${form} | ${a.toFixed(3)} | ${b.toFixed(3)} | ${(b / a).toFixed(2)} |`);
  await session.dispose();
}

async function turn(times, run) {
  if (threads > 1) await new Promise((resolve) => setTimeout(resolve, REST));
  await run();
  for (let i = 1; i < TURN; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
}

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1];
}
