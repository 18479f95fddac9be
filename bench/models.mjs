// Latency of one image through a network: lowbit in int8 and float, natively and in WebAssembly, beside onnxruntime.
// Arguments: [--threads N] [--seconds N] names of networks (default: mobilenetv2 and cifar10-resnet56).
// All candidates of one network run in turns in one process, so that a slow moment of the machine hits all of them alike;
// every one's answer is checked before it is timed.

import { existsSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { at, run } from '../tools/root.mjs';
import { networksHere, quantizedFile } from './networks.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string', default: '1' }, seconds: { type: 'string', default: '20' } },
});
const threads = Number(values.threads);
process.env.LOWBIT_THREADS = String(threads);
const { backendInfo, InferenceSession, Tensor } = await import('../dist/esm/index.js');

console.log(`${os.cpus()[0].model}, Node ${process.version}, ${threads} thread(s)`);
console.log(JSON.stringify(backendInfo()));
for (const network of networksHere(positionals.length > 0 ? positionals : ['mobilenetv2', 'cifar10-resnet56'])) {
  const quantized = quantizedFile(network);
  if (!existsSync(at(quantized))) {
    const options = ['--calibrate', network.calibration, '--preprocess', network.preprocess, '--force'];
    run(process.execPath, ['dist/esm/cli/main.js', 'quantize', network.file, '-o', quantized, ...options]);
  }
  await compare(network, at(network.file), at(quantized));
}

async function compare(network, float, int8) {
  const input = noise(network.dims);
  const candidates = [
    ['lowbit int8', await lowbit(int8, input, network.dims, 'native')],
    ['lowbit f32', await lowbit(float, input, network.dims, 'native')],
    ['onnxruntime-node f32', await onnxruntime('onnxruntime-node', float, input, network.dims)],
    ['onnxruntime-node, the int8 file', await onnxruntime('onnxruntime-node', int8, input, network.dims)],
    ['lowbit WASM int8', await lowbit(int8, input, network.dims, 'wasm')],
    ['onnxruntime-web f32', await onnxruntime('onnxruntime-web', float, input, network.dims)],
    ['onnxruntime-web, the int8 file', await onnxruntime('onnxruntime-web', int8, input, network.dims)],
  ];
  // The first answer of each is the check, and the warming up.
  const reference = await candidates[2][1].run();
  for (const [name, candidate] of candidates) {
    const similarity = cosine(reference, await candidate.run());
    if (!(similarity > 0.9))
      throw new Error(`${name} gives another answer: cosine ${similarity} to the float reference`);
    candidate.similarity = similarity;
    for (let i = 0; i < 3; i++) await candidate.run();
  }
  const times = candidates.map(() => []);
  const end = performance.now() + Number(values.seconds) * 1000;
  while (performance.now() < end || times[0].length < 10) {
    for (const [index, [, candidate]] of candidates.entries()) {
      const begin = performance.now();
      await candidate.run();
      times[index].push(performance.now() - begin);
    }
  }
  const medians = times.map((list) => list.sort((x, y) => x - y)[list.length >> 1]);
  console.log(`\n${network.name}, batch 1, ${times[0].length} rounds`);
  console.log(
    '| candidate | median ms | min ms | speed, onnxruntime-node f32 = 1 | cosine to it |\n|---|---|---|---|---|',
  );
  for (const [index, [name, candidate]] of candidates.entries()) {
    const ratio = medians[2] / medians[index];
    console.log(
      `| ${name} | ${medians[index].toFixed(3)} | ${times[index][0].toFixed(3)} | ${ratio.toFixed(2)} | ${candidate.similarity.toFixed(5)} |`,
    );
  }
  for (const [, candidate] of candidates) await candidate.dispose();
}

async function lowbit(file, input, dims, backend) {
  const session = await InferenceSession.create(file, { backend });
  const feeds = { [session.inputNames[0]]: new Tensor('float32', input, dims) };
  const output = session.outputNames[0];
  return { run: async () => (await session.run(feeds))[output].data, dispose: () => session.dispose() };
}

async function onnxruntime(name, file, input, dims) {
  const ort = await import(name);
  if (name === 'onnxruntime-web') ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(file, {
    executionProviders: [name === 'onnxruntime-web' ? 'wasm' : 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', input, dims) };
  const output = session.outputNames[0];
  return { run: async () => (await session.run(feeds))[output].data, dispose: () => session.release() };
}

/** Smooth values of about unit deviation, the same ones every time. */
function noise(dims) {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.013) + Math.sin(i * 0.37) * 0.5);
}

function cosine(x, y) {
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += x[i] * y[i];
    xx += x[i] ** 2;
    yy += y[i] ** 2;
  }
  return xy / Math.sqrt(xx * yy);
}
