// Compiles and runs the checks of the pool, under ThreadSanitizer where the compiler has it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['test/native-core/parallel_test.cc', 'native/base/parallel.cc', 'native/base/processors.cc'];
const COMPILER = process.env['CXX'] ?? 'c++';

function compile(program: string, flags: readonly string[]): boolean {
  const args = ['-std=c++17', '-O1', '-g', '-pthread', '-I.', ...flags, ...SOURCES, '-o', program];
  return spawnSync(COMPILER, args, { cwd: ROOT }).status === 0;
}

const compilerFound = spawnSync(COMPILER, ['--version']).status === 0;

test.skipIf(!compilerFound)(`the pool (skipped without a C++ compiler: ${COMPILER})`, { timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lowbit-'));
  try {
    const program = join(directory, 'parallel_test');
    expect(compile(program, ['-fsanitize=thread']) || compile(program, [])).toBe(true);
    const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
