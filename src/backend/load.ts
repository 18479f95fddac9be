// Finds and loads a backend: the environment's wish, then the addon.

import { LowbitError } from '../core/errors.js';
import type { Backend, BackendKind } from './backend.js';
import type { BackendOptions } from './described.js';
import { nodeModule, packageFile, packageRoot } from './location.js';
import { type Addon, NativeBackend } from './native.js';

let cached: Backend | undefined;

export function loadBackend(): Backend {
  cached ??= loadBackendOf('native', { isa: process.env.LOWBIT_ISA });
  return cached;
}

export function loadBackendOf(kind: BackendKind, options: BackendOptions = {}): Backend {
  const path = packageFile('build/Release/lowbit.node');
  if (kind !== 'native' || path === undefined || nodeModule === undefined) {
    throw new LowbitError('ERR_BACKEND_UNAVAILABLE', `No ${kind} backend; build it with npm run build`);
  }
  const addon = nodeModule.createRequire(import.meta.url)(path) as Addon;
  return new NativeBackend(addon, path, packageRoot()?.version, options);
}
