// Finds and loads a backend: what the environment asks for, then the addon, then WebAssembly.

import { LowbitError } from '../core/errors.js';
import type { Backend, BackendInfo, BackendKind } from './backend.js';
import type { BackendOptions } from './described.js';
import { nodeFs, nodeModule, packageFile, packageRoot } from './location.js';
import { type Addon, NativeBackend } from './native.js';
import { machineThreads } from './processors.js';
import { WasmBackend } from './wasm.js';

/** The code of the warning that the fall to WebAssembly emits, once per process and thread. */
export const FALLBACK_WARNING = 'LOWBIT_WASM_FALLBACK';

const KINDS: readonly BackendKind[] = ['native', 'wasm'];

/** As kMaxThreads in native/base/parallel.h. */
export const MAX_THREADS = 256;

/** The variants of wasm/build.mjs, best first, with the instruction set that each adds. Each has a twin with threads. */
const WASM_VARIANTS = [
  { variant: 'relaxed', isa: 'wasm_relaxed' },
  { variant: 'simd128', isa: 'wasm_simd128' },
] as const;

export interface LoadOptions extends BackendOptions {
  /** WebAssembly only: the variant to take; the best that the engine reads by default. */
  readonly variant?: 'relaxed' | 'simd128' | undefined;
  /** WebAssembly only: a compiled module, instead of the package's own. */
  readonly module?: WebAssembly.Module | undefined;
}

let cached: Backend | undefined;
let fetched: WebAssembly.Module | undefined;

/**
 * The backend of this thread, loaded by the first call: LOWBIT_BACKEND (native, wasm) decides which, LOWBIT_ISA is the
 * highest instruction set to use, LOWBIT_THREADS the number of threads. Without LOWBIT_BACKEND the addon is taken, and
 * WebAssembly with a warning (code LOWBIT_WASM_FALLBACK) when it cannot be loaded. LOWBIT_ADDON is the absolute path of
 * an addon to load instead of the package's own.
 * Errors: ERR_BAD_ENVIRONMENT for values that are not known or not usable here, ERR_BACKEND_UNAVAILABLE.
 */
export function loadBackend(): Backend {
  cached ??= loadByEnvironment();
  return cached;
}

/** The module that this thread loads from now on: for browsers, where the package's own is not a file. */
export function useModule(module: WebAssembly.Module): void {
  fetched = module;
}

/** A new backend of that kind, whatever the environment says. Errors: ERR_BACKEND_UNAVAILABLE, ERR_BAD_ARGUMENT. */
export function loadBackendOf(kind: 'native', options?: LoadOptions): NativeBackend;
export function loadBackendOf(kind: 'wasm', options?: LoadOptions): WasmBackend;
export function loadBackendOf(kind: BackendKind, options?: LoadOptions): Backend;
export function loadBackendOf(kind: BackendKind, options: LoadOptions = {}): Backend {
  return kind === 'native' ? loadNative(options) : loadWasm(options);
}

/** What reports and benchmarks name. */
export function backendInfo(backend: Backend = loadBackend()): BackendInfo {
  const { kind, version, isa, isas, threads } = backend;
  return { backend: kind, version, isa, isas, threads };
}

function loadByEnvironment(): Backend {
  const kind = environment('LOWBIT_BACKEND');
  if (kind !== undefined && !KINDS.includes(kind as BackendKind)) {
    throw badEnvironment('LOWBIT_BACKEND', kind, `one of ${KINDS.join(', ')}`);
  }
  const isa = environment('LOWBIT_ISA');
  const options: LoadOptions = { isa, threads: environmentThreads() };
  try {
    return kind === undefined ? loadEither(options) : loadBackendOf(kind as BackendKind, options);
  } catch (error) {
    // The only argument that comes from the environment unchecked is the instruction set.
    if (!(error instanceof LowbitError) || error.place.argument !== 'isa') throw error;
    const { isas } = kind === undefined ? loadEither({}) : loadBackendOf(kind as BackendKind);
    throw badEnvironment('LOWBIT_ISA', isa as string, `an instruction set that is usable here: ${isas.join(', ')}`);
  }
}

/** LOWBIT_THREADS, when it is set. Errors: ERR_BAD_ENVIRONMENT. */
export function environmentThreads(): number | undefined {
  const threads = environment('LOWBIT_THREADS');
  if (threads === undefined) return undefined;
  if (/^\d+$/.test(threads) && Number(threads) >= 1 && Number(threads) <= MAX_THREADS) return Number(threads);
  throw badEnvironment('LOWBIT_THREADS', threads, `an integer from 1 to ${MAX_THREADS}`);
}

