// What LOWBIT_BACKEND, LOWBIT_ISA, LOWBIT_THREADS and LOWBIT_ADDON do, each in a process of its own.

import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { FALLBACK_WARNING, loadBackendOf } from '../../src/backend/load.js';
import { bundleBackend } from './bundle.js';

let bundle = '';
beforeAll(() => {
  bundle = pathToFileURL(bundleBackend('environment')).href;
});

const native = loadBackendOf('native');
const wasm = loadBackendOf('wasm');

interface Outcome {
  readonly info?: { readonly backend: string; readonly isa: string; readonly isas: string[]; readonly threads: number };
  readonly code?: string;
  readonly message?: string;
  readonly warnings: readonly (string | undefined)[];
}

function withEnvironment(variables: Record<string, string>): Outcome {
  const program = `
    import { backendInfo, loadBackend } from ${JSON.stringify(bundle)};
    const warnings = [];
    process.on('warning', ({ code }) => warnings.push(code));
    let outcome;
    try { loadBackend(); outcome = { info: backendInfo(), again: loadBackend() === loadBackend() }; }
    catch ({ code, message }) { outcome = { code, message }; }
    setImmediate(() => console.log(JSON.stringify({ ...outcome, warnings })));`;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LOWBIT_')));
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...inherited, ...variables },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Outcome;
}

test('nothing set: the addon, its best instruction set, no warning', () => {
  expect(withEnvironment({})).toMatchObject({
    info: { backend: 'native', isa: native.isas.at(-1), isas: native.isas },
    warnings: [],
  });
});

test('LOWBIT_BACKEND=wasm: WebAssembly without a warning', () => {
  expect(withEnvironment({ LOWBIT_BACKEND: 'wasm' })).toMatchObject({
    info: { backend: 'wasm', isa: wasm.isa, threads: wasm.threads },
    warnings: [],
  });
});

test.each(native.isas)('LOWBIT_ISA=%s is the one in use', (isa) => {
  expect(withEnvironment({ LOWBIT_ISA: isa })).toMatchObject({ info: { backend: 'native', isa } });
});

test('LOWBIT_ISA=wasm_simd128 takes the module of that instruction set', () => {
  expect(withEnvironment({ LOWBIT_BACKEND: 'wasm', LOWBIT_ISA: 'wasm_simd128' })).toMatchObject({
    info: { backend: 'wasm', isa: 'wasm_simd128', isas: ['portable', 'wasm_simd128'] },
  });
});

test('LOWBIT_THREADS sets the threads, and an empty value is no value', () => {
  expect(withEnvironment({ LOWBIT_THREADS: '3', LOWBIT_ISA: '' })).toMatchObject({ info: { threads: 3 } });
  const wasmThreads = (LOWBIT_THREADS: string) => withEnvironment({ LOWBIT_BACKEND: 'wasm', LOWBIT_THREADS });
  expect(wasmThreads('3')).toMatchObject({ info: { backend: 'wasm', threads: 3 } });
  expect(wasmThreads('1')).toMatchObject({ info: { backend: 'wasm', threads: 1 } });
});

test.each([
  [{ LOWBIT_BACKEND: 'gpu' }, `LOWBIT_BACKEND is 'gpu'; expected one of native, wasm`],
  [{ LOWBIT_THREADS: 'many' }, `LOWBIT_THREADS is 'many'; expected an integer from 1 to 256`],
  [{ LOWBIT_THREADS: '0' }, `LOWBIT_THREADS is '0'; expected an integer from 1 to 256`],
  [{ LOWBIT_THREADS: '257' }, `LOWBIT_THREADS is '257'; expected an integer from 1 to 256`],
  [
    { LOWBIT_ISA: 'sse9' },
    `LOWBIT_ISA is 'sse9'; expected an instruction set that is usable here: ${native.isas.join(', ')}`,
  ],
  [
    { LOWBIT_ISA: 'x86_avx2', LOWBIT_BACKEND: 'wasm' },
    `LOWBIT_ISA is 'x86_avx2'; expected an instruction set that is usable here: ${wasm.isas.join(', ')}`,
  ],
])('%o is an error that names what is known', (variables, message) => {
  expect(withEnvironment(variables as Record<string, string>)).toMatchObject({ code: 'ERR_BAD_ENVIRONMENT', message });
});

test('an addon that cannot be loaded: WebAssembly with one coded warning, or an error when native was asked for', () => {
  const broken = { LOWBIT_ADDON: new URL(import.meta.url).pathname };
  expect(withEnvironment(broken)).toMatchObject({ info: { backend: 'wasm' }, warnings: [FALLBACK_WARNING] });
  expect(withEnvironment({ ...broken, LOWBIT_BACKEND: 'native' })).toMatchObject({
    code: 'ERR_BACKEND_UNAVAILABLE',
    warnings: [],
  });
});
