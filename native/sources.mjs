// Prints the C++ sources below native/, one per line: the one list that binding.gyp, CMakeLists.txt and wasm/build.mjs read.
// `node native/sources.mjs` is the addon; `node native/sources.mjs core` leaves out binding/, which needs Node's headers.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Paths relative to the repository root, with forward slashes, sorted. */
export function nativeSources({ core = false } = {}) {
  return readdirSync(fileURLToPath(new URL('.', import.meta.url)), { recursive: true })
    .map((path) => `native/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.cc') && !(core && path.startsWith('native/binding/')))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(nativeSources({ core: process.argv[2] === 'core' }).join('\n'));
}
