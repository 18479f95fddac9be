// Fetches and compiles the WebAssembly module where it is no file: browsers and their workers.

import { LowbitError } from '../core/errors.js';
import type { BackendInfo } from './backend.js';
import { backendInfo, useModule } from './load.js';
import { nodeFs } from './location.js';
import { machineThreads } from './processors.js';

export interface InitializeOptions {
  /** Where the module is served, or the module itself; dist/wasm of the package, beside this code, by default. */
  readonly wasm?: string | URL | WebAssembly.Module | undefined;
}

/** A module with one relaxed instruction, i8x16.relaxed_swizzle: engines with relaxed SIMD call it valid. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0], // '\0asm', version 1
  ...[1, 5, 1, 96, 0, 1, 123], // one type: () -> v128
  ...[3, 2, 1, 0], // one function of it
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11], // two splats, the swizzle, end
);

let pending: Promise<void> | undefined;

/**
 * Makes the backend ready and says which it is. Browsers need it once before the functions on typed arrays;
 * InferenceSession.create() calls it by itself. In Node, where files are at hand, it is never needed and `wasm` is not used.
 * Once the module is here, further calls change nothing.
 * Errors: ERR_BACKEND_UNAVAILABLE when the module cannot be fetched or compiled; the next call tries again.
 */
export async function initialize(options: InitializeOptions = {}): Promise<BackendInfo> {
  await fetchModule(options);
  return backendInfo();
}

/** The part of `initialize` that waits; it does nothing where modules are read from files. */
export function fetchModule({ wasm }: InitializeOptions = {}): Promise<void> {
  if (nodeFs !== undefined) return Promise.resolve();
  pending ??= (wasm instanceof WebAssembly.Module ? Promise.resolve(wasm) : compile(wasm ?? packagedModule())).then(
    useModule,
    (error: unknown) => {
      pending = undefined;
      throw error;
    },
  );
  return pending;
}

/** Bundlers find the files by this very expression, so that it stands here again and again. */
function packagedModule(): URL {
  const relaxed = WebAssembly.validate(RELAXED_PROBE);
  if (machineThreads() > 1) {
    return relaxed
      ? new URL('../../wasm/lowbit-relaxed-threads.wasm', import.meta.url)
      : new URL('../../wasm/lowbit-simd128-threads.wasm', import.meta.url);
  }
  return relaxed
    ? new URL('../../wasm/lowbit-relaxed.wasm', import.meta.url)
    : new URL('../../wasm/lowbit-simd128.wasm', import.meta.url);
}

/** Not compileStreaming(): that one wants a server which knows the media type of .wasm. */
async function compile(url: string | URL): Promise<WebAssembly.Module> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LowbitError(
      'ERR_BACKEND_UNAVAILABLE',
      `The WebAssembly module could not be fetched from ${String(url)}: ${reason}; pass its address to initialize({ wasm })`,
      {},
      { cause: error },
    );
  }
}
