// src/backend as one JavaScript file, for tests that need other processes or worker threads: Node cannot load TypeScript.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The path of a fresh ESM bundle below the repository root, so that it finds the package as dist/ would. */
export function bundleBackend(name: string): string {
  const outfile = `${ROOT}build/test/${name}.mjs`;
  mkdirSync(`${ROOT}build/test`, { recursive: true });
  buildSync({
    stdin: {
      contents: `export * from './load.js'; export * from './plan-builder.js';`,
      resolveDir: `${ROOT}src/backend`,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  return outfile;
}
