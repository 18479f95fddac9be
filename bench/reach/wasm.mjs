// A product of 8-bit codes in WebAssembly: against the fastest 8-bit operator of onnxruntime-web, and as a part of what
// this engine multiplies and adds in registers.

import { built } from '../networks.mjs';
import { floats } from './data.mjs';
import { duel } from './duel.mjs';
import { checkCodes, checkDynamic, codesProblem, dynamicModel, ourCodes, qlinearModel } from './gemm.mjs';
import { modelOf, webPeer } from './operators.mjs';
import { rowOf } from './table.mjs';

const { loadBackendOf } = await built('backend/load.js');
const { peakOf } = await built('report/kernels/program.js');

const [m, k, n] = [128, 768, 3072];
const WHAT = `WASM u8i8 u8 ${m}x${k}x${n}`;

export const rows = [{ what: WHAT, measure }];

/** The same codes as exact sums. */
function integerModel({ a, w }) {
  return modelOf({
    nodes: [{ op: 'MatMulInteger', inputs: ['a', 'w', 'az'], outputs: ['y'] }],
    inputs: { a: { data: a.data, dims: [m, k] } },
    constants: { w: { data: w.data, dims: [k, n] }, az: { data: Uint8Array.of(a.zeroPoint), dims: [] } },
    output: { name: 'y', dtype: 'int32', dims: [m, n] },
  });
}

async function measure({ settings }) {
  const backend = loadBackendOf('wasm', { threads: 1 });
  const problem = codesProblem(m, k, n);
  const ours = ourCodes(backend, m, k, n, problem);
  ours.run();
  checkCodes('lowbit in WebAssembly', ours.output, m, k, n, problem, 0);
  const x = floats(m * k);
  const codes = { a: { data: problem.a.data, dims: [m, k] } };
  const y = { name: 'y' };
  const peers = {
    QLinearMatMul: await webPeer(qlinearModel(m, k, n, problem), codes, y),
    MatMulInteger: await webPeer(integerModel(problem), codes, y),
    DynamicQuantizeMatMul: await webPeer(dynamicModel(m, k, n, x, problem.w), { x: { data: x, dims: [m, k] } }, y),
  };
  checkCodes('QLinearMatMul', await peers.QLinearMatMul.first(), m, k, n, problem, 1);
  checkDynamic('DynamicQuantizeMatMul', await peers.DynamicQuantizeMatMul.first(), m, k, n, x, problem.w);
  const peak = peakOf(backend, 'int8', 0, backend.isa);
  const runs = Object.fromEntries(Object.entries(peers).map(([name, { run }]) => [name, run]));
  const times = await duel({ ours: ours.run, peak: peak.run, ...runs }, settings);
  const best = Object.keys(peers).reduce((a, b) => (times.ms(a) <= times.ms(b) ? a : b));
  for (const peer of Object.values(peers)) await peer.release();
  const rate = (name, work) => work / times.ms(name) / 1e6;
  const work = 2 * m * k * n;
  const [mine, most] = [rate('ours', work), rate('peak', peak.work)];
  const common = { what: `${WHAT} ${backend.isa}`, ours: mine, unit: 'GOP/s' };
  peak.dispose();
  ours.packed.dispose();
  return [
    rowOf({
      ...{ ...common, against: `onnxruntime-web ${best}`, theirs: rate(best, work) },
      ...{ ratio: times.speed('ours', best), wanted: 2 },
    }),
    rowOf({ ...common, against: 'register peak', theirs: most, ratio: mine / most, wanted: 0.75, share: true }),
  ];
}
