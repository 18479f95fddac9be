// quantize and dequantize: a part of the bandwidth of copies in memory, and against QuantizeLinear in the caches.

import { built } from '../networks.mjs';
import { bytes, floats } from './data.mjs';
import { duel } from './duel.mjs';
import { modelOf, nodePeer } from './operators.mjs';
import { rowOf } from './table.mjs';

const { quantizeSync } = await built('runtime/arrays/quantize.js');
const { dequantizeSync } = await built('runtime/arrays/dequantize.js');
const { peakOf } = await built('report/kernels/program.js');

const LARGE = 16 * 1024 * 1024;
const SMALL = 64 * 1024;
const SCALE = 0.01;
/** The instruction sets that memory is to keep busy, besides the best one. */
const FORCED = ['x86_avx2'];

export const rows = ['quantize', 'dequantize'].flatMap((name) => [
  { what: `${name} i8 64 MiB`, measure: (context) => inMemory(context, name) },
  { what: `${name} i8 64 Ki in cache`, measure: (context) => inCache(context, name) },
]);

/** The function on `n` elements, with its memory. */
function subject(backend, name, n) {
  if (name === 'quantize') {
    const x = floats(n);
    const out = new Int8Array(n);
    return { x, out, run: () => quantizeSync(x, { format: 'i8', scale: SCALE, zeroPoint: 3, out, backend }) };
  }
  const x = new Int8Array(bytes(n).buffer);
  const out = new Float32Array(n);
  return { x, out, run: () => dequantizeSync(x, { scale: SCALE, zeroPoint: 3, out, backend }) };
}

/** Throws unless the first results are those of the formula. */
function check(name, { x, out }) {
  const f = Math.fround;
  for (let i = 0; i < 1000; i++) {
    const real = f(x[i] / f(SCALE));
    const rounded = Math.abs(real % 1) === 0.5 ? 2 * Math.round(real / 2) : Math.round(real);
    const wanted = name === 'quantize' ? Math.min(127, Math.max(-128, rounded + 3)) : f((x[i] - 3) * f(SCALE));
    if (out[i] !== wanted) throw new Error(`${name}: element ${i} is ${out[i]}; expected ${wanted}`);
  }
}

/** Copies of half the bytes that the conversion reads and writes, by each way that there is; the faster one counts. */
async function inMemory({ backend, settings }, name) {
  const { loadBackendOf } = await built('backend/load.js');
  const isas = [backend.isa, ...FORCED.filter((isa) => isa !== backend.isa && backend.isas.includes(isa))];
  const moved = 5 * LARGE;
  const copy = peakOf(backend, 'copy', moved, backend.isa);
  const from = new Uint8Array(moved / 2).fill(1);
  const to = new Uint8Array(moved / 2);
  const subjects = isas.map((isa) => [isa, subject(loadBackendOf('native', { threads: 1, isa }), name, LARGE)]);
  for (const [, one] of subjects) {
    one.run();
    check(name, one);
  }
  const times = await duel(
    { ...Object.fromEntries(subjects.map(([isa, { run }]) => [isa, run])), plan: copy.run, set: () => to.set(from) },
    settings,
  );
  copy.dispose();
  const best = times.ms('plan') < times.ms('set') ? 'plan' : 'set';
  return isas.map((isa) =>
    rowOf({
      ...{ what: `${name} i8 64 MiB ${isa}`, ours: moved / times.ms(isa) / 1e6, against: 'memory copy' },
      ...{
        theirs: moved / times.ms(best) / 1e6,
        unit: 'GB/s',
        ratio: times.speed(isa, best),
        wanted: 0.8,
        share: true,
      },
    }),
  );
}

async function inCache({ backend, settings }, name) {
  const ours = subject(backend, name, SMALL);
  const quantizes = name === 'quantize';
  const inputs = { x: { data: ours.x, dims: [SMALL] } };
  const data = quantizes ? new Int8Array(SMALL) : new Float32Array(SMALL);
  const output = { name: 'y', dtype: quantizes ? 'int8' : 'float32', dims: [SMALL], data };
  const op = quantizes ? 'QuantizeLinear' : 'DequantizeLinear';
  const constants = {
    s: { data: Float32Array.of(SCALE), dims: [] },
    z: { data: Int8Array.of(3), dims: [] },
  };
  const nodes = [{ op, inputs: ['x', 's', 'z'], outputs: ['y'] }];
  const peer = await nodePeer(modelOf({ nodes, inputs, constants, output }), inputs, output);
  ours.run();
  await peer.first();
  check(name, ours);
  const differ = ours.out.findIndex((value, i) => value !== data[i]);
  if (differ >= 0) throw new Error(`${op}: element ${differ} is ${data[differ]}, of lowbit ${ours.out[differ]}`);
  const times = await duel({ ours: ours.run, peer: peer.run }, settings);
  await peer.release();
  const rate = (side) => (5 * SMALL) / times.ms(side) / 1e6;
  return rowOf({
    ...{ what: `${name} i8 64 Ki in cache`, ours: rate('ours'), against: op, theirs: rate('peer'), unit: 'GB/s' },
    ...{ ratio: times.speed('ours', 'peer'), wanted: 2 },
  });
}
