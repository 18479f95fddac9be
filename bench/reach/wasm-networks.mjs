// A whole network in WebAssembly, one thread: against onnxruntime-web's float model and against it on the same int8 file.

import { built, runOn, runSyncOn } from '../networks.mjs';
import { duel } from './duel.mjs';
import { checkTop1, openNetwork } from './networks.mjs';
import { absentRow, rowOf } from './table.mjs';

const { InferenceSession } = await built('session/inference-session.js');
const { loadBackendOf } = await built('backend/load.js');

const NAME = 'mobilenetv2';
/** A run takes a tenth of a second there. */
const ROUNDS = 5;

export const rows = [{ what: `WASM ${NAME} int8`, measure }];

async function measure(context) {
  const what = `WASM ${NAME} int8`;
  const found = await openNetwork(context, NAME);
  if (found === undefined)
    return absentRow({ what, against: 'onnxruntime-web', wanted: 3, reason: 'no ../shared/data' });
  const { float, int8, samples } = found;
  const web = await import('onnxruntime-web');
  web.env.wasm.numThreads = 1;
  const backend = loadBackendOf('wasm', { threads: 1 });
  const session = await InferenceSession.create(int8, { backend });
  const options = { executionProviders: ['wasm'] };
  const peer = await web.InferenceSession.create(int8, options);
  const peerFloat = await web.InferenceSession.create(float, options);
  const peerRuns = [peer, peerFloat].map((one) => (sample) => runOn(one, sample, web.Tensor));
  await checkTop1(`${what} in WebAssembly`, [(sample) => runSyncOn(session, sample), peerRuns[0]], samples);
  const times = await duel(
    {
      ours: () => runSyncOn(session, samples[0]),
      float: () => peerRuns[1](samples[0]),
      int8: () => peerRuns[0](samples[0]),
    },
    { ...context.settings, rounds: Math.min(ROUNDS, context.settings.rounds) },
  );
  await session.dispose();
  await peer.release();
  await peerFloat.release();
  const common = { what: `${what} ${backend.isa}`, ours: times.ms('ours'), unit: 'ms' };
  return [
    rowOf({
      ...{ ...common, against: 'onnxruntime-web f32', theirs: times.ms('float') },
      ...{ ratio: times.speed('ours', 'float'), wanted: 3 },
    }),
    rowOf({
      ...{ ...common, against: 'onnxruntime-web int8', theirs: times.ms('int8') },
      ...{ ratio: times.speed('ours', 'int8'), wanted: 5 },
    }),
  ];
}
