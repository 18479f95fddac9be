// The kernels of this tree beside those of another commit, both addons in one process, turn about:
// `npm run bench:compare -- [COMMIT] [--isa NAME,…|all] [--threads N] [--rounds N] [--turn MS] [--filter TEXT] [--json]`.
// COMMIT is HEAD by default: what the uncommitted changes do. It is built in a temporary git worktree, which is removed.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { at } from '../tools/root.mjs';
import { sample } from './sampler.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    isa: { type: 'string' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '21' },
    turn: { type: 'string', default: '10' },
    filter: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const commit = git('rev-parse', '--verify', `${positionals[0] ?? 'HEAD'}^{commit}`).trim();
const built = (file) => import(new URL(`../dist/esm/${file}`, import.meta.url));
const { NativeBackend } = await built('backend/native.js');
const { loadBackendOf } = await built('backend/load.js');
const { kernelCases } = await built('report/kernels/cases.js');
const { compareKernels } = await built('report/kernels/compare.js');
const { comparisonTable } = await built('report/kernels/print.js');

const folder = mkdtempSync(path.join(os.tmpdir(), 'lowbit-compare-'));
const tree = path.join(folder, 'tree');
let report;
try {
  git('worktree', 'add', '--detach', tree, commit);
  symlinkSync(at('node_modules'), path.join(tree, 'node_modules'), 'dir');
  console.error(`building ${commit.slice(0, 7)}`);
  const build = ['tools/build.mjs', 'native'];
  execFileSync(process.execPath, build, { cwd: tree, stdio: ['ignore', 'ignore', 'inherit'] });
  const file = path.join(tree, 'build/Release/lowbit.node');
  const threads = Number(options.threads);
  const before = new NativeBackend(createRequire(import.meta.url)(file), file, undefined, { threads });
  const after = loadBackendOf('native', { threads });
  const both = after.isas.filter((isa) => before.isas.includes(isa));
  const isas = options.isa === 'all' ? both : (options.isa?.split(',') ?? [both.at(-1)]);
  const unknown = isas.filter((isa) => !both.includes(isa));
  if (unknown.length > 0)
    throw new Error(`No instruction set ${unknown.join(', ')}; both builds have ${both.join(', ')}`);
  const cases = kernelCases().filter(({ name, shape }) => `${name} ${shape}`.includes(options.filter));
  const result = await compareKernels(before, after, {
    ...{ cases, isas, rounds: Number(options.rounds), turnMs: Number(options.turn), sample },
    onProgress: (done, total) => process.stderr.isTTY && process.stderr.write(`\r${done}/${total} `),
  });
  report = { commit, cpu: os.cpus()[0].model.trim(), node: process.version, threads, ...result };
} finally {
  try {
    git('worktree', 'remove', '--force', tree);
  } catch {
    // The worktree was never made.
  }
  rmSync(folder, { recursive: true, force: true });
}
console.log(options.json ? JSON.stringify(report, null, 2) : comparisonTable(report.compared, report.skipped));
process.exit();

function git(...args) {
  return execFileSync('git', args, { cwd: at('.'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
