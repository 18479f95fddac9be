// Runs the suite and ends with what it covered: missing instruction sets, skipped tests and why, and the counts.
// Arguments go to vitest.

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { at, bin, tryRun } from './root.mjs';

/** Reasons for skipping that are printed of one file. */
const REASONS_SHOWN = 3;

const summaryFile = at('build/test-summary.json');
mkdirSync(at('build'), { recursive: true });
rmSync(summaryFile, { force: true });
const status = tryRun(
  process.execPath,
  [
    bin('vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    `--reporter=${at('tools/summary-reporter.mjs')}`,
    ...process.argv.slice(2),
  ],
  { env: { LOWBIT_TEST_SUMMARY: summaryFile } },
);
// No summary means that vitest itself broke down: that counts as one failure.
const summary = existsSync(summaryFile)
  ? JSON.parse(readFileSync(summaryFile, 'utf8'))
  : { passed: 0, failed: 1, skipped: 0, places: {} };
if (status !== 0 && summary.failed === 0) summary.failed = 1;

console.log('');
const missing = await missingIsas();
if (missing.length > 0) console.log(`Not covered, this machine lacks: ${missing.join(', ')}`);
if (summary.skipped > 0 && !existsSync(at('../shared/data'))) {
  console.log(
    'Models and test vectors beside the repository (../shared/data) are not here: the tests that want them are skipped',
  );
}
for (const [file, { count, reasons }] of Object.entries(summary.places)) {
  const more = reasons.length > REASONS_SHOWN ? `, and ${reasons.length - REASONS_SHOWN} more` : '';
  console.log(`Skipped ${count} in ${file}: ${reasons.slice(0, REASONS_SHOWN).join('; ')}${more}`);
}
const skipped = summary.skipped > 0 ? `, ${summary.skipped} skipped` : '';
console.log(`${summary.passed} passed, ${summary.failed} failed${skipped}`);
process.exit(summary.failed > 0 ? 1 : 0);

/** The rows of isa.inc that neither backend could run here. */
async function missingIsas() {
  const known = [...readFileSync(at('native/isa/isa.inc'), 'utf8').matchAll(/^LOWBIT_ISA\((\w+),/gm)].map(
    ([, name]) => name,
  );
  const loader = at('dist/esm/backend/load.js');
  if (!existsSync(loader)) {
    console.log('Which instruction sets were covered is not known before npm run build');
    return [];
  }
  const { loadBackendOf } = await import(pathToFileURL(loader).href);
  const usable = new Set();
  for (const kind of ['native', 'wasm']) {
    try {
      for (const isa of loadBackendOf(kind).isas) usable.add(isa);
    } catch (error) {
      console.log(`The ${kind} backend did not load: ${error.message}`);
    }
  }
  return known.filter((name) => !usable.has(name));
}