function environment(name: string): string | undefined {
  const value = (globalThis as { process?: NodeJS.Process }).process?.env?.[name];
  return value === '' ? undefined : value;
}

function badEnvironment(name: string, value: string, wanted: string): LowbitError {
  return new LowbitError('ERR_BAD_ENVIRONMENT', `${name} is '${value}'; expected ${wanted}`);
}

function loadEither(options: LoadOptions): Backend {
  let cause: LowbitError;
  try {
    return loadNative(options);
  } catch (error) {
    if (!(error instanceof LowbitError) || error.code !== 'ERR_BACKEND_UNAVAILABLE') throw error;
    cause = error;
  }
  const backend = loadWasm(options);
  (globalThis as { process?: NodeJS.Process }).process?.emitWarning?.(
    `lowbit runs on WebAssembly (${backend.isa}), which is slower: ${cause.message}`,
    { type: 'Warning', code: FALLBACK_WARNING },
  );
  return backend;
}

function loadNative(options: LoadOptions): NativeBackend {
  if (nodeModule === undefined) {
    throw new LowbitError('ERR_BACKEND_UNAVAILABLE', 'Native addons need Node, which is not here (is this a browser?)');
  }
  // The package has only the prebuild; in the repository the last build counts, not a prebuild that was made before it.
  const places = ['build/Release/lowbit.node', `prebuilds/${process.platform}-${process.arch}/lowbit.node`];
  // Another build of the addon: a sanitized one, or one for a processor that is emulated.
  const path = environment('LOWBIT_ADDON') ?? places.map(packageFile).find((found) => found !== undefined);
  if (path === undefined) {
    throw new LowbitError(
      'ERR_BACKEND_UNAVAILABLE',
      `No native addon for ${process.platform}-${process.arch}: looked for ${places.join(' and ')}; ` +
        'build it with npm run build:native, or set LOWBIT_BACKEND=wasm',
    );
  }
  return new NativeBackend(requireAddon(path), path, packageRoot()?.version, options);
}

function requireAddon(path: string): Addon {
  try {
    return (nodeModule as typeof import('node:module')).createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The native addon could not be loaded: ${reason}`;
    throw new LowbitError('ERR_BACKEND_UNAVAILABLE', message, { file: path }, { cause: error });
  }
}

function loadWasm(options: LoadOptions): WasmBackend {
  const module = options.module ?? fetched;
  if (module !== undefined) return new WasmBackend(module, 'the given module', undefined, options);
  if (nodeFs === undefined) {
    throw new LowbitError(
      'ERR_BACKEND_UNAVAILABLE',
      'The WebAssembly module is not here yet: a browser must await initialize() first, or InferenceSession.create()',
    );
  }
  const version = packageRoot()?.version;
  // A ceiling below a variant's own instruction set is served by the variant of the ceiling.
  const skipped = WASM_VARIANTS.slice(
    0,
    Math.max(
      0,
      WASM_VARIANTS.findIndex(({ isa }) => isa === options.isa),
    ),
  );
  const wanted = WASM_VARIANTS.filter((row) =>
    options.variant === undefined ? !skipped.includes(row) : row.variant === options.variant,
  );
  const tried: string[] = [];
  let unreadable = false;
  const memory = (options.threads ?? machineThreads()) > 1 ? '-threads' : '';
  for (const { variant } of wanted) {
    const name = `dist/wasm/lowbit-${variant}${memory}.wasm`;
    const path = packageFile(name);
    const bytes = path === undefined ? undefined : nodeFs.readFileSync(path);
    if (path !== undefined && bytes !== undefined && WebAssembly.validate(bytes)) {
      return new WasmBackend(new WebAssembly.Module(bytes), path, version, options);
    }
    unreadable ||= bytes !== undefined;
    tried.push(`${name} ${bytes === undefined ? 'does not exist' : 'cannot be read by this engine'}`);
  }
  const advice = unreadable
    ? 'the engine must have WebAssembly SIMD, and relaxed SIMD (Node 21 or later) for a relaxed module'
    : 'the package ships them, and npm run build:wasm makes them in the repository';
  throw new LowbitError('ERR_BACKEND_UNAVAILABLE', `No WebAssembly module: ${tried.join(', ')}; ${advice}`);
}
