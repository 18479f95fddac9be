// Two threads against one.

import os from 'node:os';
import { built, runSyncOn } from '../networks.mjs';
import { duel } from './duel.mjs';
import { checkCodes, codesProblem, ourCodes } from './gemm.mjs';
import { NAMES, openNetwork } from './networks.mjs';
import { absentRow, rowOf } from './table.mjs';

const { InferenceSession } = await built('session/inference-session.js');

const WANTED = 1.7;
const [m, k, n] = [512, 4096, 4096];

export const rows = [
  { what: `u8i8 u8 ${m}x${k}x${n}`, measure: product },
  ...NAMES.map((name) => ({
    what: `${name} int8`,
    measure: (context) => network(context, name),
  })),
];

/** A row of `run` on two threads beside the same on one. */
async function scaled({ settings, setThreads }, what, run) {
  const against = 'one thread';
  if (os.availableParallelism() < 2)
    return absentRow({ what, threads: 2, against, wanted: WANTED, reason: 'one processor' });
  const on = (threads) => () => {
    setThreads(threads);
    run();
  };
  const times = await duel({ two: on(2), one: on(1) }, { ...settings, pause: true });
  setThreads(1);
  return rowOf({
    ...{ what, threads: 2, ours: times.ms('two'), against, theirs: times.ms('one'), unit: 'ms' },
    ...{ ratio: times.speed('two', 'one'), wanted: WANTED },
  });
}

async function product(context) {
  const problem = codesProblem(m, k, n);
  const ours = ourCodes(context.backend, m, k, n, problem);
  context.setThreads(2);
  ours.run();
  checkCodes('lowbit on two threads', ours.output, m, k, n, problem, 0);
  const row = await scaled(context, `u8i8 u8 ${m}x${k}x${n}`, ours.run);
  ours.packed.dispose();
  return row;
}

async function network(context, name) {
  const what = `${name} int8`;
  const found = await openNetwork(context, name);
  if (found === undefined)
    return absentRow({ what, threads: 2, against: 'one thread', wanted: WANTED, reason: 'no ../shared/data' });
  const [sample] = found.samples;
  const session = await InferenceSession.create(found.int8, { backend: context.backend });
  const bytesOn = (threads) => {
    context.setThreads(threads);
    const { data } = runSyncOn(session, sample);
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  };
  if (!bytesOn(1).equals(bytesOn(2))) throw new Error(`${name}: two threads give other bytes than one`);
  const row = await scaled(context, what, () => runSyncOn(session, sample));
  await session.dispose();
  return row;
}
