// Rewrites the sources in the style of biome.json and .clang-format.

import { cppSources, findClangFormat } from './cpp-style.mjs';
import { bin, run } from './root.mjs';

run(process.execPath, [bin('@biomejs/biome', 'bin/biome'), 'check', '--write', '.']);
const clangFormat = findClangFormat();
if (clangFormat === undefined) console.log('clang-format 14 is not installed: the C++ sources were left as they are');
else run(clangFormat, ['-i', ...cppSources()]);
