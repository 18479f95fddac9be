// Floats: matrix products and convolutions against onnxruntime on the same model.

import { built } from '../networks.mjs';
import { floats, wantClose } from './data.mjs';
import { duel } from './duel.mjs';
import { SHAPES } from './gemm.mjs';
import { modelOf, nodePeer } from './operators.mjs';
import { rowOf } from './table.mjs';

const { InferenceSession } = await built('session/inference-session.js');

/** Convolutions of one size: their input and output may change layout, so several of a kind follow each other. */
const CHAIN = 4;
const CONVOLUTIONS = [
  { size: 56, c: 64, oc: 64, side: 1, stride: 1, groups: 1 },
  { size: 56, c: 64, oc: 64, side: 3, stride: 1, groups: 1 },
  { size: 14, c: 256, oc: 256, side: 3, stride: 1, groups: 1 },
  { size: 224, c: 3, oc: 32, side: 3, stride: 2, groups: 1 },
  { size: 112, c: 96, oc: 96, side: 3, stride: 1, groups: 96 },
  { size: 14, c: 384, oc: 384, side: 5, stride: 1, groups: 384 },
];

export const rows = [
  ...SHAPES.map(([m, k, n]) => ({
    what: `gemm f32 ${m}x${k}x${n}`,
    measure: (context) => product(context, m, k, n),
  })),
  ...CONVOLUTIONS.map((one) => ({ what: nameOf(one), measure: (context) => convolution(context, one) })),
];

function nameOf({ size, c, oc, side, stride, groups }) {
  const times = chainOf({ c, oc, stride }) === 1 ? '' : ` ${CHAIN} times`;
  return `${groups === 1 ? 'conv' : 'depthwise'} f32 ${size}x${size}x${c} ${side}x${side}/${stride} ${oc}${times}`;
}

function chainOf({ c, oc, stride }) {
  return c === oc && stride === 1 ? CHAIN : 1;
}

function product(context, m, k, n) {
  const inputs = { x: { data: floats(m * k), dims: [m, k] } };
  const constants = { w: { data: floats(k * n, 7), dims: [k, n] } };
  const nodes = [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }];
  const model = { nodes, inputs, constants, output: { name: 'y', dtype: 'float32', dims: [m, n] } };
  // Two ways to add k products of numbers in [-1, 1) differ by at most 2 k (k 2^-24).
  return compare(context, `gemm f32 ${m}x${k}x${n}`, model, 2 * m * k * n, 2 * k * k * 2 ** -24);
}

function convolution(context, one) {
  const { size, c, oc, side, stride, groups } = one;
  const pad = (side - 1) / 2;
  const out = Math.floor((size + 2 * pad - side) / stride) + 1;
  const depth = (side * side * c) / groups;
  const chain = chainOf(one);
  // Weights of this size keep the sums of a chain within [-1, 1].
  const w = { data: floats(oc * depth, 7).map((value) => value / depth), dims: [oc, c / groups, side, side] };
  const attributes = {
    ...{ group: groups, kernel_shape: [side, side], strides: [stride, stride], pads: [pad, pad, pad, pad] },
  };
  const value = (i) => (i === 0 ? 'x' : i === chain ? 'y' : `v${i}`);
  const nodes = Array.from({ length: chain }, (_, i) => ({
    ...{ op: 'Conv', inputs: [value(i), 'w'], outputs: [value(i + 1)], attributes },
  }));
  const inputs = { x: { data: floats(c * size * size), dims: [1, c, size, size] } };
  const output = { name: 'y', dtype: 'float32', dims: [1, oc, out, out] };
  const work = 2 * chain * out * out * oc * depth;
  // A sum is off by at most depth 2^-24 in each of both, and hands on what its inputs are off by.
  return compare(context, nameOf(one), { nodes, inputs, constants: { w }, output }, work, 2 * chain * depth * 2 ** -24);
}

async function compare({ backend, settings }, what, model, work, bound) {
  const bytes = modelOf(model);
  const { inputs, output } = model;
  const session = await InferenceSession.create(bytes, { backend });
  const feeds = { x: { type: 'float32', data: inputs.x.data, dims: inputs.x.dims } };
  const peer = await nodePeer(bytes, inputs, output);
  const found = session.runSync(feeds).y.data;
  const wanted = await peer.first();
  if (!wanted.some((value) => value !== 0)) throw new Error(`${what}: onnxruntime gives nothing but zeros`);
  for (let i = 0; i < found.length; i++) wantClose(`${what}: element ${i}`, found[i], wanted[i], bound);
  const times = await duel({ ours: () => session.runSync(feeds), peer: peer.run }, settings);
  await session.dispose();
  await peer.release();
  const rate = (side) => work / times.ms(side) / 1e6;
  return rowOf({
    ...{ what, ours: rate('ours'), against: 'onnxruntime-node', theirs: rate('peer'), unit: 'GFLOP/s' },
    ...{ ratio: times.speed('ours', 'peer'), wanted: 1 },
  });
}
