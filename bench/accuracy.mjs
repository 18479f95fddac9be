// Accuracy of the int8 networks, judged by onnxruntime: `npm run accuracy -- [--shared DIR] [--samples N] [network …]`.
//
// Per network: the largest relative error of lowbit's float outputs against onnxruntime's, top-1 of the float and of the
// int8 model, their agreement, the sizes of the files, and onnxruntime's top-1 on the same int8 file with its agreement
// with lowbit. Ends with `N passed, N failed`: one test per limit.

import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import ort from 'onnxruntime-node';
import {
  built,
  chosenNetworks,
  floatModel,
  NETWORKS,
  openData,
  quantized,
  runOn,
  sharedFolder,
  TRAINED,
} from './networks.mjs';

/** The share of images on which onnxruntime and lowbit are to agree about the int8 file. */
const MIN_JUDGE_AGREEMENT = 0.99;
/** Two float implementations differ by the order of their sums; a wrong layer differs by far more. */
const MAX_FLOAT_ERROR = 1e-3;
const COLUMNS = [
  'network',
  'images',
  'float error',
  'float top-1',
  'int8 top-1',
  'drop',
  'agreement',
  'float bytes',
  'int8 bytes',
  'size',
  'onnxruntime int8 top-1',
  'agreement with lowbit',
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { shared: { type: 'string' }, samples: { type: 'string' } },
});
const shared = sharedFolder(options.shared);
const limit = options.samples === undefined ? undefined : Number(options.samples);
const { InferenceSession, backendInfo } = await built('index.js');
const { classesOf, top1Of } = await built('report/top-1.js');

const { version, backend, isa, threads } = backendInfo();
console.log(`lowbit ${version}, ${backend}, ${isa}, ${threads} threads; onnxruntime-node ${ort.env.versions.node}\n`);

const tests = [];
console.log(`| ${COLUMNS.join(' | ')} |\n|${COLUMNS.map(() => '---').join('|')}|`);
for (const name of chosenNetworks(positionals, TRAINED, TRAINED))
  console.log(`| ${(await measure(name)).join(' | ')} |`);
console.log('\nfloat error: largest |difference| over largest |output| of an image, lowbit against onnxruntime');
for (const { what, ok } of tests) if (!ok) console.log(`failed: ${what}`);
const failed = tests.filter(({ ok }) => !ok).length;
console.log(`\n${tests.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

async function measure(name) {
  const path = await floatModel(shared, name);
  const bytes = await quantized(shared, name);
  const judge = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const sessions = {
    float: await InferenceSession.create(path),
    int8: await InferenceSession.create(bytes),
    judgeFloat: await ort.InferenceSession.create(path, judge),
    judgeInt8: await ort.InferenceSession.create(bytes, judge),
  };
  const counts = { images: 0, float: 0, int8: 0, judge: 0, same: 0, judgeSame: 0 };
  let error = 0;
  for await (const sample of await openData(shared, name, 'validation', limit)) {
    const float = await runOn(sessions.float, sample, ort.Tensor);
    const judgeFloat = await runOn(sessions.judgeFloat, sample, ort.Tensor);
    const [a, b, c] = [
      float,
      await runOn(sessions.int8, sample, ort.Tensor),
      await runOn(sessions.judgeInt8, sample, ort.Tensor),
    ].map(top1);
    error = Math.max(error, relativeError(float.data, judgeFloat.data));
    counts.images++;
    counts.float += a === sample.label;
    counts.int8 += b === sample.label;
    counts.judge += c === sample.label;
    counts.same += a === b;
    counts.judgeSame += b === c;
  }
  sessions.float.dispose();
  sessions.int8.dispose();
  await sessions.judgeFloat.release();
  await sessions.judgeInt8.release();

  const { maxDrop, maxSize } = NETWORKS[name];
  const floatBytes = (await stat(path)).size;
  const size = bytes.byteLength / floatBytes;
  // Points of whole images: without the rounding error of a difference of fractions.
  const drop = (100 * (counts.float - counts.int8)) / counts.images;
  const agrees = counts.judgeSame / counts.images;
  test(`${name}: float error ${error}; at most ${MAX_FLOAT_ERROR}`, error <= MAX_FLOAT_ERROR);
  test(`${name}: ${drop} points of top-1 lost; at most ${maxDrop}`, drop <= maxDrop);
  if (maxSize !== undefined) test(`${name}: ${size} of the float file; at most ${maxSize}`, size <= maxSize);
  test(`${name}: onnxruntime agrees on ${agrees}; at least ${MIN_JUDGE_AGREEMENT}`, agrees >= MIN_JUDGE_AGREEMENT);
  const percent = (count) => `${((100 * count) / counts.images).toFixed(2)} %`;
  return [
    name,
    counts.images,
    error.toExponential(1),
    percent(counts.float),
    percent(counts.int8),
    `${drop.toFixed(2)} (<= ${maxDrop})`,
    percent(counts.same),
    floatBytes,
    bytes.byteLength,
    `${(100 * size).toFixed(1)} %`,
    percent(counts.judge),
    percent(counts.judgeSame),
  ];
}

function test(what, ok) {
  tests.push({ what, ok });
}

function top1({ data, dims }) {
  return top1Of(data, classesOf(dims))[0];
}

function relativeError(ours, theirs) {
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i] - theirs[i]));
    scale = Math.max(scale, Math.abs(theirs[i]));
  }
  return difference / scale;
}
