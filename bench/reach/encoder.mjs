// A MiniLM-shaped encoder of random weights on 128 tokens, quantized dynamically, against onnxruntime-node on the same file.

import { encoderGraph, encoderInputs } from '../encoder.mjs';
import { built } from '../networks.mjs';
import { wantClose } from './data.mjs';
import { duel } from './duel.mjs';
import { rowOf } from './table.mjs';

const { InferenceSession } = await built('session/inference-session.js');
const { quantizeModel } = await built('calibrate/quantize-model.js');
const { writeOnnx } = await built('formats/onnx/onnx.js');

const TOKENS = 128;
const WHAT = `encoder, 6 layers of 384, ${TOKENS} tokens, dynamic int8`;

export const rows = [{ what: WHAT, measure }];

async function measure({ backend, settings }) {
  const float = writeOnnx(encoderGraph());
  const { bytes } = await quantizeModel(float, { scheme: 'dynamic-u8i8' });
  const { default: ort } = await import('onnxruntime-node');
  const dims = [1, TOKENS];
  const inputs = Object.entries(encoderInputs(1, TOKENS));
  const feeds = Object.fromEntries(inputs.map(([name, data]) => [name, { type: 'int64', data, dims }]));
  const peerFeeds = Object.fromEntries(inputs.map(([name, data]) => [name, new ort.Tensor('int64', data, dims)]));
  const session = await InferenceSession.create(bytes, { backend });
  const peer = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const [name] = session.outputNames;
  const found = session.runSync(feeds)[name].data;
  const wanted = (await peer.run(peerFeeds))[name].data;
  // One code of the largest activation more or less, here and there, is a hundredth of the largest output.
  const most = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (let i = 0; i < wanted.length; i++) wantClose(`${WHAT}: element ${i}`, found[i], wanted[i], 0.05 * most);
  const times = await duel({ ours: () => session.runSync(feeds), peer: () => peer.run(peerFeeds) }, settings);
  await session.dispose();
  await peer.release();
  return rowOf({
    ...{ what: WHAT, ours: times.ms('ours'), against: 'onnxruntime-node', theirs: times.ms('peer'), unit: 'ms' },
    ...{ ratio: times.speed('ours', 'peer'), wanted: 1.5 },
  });
}
