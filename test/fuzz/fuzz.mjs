// `npm run fuzz`: the fuzz tests with 10,000 files, or as many as the first argument says.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const count = process.argv[2] ?? '10000';
if (!/^[1-9]\d*$/.test(count)) {
  console.error(`Expected a number of files but found '${count}'`);
  process.exit(2);
}
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/fuzz', '--reporter=verbose'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FUZZ_FILES: count },
});
process.exit(status ?? 1);
