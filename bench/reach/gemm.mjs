// Products of 8-bit codes against QLinearMatMul, and of floats quantized on the fly against DynamicQuantizeMatMul.

import { built } from '../networks.mjs';
import { bytes, eachSample, floats, scales, wantClose, weightCodes } from './data.mjs';
import { duel } from './duel.mjs';
import { modelOf, nodePeer } from './operators.mjs';
import { rowOf } from './table.mjs';

const { matmulSync } = await built('runtime/arrays/matmul.js');
const { packWeightsSync } = await built('runtime/arrays/pack-weights.js');

export const SHAPES = [
  [128, 384, 1536],
  [128, 768, 3072],
  [1024, 1024, 1024],
  [512, 4096, 4096],
];

export const rows = SHAPES.flatMap(([m, k, n]) => [
  { what: `u8i8 u8 ${m}x${k}x${n}`, measure: (context) => codes(context, m, k, n) },
  { what: `f32 dynamic ${m}x${k}x${n}`, measure: (context) => dynamic(context, m, k, n) },
]);

/** What both sides of a product of codes get. `y.scale` spreads the results over the codes. */
export function codesProblem(m, k, n, seed) {
  return {
    a: { data: bytes(m * k), scale: 0.02, zeroPoint: 121 },
    w: { data: weightCodes(k * n, seed), scale: scales(n, 0.001) },
    y: { scale: (0.02 * 0.0015 * Math.sqrt(k) * 74 * 37) / 50, zeroPoint: 128 },
  };
}

const one = (array) => ({ data: array, dims: [] });

export function qlinearModel(m, k, n, { a, w, y }) {
  return modelOf({
    nodes: [{ op: 'QLinearMatMul', inputs: ['a', 'as', 'az', 'w', 'ws', 'wz', 'ys', 'yz'], outputs: ['y'] }],
    inputs: { a: { data: a.data, dims: [m, k] } },
    constants: {
      ...{ as: one(Float32Array.of(a.scale)), az: one(Uint8Array.of(a.zeroPoint)) },
      ...{ w: { data: w.data, dims: [k, n] }, ws: { data: w.scale, dims: [n] } },
      wz: { data: new Int8Array(n), dims: [n] },
      ...{ ys: one(Float32Array.of(y.scale)), yz: one(Uint8Array.of(y.zeroPoint)) },
    },
    output: { name: 'y', dtype: 'uint8', dims: [m, n] },
  });
}

/** Our own product of codes, to be run again and again. */
export function ourCodes(backend, m, k, n, { a, w, y }) {
  const packed = packWeightsSync(w.data, { k, n, scale: w.scale, backend });
  const out = new Uint8Array(m * n);
  const output = { format: 'u8', scale: y.scale, zeroPoint: y.zeroPoint };
  const options = { m, scale: a.scale, zeroPoint: a.zeroPoint, output, out, backend };
  return { run: () => matmulSync(a.data, packed, options), output: out, packed };
}

/** Throws unless the codes are sat(rint(f32(f32(sum) * f32(f32(as * ws) / ys))) + yz), within `off` codes. */
export function checkCodes(what, found, m, k, n, { a, w, y }, off) {
  const seen = new Set();
  const f = Math.fround;
  const wanted = (row, column, sum) => {
    const multiplier = f(f(f(a.scale) * w.scale[column]) / f(y.scale));
    const real = f(f(sum) * multiplier);
    const rounded = Math.abs(real % 1) === 0.5 ? 2 * Math.round(real / 2) : Math.round(real);
    const code = Math.min(255, Math.max(0, rounded + y.zeroPoint));
    seen.add(code);
    wantClose(`${what}: code [${row}, ${column}]`, found[row * n + column], code, off);
  };
  eachSample(
    m,
    k,
    n,
    (i) => a.data[i] - a.zeroPoint,
    (i) => w.data[i],
    wanted,
  );
  if (seen.size < 8) throw new Error(`${what}: the sampled codes are but ${[...seen].join(', ')}`);
}

async function codes({ backend, settings }, m, k, n) {
  const problem = codesProblem(m, k, n);
  const ours = ourCodes(backend, m, k, n, problem);
  const inputs = { a: { data: problem.a.data, dims: [m, k] } };
  const output = { name: 'y', dtype: 'uint8', dims: [m, n], data: new Uint8Array(m * n) };
  const peer = await nodePeer(qlinearModel(m, k, n, problem), inputs, output);
  ours.run();
  checkCodes('lowbit', ours.output, m, k, n, problem, 0);
  checkCodes('QLinearMatMul', await peer.first(), m, k, n, problem, 1);
  const times = await duel({ ours: ours.run, peer: peer.run }, settings);
  ours.packed.dispose();
  await peer.release();
  return productRow(`u8i8 u8 ${m}x${k}x${n}`, 'QLinearMatMul', 2 * m * k * n, times, 1.5);
}

/** GOP/s of a duel of `ours` and `peer`. */
export function productRow(what, against, work, times, wanted) {
  const rate = (name) => work / times.ms(name) / 1e6;
  const ratio = times.speed('ours', 'peer');
  return rowOf({ what, ours: rate('ours'), against, theirs: rate('peer'), unit: 'GOP/s', ratio, wanted });
}

/** Throws unless every sample is off by at most half a step of the activations times the column's sum of |w|. */
export function checkDynamic(what, found, m, k, n, x, w) {
  let [lo, hi] = [0, 0];
  for (const value of x) [lo, hi] = [Math.min(lo, value), Math.max(hi, value)];
  const step = (hi - lo) / 255;
  eachSample(
    m,
    k,
    n,
    (i) => x[i],
    (i) => w.data[i],
    (row, column, sum) => {
      let weights = 0;
      for (let j = 0; j < k; j++) weights += Math.abs(w.data[j * n + column]);
      // A zero point off by less than a half moves every code by as much.
      const bound = w.scale[column] * weights * step * 1.01;
      wantClose(`${what}: [${row}, ${column}]`, found[row * n + column], sum * w.scale[column], bound);
    },
  );
}

export function dynamicModel(m, k, n, x, w) {
  const inputs = ['x', 'w', 'ws'];
  return modelOf({
    nodes: [{ op: 'DynamicQuantizeMatMul', domain: 'com.microsoft', inputs, outputs: ['y'] }],
    inputs: { x: { data: x, dims: [m, k] } },
    constants: { w: { data: w.data, dims: [k, n] }, ws: { data: w.scale, dims: [n] } },
    output: { name: 'y', dtype: 'float32', dims: [m, n] },
  });
}

async function dynamic({ backend, settings }, m, k, n) {
  const x = floats(m * k);
  const w = { data: weightCodes(k * n), scale: scales(n, 0.001) };
  const packed = packWeightsSync(w.data, { k, n, scale: w.scale, backend });
  const out = new Float32Array(m * n);
  const run = () => matmulSync(x, packed, { m, out, backend });
  const output = { name: 'y', dtype: 'float32', dims: [m, n], data: new Float32Array(m * n) };
  const peer = await nodePeer(dynamicModel(m, k, n, x, w), { x: { data: x, dims: [m, k] } }, output);
  run();
  checkDynamic('lowbit', out, m, k, n, x, w);
  checkDynamic('DynamicQuantizeMatMul', await peer.first(), m, k, n, x, w);
  const times = await duel({ ours: run, peer: peer.run }, settings);
  packed.dispose();
  await peer.release();
  return productRow(`f32 dynamic ${m}x${k}x${n}`, 'DynamicQuantizeMatMul', 2 * m * k * n, times, 1.5);
}
