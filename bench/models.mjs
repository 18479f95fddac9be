// Latency of whole networks, lowbit beside its peers in one process:
// `npm run bench:models -- [--shared DIR] [--rounds N] [--threads N] [--native] [--json] [network …]`.
// --native leaves WebAssembly and onnxruntime-web out.
//
// Results are checked before a figure is printed: float outputs against onnxruntime's, int8 outputs of the two backends
// for equal bytes, int8 top-1 against onnxruntime's on the same file. Rounds are interleaved.

import os from 'node:os';
import { parseArgs } from 'node:util';
import { built, chosenNetworks, floatModel, openData, quantized, runOn, runSyncOn, sharedFolder } from './networks.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shared: { type: 'string' },
    rounds: { type: 'string', default: '50' },
    'warm-up': { type: 'string', default: '5' },
    threads: { type: 'string', default: '1' },
    native: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);
process.env.LOWBIT_THREADS = String(threads);

const { default: ort } = await import('onnxruntime-node');
const web = await import('onnxruntime-web');
const { InferenceSession, backendInfo } = await built('index.js');
const { measureInterleaved } = await built('report/timing.js');
const { classesOf, top1Of } = await built('report/top-1.js');

/** Samples on which results are compared before anything is measured. */
const CHECKED = 8;
/** Two float implementations differ by the order of their sums; a wrong layer differs by far more. */
const MAX_FLOAT_ERROR = 1e-3;
/** Milliseconds: onnxruntime's threads spin for up to 20 ms after a run and would take a processor from the next one. */
const REST = 30;
/** What every ratio is against. */
const BASE = 'onnxruntime-node f32';
/**
 * What the int8 form of these networks is to reach: like against like, for onnxruntime-node's run() computes on the
 * JavaScript thread, as runSync() does. The other lowbit rows hand the run to another thread.
 */
const AIMS = {
  networks: ['mobilenetv2', 'squeezenet1.1', 'resnet50-shaped'],
  subject: 'lowbit int8 runSync',
  ratios: { 'onnxruntime-node f32': 5, 'onnxruntime-node int8': 2 },
};
const COLUMNS = [
  'runtime',
  'median ms',
  'min ms',
  'p95 ms',
  ...Object.keys(AIMS.ratios).map((label) => `speed, ${label} = 1`),
];

const shared = sharedFolder(options.shared);
const names = chosenNetworks(positionals, ['mobilenetv2', 'cifar10-resnet56']);
web.env.wasm.numThreads = threads;
const peerOptions = { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential' };
const report = { ...backendInfo(), cpu: os.cpus()[0].model.trim(), node: process.version, networks: {} };
const say = options.json ? () => {} : (text) => console.log(text);

say(`${report.cpu}, Node ${report.node}, ${threads} thread(s)`);
say(
  `lowbit ${report.version}, ${report.backend}, ${report.isa}; ` +
    `onnxruntime-node ${ort.env.versions.node}, onnxruntime-web ${web.env.versions.web}`,
);
for (const name of names) await measure(name);
if (options.json) console.log(JSON.stringify(report, null, 2));
process.exit();

async function measure(name) {
  const float = await floatModel(shared, name);
  const int8 = await quantized(shared, name);
  const sessions = {
    'lowbit int8': await InferenceSession.create(int8),
    'lowbit f32': await InferenceSession.create(float),
    'onnxruntime-node f32': await ort.InferenceSession.create(float, peerOptions),
    'onnxruntime-node int8': await ort.InferenceSession.create(int8, peerOptions),
  };
  if (!options.native) {
    const wasm = { executionProviders: ['wasm'] };
    sessions['lowbit WASM int8'] = await InferenceSession.create(int8, { backend: 'wasm' });
    sessions['onnxruntime-web f32'] = await web.InferenceSession.create(float, wasm);
    sessions['onnxruntime-web int8'] = await web.InferenceSession.create(int8, wasm);
  }
  const samples = [];
  for await (const sample of await openData(shared, name, 'validation', CHECKED)) samples.push(sample);
  await check(name, sessions, samples);
  const subjects = Object.entries(sessions).map(([label, session]) => [
    label,
    () => runOn(session, samples[0], ort.Tensor),
  ]);
  const blocking = sessions['lowbit int8'];
  subjects.unshift(['lowbit int8 runSync', () => runSyncOn(blocking, samples[0])]);
  const latencies = await measureInterleaved(Object.fromEntries(subjects), {
    rounds: Number(options.rounds),
    warmUp: Number(options['warm-up']),
    ...(threads > 1 ? { rest: REST } : {}),
  });
  report.networks[name] = latencies;
  print(name, latencies);
  for (const session of Object.values(sessions)) await session.release();
}

function print(name, latencies) {
  const ratioOf = (label, peer) => latencies[peer].median / latencies[label].median;
  const peers = Object.keys(AIMS.ratios);
  say(`\n${name}, batch 1, ${options.rounds} interleaved rounds`);
  say(`| ${COLUMNS.join(' | ')} |\n|${COLUMNS.map(() => '---').join('|')}|`);
  for (const [label, { median, min, p95 }] of Object.entries(latencies)) {
    const times = [median, min, p95].map((value) => value.toFixed(3));
    const ratios = peers.map((peer) => ratioOf(label, peer).toFixed(2));
    say(`| ${[label, ...times, ...ratios].join(' | ')} |`);
  }
  if (!AIMS.networks.includes(name)) return;
  for (const peer of peers) {
    const met = ratioOf(AIMS.subject, peer) >= AIMS.ratios[peer];
    say(`aim: ${AIMS.subject} ${AIMS.ratios[peer]} times as fast as ${peer}: ${met ? 'met' : 'missed'}`);
  }
}

/** Throws when a session answers wrongly. */
async function check(name, sessions, samples) {
  let agree = 0;
  for (const sample of samples) {
    const outputs = {};
    for (const [label, session] of Object.entries(sessions)) outputs[label] = await runOn(session, sample, ort.Tensor);
    const base = outputs[BASE].data;
    const scale = base.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    for (const label of ['lowbit f32', 'onnxruntime-web f32']) {
      if (outputs[label] === undefined) continue;
      const worst =
        outputs[label].data.reduce((most, value, i) => Math.max(most, Math.abs(value - base[i])), 0) / scale;
      if (!(worst <= MAX_FLOAT_ERROR)) throw new Error(`${name}: ${label} differs by ${worst} of the largest output`);
    }
    const [native, wasm] = ['lowbit int8', 'lowbit WASM int8'].map((label) => outputs[label]?.data);
    if (wasm !== undefined && native.some((value, i) => !Object.is(value, wasm[i]))) {
      throw new Error(`${name}: the int8 outputs of the two backends differ`);
    }
    agree += top1(outputs['lowbit int8']) === top1(outputs['onnxruntime-node int8']);
  }
  if (agree < samples.length - 1) {
    throw new Error(`${name}: int8 top-1 agrees with onnxruntime's on ${agree} of ${samples.length} images`);
  }
}

function top1({ data, dims }) {
  return top1Of(data, classesOf(dims))[0];
}
