// Compiles and runs the checks of the cache sizes, with a directory as Linux shows it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['test/native-core/caches_test.cc', 'native/base/caches.cc', 'native/kernels/pack/blocks.cc'];
const COMPILER = process.env['CXX'] ?? 'c++';

/** Two cores share a second level of 1 MiB; the size of a first level comes before that of the instructions. */
const CACHES = [
  { level: '1', type: 'Data', size: '64K', shared_cpu_list: '0' },
  { level: '1', type: 'Instruction', size: '128K', shared_cpu_list: '0' },
  { level: '2', type: 'Unified', size: '1M', shared_cpu_list: '0-1' },
  { level: '3', type: 'Unified', size: '8192K', shared_cpu_list: '0-3,6' },
];

const compilerFound = spawnSync(COMPILER, ['--version']).status === 0;

test.skipIf(!compilerFound)(`cache sizes (skipped without a C++ compiler: ${COMPILER})`, { timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lowbit-'));
  try {
    CACHES.forEach((cache, index) => {
      const folder = join(directory, 'cache', `index${index}`);
      mkdirSync(folder, { recursive: true });
      for (const [name, text] of Object.entries(cache)) writeFileSync(join(folder, name), `${text}\n`);
    });
    const program = join(directory, 'caches_test');
    const built = spawnSync(COMPILER, ['-std=c++17', '-O1', '-I.', ...SOURCES, '-o', program], { cwd: ROOT });
    expect(built.status).toBe(0);
    const { status, stdout, stderr } = spawnSync(program, [join(directory, 'cache')], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
