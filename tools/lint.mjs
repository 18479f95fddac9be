// Checks style and types: Biome, tsc, and clang-format where it is installed. Changes nothing.

import { cppSources, findClangFormat } from './cpp-style.mjs';
import { bin, tryRun } from './root.mjs';

const failures = [];
const check = (name, program, args) => {
  if (tryRun(program, args) !== 0) failures.push(name);
};

check('biome', process.execPath, [bin('@biomejs/biome', 'bin/biome'), 'check', '--error-on-warnings', '.']);
check('tsc', process.execPath, [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.json']);
const clangFormat = findClangFormat();
if (clangFormat === undefined) console.log('clang-format 14 is not installed: the C++ style was not checked');
else check('clang-format', clangFormat, ['--dry-run', '--Werror', ...cppSources()]);

if (failures.length > 0) {
  console.error(`lint: ${failures.join(', ')} found something; npm run format mends what can be mended`);
  process.exit(1);
}
console.log('lint: clean');
