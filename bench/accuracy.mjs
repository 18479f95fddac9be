// Quantizes the networks on their calibration sets and prints a table of accuracies and sizes on their validation sets.
// Arguments: names of networks (default: all). Ends with `N passed, N failed`: one test per limit.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { at, root } from '../tools/root.mjs';
import { networksHere, quantizedFile } from './networks.mjs';

/** An int8 file may have at most this share of the float one's bytes. */
const SIZE_LIMIT = 0.28;

mkdirSync(at('build/bench'), { recursive: true });
const rows = [];
let passed = 0;
let failed = 0;
for (const network of networksHere(process.argv.slice(2))) {
  const quantized = quantizedFile(network);
  const preprocess = ['--preprocess', network.preprocess];
  lowbit('quantize', network.file, '-o', quantized, '--calibrate', network.calibration, ...preprocess, '--force');
  const labels = network.labels === undefined ? [] : ['--labels', network.labels];
  const told = lowbit('compare', network.file, quantized, '--data', network.validation, ...labels, ...preprocess);
  const drop = 100 * (told.reference.top1 - told.candidate.top1);
  const size = told.bytes.candidate / told.bytes.reference;
  for (const ok of [drop <= network.allowedDrop, size <= SIZE_LIMIT]) ok ? passed++ : failed++;
  rows.push([
    network.name,
    told.samples,
    `${(100 * told.reference.top1).toFixed(2)} %`,
    `${(100 * told.candidate.top1).toFixed(2)} %`,
    `${drop.toFixed(2)} (<= ${network.allowedDrop})`,
    `${(100 * told.agreement).toFixed(2)} %`,
    `${told.sqnrDb.toFixed(1)} dB`,
    told.bytes.reference,
    told.bytes.candidate,
    `${(100 * size).toFixed(1)} %`,
  ]);
}

const heads = [
  'network',
  'images',
  'float top-1',
  'int8 top-1',
  'drop',
  'agreement',
  'SQNR',
  'float bytes',
  'int8 bytes',
  'size',
];
console.log(`\n| ${heads.join(' | ')} |\n|${heads.map(() => '---').join('|')}|`);
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 || rows.length === 0 ? 1 : 0);

/** Runs a command and returns its JSON object. */
function lowbit(...args) {
  console.log(`$ npx lowbit ${args.join(' ')}`);
  const result = spawnSync(process.execPath, ['dist/esm/cli/main.js', ...args, '--json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
  if (result.status !== 0) {
    console.log(`${args[0]} ended with exit code ${result.status}`);
    process.exit(1);
  }
  return JSON.parse(result.stdout);
}
