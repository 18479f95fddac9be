// What the host has besides the language: the built-in modules of Node, none in a browser.

import { LowbitError } from './errors.js';

interface Builtins {
  readonly 'node:buffer': typeof import('node:buffer');
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:fs': typeof import('node:fs');
  readonly 'node:fs/promises': typeof import('node:fs/promises');
  readonly 'node:module': typeof import('node:module');
  readonly 'node:os': typeof import('node:os');
  readonly 'node:path': typeof import('node:path');
  readonly 'node:url': typeof import('node:url');
  readonly 'node:util': typeof import('node:util');
  readonly 'node:worker_threads': typeof import('node:worker_threads');
  readonly 'node:zlib': typeof import('node:zlib');
}

type Host = { readonly process?: { readonly getBuiltinModule?: (name: string) => unknown } };

/** A built-in module of Node, or undefined where there is none; a static import would stop a page from loading. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  return (globalThis as Host).process?.getBuiltinModule?.(name) as Builtins[Name] | undefined;
}

/** The same for what cannot go on without it. Errors: ERR_IO in a browser, which has no files of that kind. */
export function builtinFor<Name extends keyof Builtins>(file: string, name: Name): Builtins[Name] {
  const found = builtin(name);
  if (found !== undefined) return found;
  throw new LowbitError(
    'ERR_IO',
    'Paths need the file system of Node, which is not here (is this a browser?); fetch the file and give its bytes',
    { file },
  );
}
