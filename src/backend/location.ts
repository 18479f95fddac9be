// Where the package lies on disk, from src/, dist/esm/ or the bundle in dist/cjs/ alike; undefined in browsers.

import { LowbitError } from '../core/errors.js';
import { builtin } from '../core/host.js';

export const nodeFs = builtin('node:fs');
export const nodeModule = builtin('node:module');
export const nodeUrl = builtin('node:url');
export const nodeWorker = builtin('node:worker_threads');

/** No layout of the package is deeper than this below its root. */
const MAX_LEVELS = 6;

interface PackageRoot {
  readonly root: URL;
  readonly version: string;
}

/**
 * The directory (with a slash at its end) whose package.json is ours, and the version there.
 * Errors: ERR_BACKEND_UNAVAILABLE when no directory above this file is it.
 */
export function packageRoot(): PackageRoot | undefined {
  if (nodeFs === undefined) return undefined;
  let directory = new URL('.', import.meta.url);
  for (let level = 0; level < MAX_LEVELS; level++) {
    const found = readManifest(new URL('package.json', directory));
    if (found?.name === 'lowbit') return { root: directory, version: found.version };
    directory = new URL('..', directory);
  }
  throw new LowbitError('ERR_BACKEND_UNAVAILABLE', `No package.json of lowbit above ${import.meta.url}`);
}

function readManifest(url: URL): { name: string; version: string } | undefined {
  if (!nodeFs?.existsSync(url)) return undefined;
  return JSON.parse(nodeFs.readFileSync(url, 'utf8')) as { name: string; version: string };
}

/** A file of the package as a path, or undefined when it does not exist. */
export function packageFile(relative: string): string | undefined {
  const root = packageRoot()?.root;
  if (root === undefined || nodeUrl === undefined) return undefined;
  const path = nodeUrl.fileURLToPath(new URL(relative, root));
  return nodeFs?.existsSync(path) ? path : undefined;
}
