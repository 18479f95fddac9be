// One row by a matrix that no cache holds: a part of the memory's bandwidth, and against onnxruntime.

import { built } from '../networks.mjs';
import { duel } from './duel.mjs';
import { checkCodes, codesProblem, ourCodes, qlinearModel } from './gemm.mjs';
import { nodePeer } from './operators.mjs';
import { rowOf } from './table.mjs';

const { peakOf } = await built('report/kernels/program.js');

const SHAPES = [
  [1, 4096, 4096],
  [1, 4096, 11008],
];

export const rows = SHAPES.map(([m, k, n]) => ({
  what: `u8i8 u8 ${m}x${k}x${n}`,
  measure: (context) => cold(context, m, k, n),
}));

/** So many copies of the weights that a cache which holds the last ones has none of those that come next. */
export function copiesBeyond(cacheBytes, bytes) {
  return Math.ceil((3 * cacheBytes) / bytes) + 1;
}

/** One function that runs each of the others once: every run finds its weights in memory. */
export function inTurn(runs) {
  return async () => {
    for (const run of runs) {
      const pending = run();
      if (pending instanceof Promise) await pending;
    }
  };
}

/**
 * Rows of a product whose weights are cold: `ours` and `peers` are functions over copies of the weights. The loop of loads
 * reads as many bytes as our copies hold: of a block three times its size the last cache still keeps a part.
 */
export async function coldRows(context, what, ours, peers, packedBytes, against) {
  const { backend, settings } = context;
  const memory = peakOf(backend, 'read', packedBytes * ours.length, backend.isa);
  const times = await duel(
    { ours: inTurn(ours), peer: inTurn(peers), memory: memory.run },
    { ...settings, turnMs: Math.max(settings.turnMs, 60) },
  );
  memory.dispose();
  const perRun = (name, runs) => times.ms(name) / runs.length;
  const read = packedBytes / perRun('ours', ours) / 1e6;
  const bandwidth = memory.work / times.ms('memory') / 1e6;
  // Per run, not per rotation: the two sides may have different numbers of copies.
  const ratio = (times.speed('ours', 'peer') * ours.length) / peers.length;
  return [
    rowOf({
      ...{ what, ours: read, against: 'memory read', theirs: bandwidth, unit: 'GB/s' },
      ...{ ratio: read / bandwidth, wanted: 0.85, share: true },
    }),
    rowOf({
      ...{ what, ours: 1e3 * perRun('ours', ours), against, theirs: 1e3 * perRun('peer', peers), unit: 'µs' },
      ...{ ratio, wanted: 1.2 },
    }),
  ];
}

async function cold(context, m, k, n) {
  const { backend, cacheBytes } = context;
  const copies = copiesBeyond(cacheBytes, k * n);
  const ours = [];
  const peers = [];
  for (let copy = 0; copy < copies; copy++) {
    const problem = codesProblem(m, k, n, copy + 1);
    const mine = ourCodes(backend, m, k, n, problem);
    const inputs = { a: { data: problem.a.data, dims: [m, k] } };
    const output = { name: 'y', dtype: 'uint8', dims: [m, n], data: new Uint8Array(m * n) };
    const peer = await nodePeer(qlinearModel(m, k, n, problem), inputs, output);
    mine.run();
    checkCodes('lowbit', mine.output, m, k, n, problem, 0);
    checkCodes('QLinearMatMul', await peer.first(), m, k, n, problem, 1);
    ours.push(mine);
    peers.push(peer);
  }
  const rows = await coldRows(
    context,
    `u8i8 u8 ${m}x${k}x${n}`,
    ours.map(({ run }) => run),
    peers.map(({ run }) => run),
    ours[0].packed.byteLength,
    'QLinearMatMul',
  );
  for (const { packed } of ours) packed.dispose();
  for (const peer of peers) await peer.release();
  return rows;
}
