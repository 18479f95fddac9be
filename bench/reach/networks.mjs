// Whole networks in int8 on one and two threads: against onnxruntime-node on the same file, and against its float model.

import os from 'node:os';
import { built, floatModel, openData, quantized, runOn, runSyncOn, sharedFolderIf } from '../networks.mjs';
import { duel } from './duel.mjs';
import { absentRow, rowOf } from './table.mjs';

const { InferenceSession } = await built('session/inference-session.js');
const { top1Of, classesOf } = await built('report/top-1.js');

export const NAMES = ['mobilenetv2', 'squeezenet1.1', 'resnet50-shaped'];
/** Samples on which the two libraries are to agree, all but one, before anything is measured. */
const CHECKED = 4;

export const rows = NAMES.flatMap((name) =>
  [1, 2].map((threads) => ({
    what: `${name} int8, ${threads} threads`,
    measure: (context) => (threads <= os.availableParallelism() ? network(context, name, threads) : absent(name)),
  })),
);

const NO_DATA = 'no ../shared/data';

function absent(name) {
  return absentRow({
    what: `${name} int8`,
    threads: 2,
    against: 'onnxruntime-node',
    wanted: 2,
    reason: 'one processor',
  });
}

const opened = new Map();

/** The float file, the int8 file and samples of a network; made once. Undefined without the data. */
export async function openNetwork({ shared }, name) {
  const folder = sharedFolderIf(shared);
  if (folder === undefined) return undefined;
  if (!opened.has(name)) {
    const samples = [];
    for await (const sample of await openData(folder, name, 'validation', CHECKED)) samples.push(sample);
    opened.set(name, { float: await floatModel(folder, name), int8: await quantized(folder, name), samples });
  }
  return opened.get(name);
}

/** Throws unless the top-1 of all samples but one agree. */
export async function checkTop1(name, runs, samples) {
  const top1 = ({ data, dims }) => top1Of(data, classesOf(dims))[0];
  let agree = 0;
  for (const sample of samples) {
    const classes = [];
    for (const run of runs) classes.push(top1(await run(sample)));
    agree += classes.every((found) => found === classes[0]);
  }
  if (agree < samples.length - 1)
    throw new Error(`${name}: top-1 agrees with onnxruntime's on ${agree} of ${samples.length} samples`);
}

async function network(context, name, threads) {
  const what = `${name} int8`;
  const found = await openNetwork(context, name);
  if (found === undefined) return absentRow({ what, threads, against: 'onnxruntime-node', wanted: 2, reason: NO_DATA });
  const { float, int8, samples } = found;
  const { default: ort } = await import('onnxruntime-node');
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential' };
  context.setThreads(threads);
  const session = await InferenceSession.create(int8, { backend: context.backend });
  const peer = await ort.InferenceSession.create(int8, options);
  const peerFloat = await ort.InferenceSession.create(float, options);
  const peerRuns = [peer, peerFloat].map((one) => (sample) => runOn(one, sample, ort.Tensor));
  await checkTop1(name, [(sample) => runSyncOn(session, sample), peerRuns[0]], samples);
  const times = await duel(
    {
      ours: () => runSyncOn(session, samples[0]),
      int8: () => peerRuns[0](samples[0]),
      float: () => peerRuns[1](samples[0]),
    },
    { ...context.settings, pause: threads > 1 },
  );
  context.setThreads(1);
  await session.dispose();
  await peer.release();
  await peerFloat.release();
  const common = { what, threads, ours: times.ms('ours'), unit: 'ms' };
  return [
    rowOf({
      ...{ ...common, against: 'onnxruntime-node int8', theirs: times.ms('int8') },
      ...{ ratio: times.speed('ours', 'int8'), wanted: 2 },
    }),
    rowOf({
      ...{ ...common, against: 'onnxruntime-node f32', theirs: times.ms('float') },
      ...{ ratio: times.speed('ours', 'float'), wanted: 5 },
    }),
  ];
}
