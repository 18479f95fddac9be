// Which clang-format judges the C++ sources, and which files those are.

import { filesBelow, output } from './root.mjs';

/** Versions of clang-format disagree in small things: only the one that the sources were formatted with is used. */
export function findClangFormat() {
  return ['clang-format-14', 'clang-format'].find((name) => output(name, ['--version'])?.includes('version 14.'));
}

export function cppSources() {
  return filesBelow('native', 'wasm').filter((file) => /\.(cc|h)$/.test(file));
}
