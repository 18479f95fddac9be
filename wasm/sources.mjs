// What a WebAssembly build is made of: the files, the variants, and the flags that emcc and clang share.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nativeSources } from '../native/sources.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const SIMD128 = ['-msimd128'];
const RELAXED = ['-msimd128', '-mrelaxed-simd'];

/**
 * One module each, linked from the same objects. Engines without relaxed SIMD reject the ones that have it; those with
 * threads import a memory that is shared, for hosts that can make one.
 */
export const VARIANTS = {
  simd128: { flags: SIMD128, shared: false },
  relaxed: { flags: RELAXED, shared: false },
  'simd128-threads': { flags: SIMD128, shared: true },
  'relaxed-threads': { flags: RELAXED, shared: true },
};

/** Portable kernels that have no row of wasm_simd128 beside them in kernels.inc, and run. */
const PORTABLE_IN_USE = ['native/kernels/elementwise/portable.cc'];

/** The other portable kernels run only when LOWBIT_ISA asks for them: small is enough. */
function sizeFlags(path) {
  return path.endsWith('/portable.cc') && !PORTABLE_IN_USE.includes(path) ? ['-Oz'] : [];
}

/**
 * How a source is compiled for a variant. Only the kernels of wasm_relaxed may use relaxed instructions: with the flag,
 * clang turns `x < y ? x : y` into a relaxed minimum, which is free to differ for NaN and -0, so everything else is
 * compiled without it, and the objects are shared between the variants. native/isa says which kernels there are.
 */
export function flagsOf(variant, path) {
  const flags = [...SIMD128, ...sizeFlags(path)];
  if (VARIANTS[variant].flags !== RELAXED) return flags;
  if (path.endsWith('/wasm_relaxed.cc')) return [...RELAXED, '-DLOWBIT_WASM_RELAXED'];
  return path.startsWith('native/isa/') ? [...flags, '-DLOWBIT_WASM_RELAXED'] : flags;
}

export const COMPILE_FLAGS = [
  '-std=c++17',
  '-O3',
  // Every engine that has SIMD has these; atomics work on memory that is not shared, too.
  '-matomics',
  '-mbulk-memory',
  '-Wall',
  '-Wextra',
  // Portable bodies ask for vectors where there are some; that a loop gets none is not a mistake.
  '-Wno-pass-failed',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fvisibility=hidden',
  '-I.',
];

/** The stack lies below the data, so that an overflow traps instead of writing over it. */
const STACK_BYTES = 1 << 20;

/** What a shared memory begins with and how far it may grow, in pages of 64 KiB; src/backend/wasm-instance.ts knows them. */
const INITIAL_PAGES = 32;
const MAXIMUM_PAGES = 65_536;
const PAGE_BYTES = 65_536;

/** What a thread needs that is lent to an instance: a stack, and its own copy of the thread-local variables. */
const THREAD_EXPORTS = ['__stack_pointer', '__wasm_init_tls', '__tls_size'];

/** Flags for wasm-ld: the functions of abi.inc and the allocator are what the module exports. */
export function linkFlags(shared) {
  const table = readFileSync(`${ROOT}native/abi/abi.inc`, 'utf8');
  const functions = [...table.matchAll(/^LOWBIT_FUNCTION\((\w+),/gm)].map(([, name]) => `lowbit_${name}`);
  const memory = [
    '--import-memory',
    '--shared-memory',
    `--initial-memory=${INITIAL_PAGES * PAGE_BYTES}`,
    `--max-memory=${MAXIMUM_PAGES * PAGE_BYTES}`,
    // The C library is compiled without atomics; what is linked of it (memcpy and its like) needs none.
    '--no-check-features',
  ];
  return [
    ...(shared ? memory.map((flag) => `-Wl,${flag}`) : []),
    ...[...functions, 'malloc', 'free', ...(shared ? THREAD_EXPORTS : [])].map((name) => `-Wl,--export=${name}`),
    '-Wl,--stack-first',
    `-Wl,-z,stack-size=${STACK_BYTES}`,
  ];
}

/** Sources and headers as { path: bytes }, without the addon's binding and without the files of other processors. */
export function nativeFiles() {
  const sources = nativeSources({ core: true }).filter((path) => !/\/(x86|arm)_\w+\.cc$/.test(path));
  const headers = readdirSync(`${ROOT}native`, { recursive: true })
    .map((path) => `native/${path.replaceAll('\\', '/')}`)
    .filter((path) => /\.(h|inc)$/.test(path) && !path.startsWith('native/binding/'))
    .sort();
  const read = (path) => [path, readFileSync(`${ROOT}${path}`)];
  return { sources: new Map(sources.map(read)), headers: new Map(headers.map(read)) };
}

/** The headers that a source includes, directly or through others, in the order of their names. */
export function includedBy(bytes, headers) {
  const found = new Set();
  const visit = (text) => {
    for (const [, name] of text.toString().matchAll(/^\s*#\s*include "([^"]+)"/gm)) {
      if (found.has(name) || !headers.has(name)) continue;
      found.add(name);
      visit(headers.get(name));
    }
  };
  visit(bytes);
  return [...found].sort();
}

export function hashOf(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
}
