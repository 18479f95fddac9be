// Floats by weights of 4 bits in groups, quantized by group on the fly, against MatMulNBits at accuracy level 4.

import { built } from '../networks.mjs';
import { bytes, eachSample, floats, wantClose } from './data.mjs';
import { duel } from './duel.mjs';
import { productRow } from './gemm.mjs';
import { modelOf, nodePeer } from './operators.mjs';
import { coldRows, copiesBeyond } from './vector.mjs';

const { matmulSync } = await built('runtime/arrays/matmul.js');
const { packWeightsSync } = await built('runtime/arrays/pack-weights.js');

const MANY = [128, 512].flatMap((m) => [32, 128].map((group) => ({ m, k: 4096, n: 4096, group })));
const ONE = [4096, 11008].map((n) => ({ m: 1, k: 4096, n, group: 32 }));

export const rows = [
  ...MANY.map((one) => ({ what: nameOf(one), measure: (context) => many(context, one) })),
  ...ONE.map((one) => ({ what: nameOf(one), measure: (context) => cold(context, one) })),
];

function nameOf({ m, k, n, group }) {
  return `int4 groups of ${group} ${m}x${k}x${n}`;
}

/** Codes with 8 for zero, two per byte, k inside: as MatMulNBits stores them. */
function problemOf({ m, k, n, group }, seed) {
  return {
    x: floats(m * k),
    w: bytes((k * n) / 2, seed),
    scale: Float32Array.from(bytes((n * k) / group, seed), (byte) => 0.001 * (1 + byte / 256)),
  };
}

function weightOf({ k, group }, { w, scale }, column, i) {
  const at = column * k + i;
  const code = (w[at >> 1] >> (4 * (at & 1))) & 15;
  return (code - 8) * scale[column * (k / group) + Math.floor(i / group)];
}

/** The weights as packWeights() takes them: signed codes, n inside, and scales [groups, n]. */
function transposed({ k, n, group }, { w, scale }) {
  const groups = k / group;
  const codes = new Uint8Array((k * n) / 2);
  for (let i = 0; i < k; i++) {
    for (let column = 0; column < n; column += 2) {
      const at = (column * k + i) >> 1;
      const shift = 4 * (i & 1);
      const pair = ((w[at] >> shift) & 15) | (((w[at + k / 2] >> shift) & 15) << 4);
      codes[(i * n + column) >> 1] = pair ^ 0x88;
    }
  }
  return { codes, scale: scale.map((_, i) => scale[(i % n) * groups + Math.floor(i / n)]) };
}

function ourProduct(backend, one, problem) {
  const { m, k, n, group } = one;
  const { codes, scale } = transposed(one, problem);
  const packed = packWeightsSync(codes, { k, n, format: 'i4', groupSize: group, scale, backend });
  const out = new Float32Array(m * n);
  return { run: () => matmulSync(problem.x, packed, { m, out, backend }), output: out, packed };
}

function nbitsModel({ m, k, n, group }, { x, w, scale }) {
  const attributes = { K: k, N: n, bits: 4, block_size: group, accuracy_level: 4 };
  return modelOf({
    nodes: [{ op: 'MatMulNBits', domain: 'com.microsoft', inputs: ['x', 'w', 's'], outputs: ['y'], attributes }],
    inputs: { x: { data: x, dims: [m, k] } },
    constants: {
      w: { data: w, dims: [n, k / group, group / 2] },
      s: { data: scale, dims: [(n * k) / group] },
    },
    output: { name: 'y', dtype: 'float32', dims: [m, n] },
  });
}

/** Throws unless samples are off by at most half a step of the activations, 1/127 of the largest, times the sum of |w|. */
function check(what, found, one, problem) {
  const { m, k, n } = one;
  const w = (i) => weightOf(one, problem, i % n, Math.floor(i / n));
  eachSample(
    m,
    k,
    n,
    (i) => problem.x[i],
    w,
    (row, column, sum) => {
      let weights = 0;
      for (let i = 0; i < k; i++) weights += Math.abs(weightOf(one, problem, column, i));
      wantClose(`${what}: [${row}, ${column}]`, found[row * n + column], sum, (0.51 / 127) * weights);
    },
  );
}

async function peerOf(one, problem) {
  const { m, k, n } = one;
  const output = { name: 'y', dtype: 'float32', dims: [m, n], data: new Float32Array(m * n) };
  return nodePeer(nbitsModel(one, problem), { x: { data: problem.x, dims: [m, k] } }, output);
}

async function many({ backend, settings }, one) {
  const { m, k, n } = one;
  const problem = problemOf(one, 1);
  const ours = ourProduct(backend, one, problem);
  const peer = await peerOf(one, problem);
  ours.run();
  check('lowbit', ours.output, one, problem);
  check('MatMulNBits', await peer.first(), one, problem);
  const times = await duel({ ours: ours.run, peer: peer.run }, settings);
  ours.packed.dispose();
  await peer.release();
  return productRow(nameOf(one), 'MatMulNBits', 2 * m * k * n, times, 8);
}

async function cold(context, one) {
  const copies = copiesBeyond(context.cacheBytes, (one.k * one.n) / 2);
  const ours = [];
  const peers = [];
  for (let copy = 0; copy < copies; copy++) {
    const problem = problemOf(one, copy + 1);
    const mine = ourProduct(context.backend, one, problem);
    const peer = await peerOf(one, problem);
    mine.run();
    check('lowbit', mine.output, one, problem);
    check('MatMulNBits', await peer.first(), one, problem);
    ours.push(mine);
    peers.push(peer);
  }
  const found = await coldRows(
    context,
    nameOf(one),
    ours.map(({ run }) => run),
    peers.map(({ run }) => run),
    ours[0].packed.byteLength,
    'MatMulNBits',
  );
  for (const { packed } of ours) packed.dispose();
  for (const peer of peers) await peer.release();
  return found;
}
