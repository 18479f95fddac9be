// The kernels, each for the best instruction set or those of --isa, checked against the portable ones:
// `npm run bench -- [--isa NAME,…|all] [--backend native|wasm] [--threads N] [--rounds N] [--turn MS] [--filter TEXT] [--json]`.
// `npm run roofline` takes the same options, measures all instruction sets and begins with the machine's peaks.

import os from 'node:os';
import { parseArgs } from 'node:util';
import { sample } from './sampler.mjs';

const { values: options } = parseArgs({
  options: {
    isa: { type: 'string' },
    backend: { type: 'string', default: 'native' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '7' },
    turn: { type: 'string', default: '20' },
    filter: { type: 'string', default: '' },
    roofline: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const built = (file) => import(new URL(`../dist/esm/${file}`, import.meta.url));
const { loadBackendOf, backendInfo } = await built('backend/load.js');
const { kernelCases } = await built('report/kernels/cases.js');
const { measureKernels } = await built('report/kernels/measure.js');
const { measurePeaks } = await built('report/kernels/peaks.js');
const { kernelTable, peakTable } = await built('report/kernels/print.js');

const backend = loadBackendOf(options.backend, { threads: Number(options.threads) });
const cases = kernelCases().filter(({ name, shape }) => `${name} ${shape}`.includes(options.filter));
const report = { ...backendInfo(backend), cpu: os.cpus()[0].model.trim(), node: process.version };
const settings = { rounds: Number(options.rounds), turnMs: Number(options.turn), sample };
const say = options.json ? () => {} : (text) => console.log(text);

say(`${report.cpu}, Node ${report.node}, lowbit ${report.version}, ${report.backend}, ${report.threads} thread(s)`);
if (options.roofline) {
  report.peaks = [];
  // One thread, and all that the machine has (the number of threads belongs to a backend).
  for (const threads of new Set([1, os.availableParallelism()])) {
    const peaked = loadBackendOf(options.backend, { threads });
    report.peaks.push(...(await measurePeaks(peaked, { isas: peaked.isas, ...settings })));
  }
  loadBackendOf(options.backend, { threads: Number(options.threads) });
  say(`\n${peakTable(report.peaks)}\n`);
}
const progress = (done, total) => process.stderr.isTTY && process.stderr.write(`\r${done}/${total} `);
report.kernels = await measureKernels(backend, { cases, isas: isasOf(), ...settings, onProgress: progress });
if (process.stderr.isTTY) process.stderr.write('\r');
say(kernelTable(report.kernels));
if (options.json) console.log(JSON.stringify(report, null, 2));
process.exit();

/** The instruction sets to measure. Ends with 2 for one that is not usable here. */
function isasOf() {
  if (options.isa === undefined) return options.roofline ? backend.isas : [backend.isa];
  const asked = options.isa === 'all' ? backend.isas : options.isa.split(',');
  const unknown = asked.filter((isa) => !backend.isas.includes(isa));
  if (unknown.length === 0) return asked;
  console.error(`Unknown instruction set ${unknown.join(', ')}; usable here: ${backend.isas.join(', ')}`);
  return process.exit(2);
}
