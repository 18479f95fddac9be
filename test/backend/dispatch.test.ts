// Dispatch with processors that do not exist: which instruction set each kernel would come from.

import { describe, expect, test } from 'vitest';
import { loadBackendOf } from '../../src/backend/load.js';

const FEATURES = {
  avx2: 1,
  fma: 2,
  avx512core: 4,
  avx512vnni: 8,
  amxInt8: 16,
  neon: 32,
  dotprod: 64,
  simd128: 128,
  relaxedSimd: 256,
  avxVnni: 512,
  i8mm: 1024,
  avx512bf16: 2048,
  amxBf16: 4096,
} as const;

const native = loadBackendOf('native');
const { slots, kernels, isas } = native.description;
const text = (value: string) => new TextEncoder().encode(value);

/** Slot to ISA name for a processor of these features. */
function choose(
  architecture: string,
  features: readonly (keyof typeof FEATURES)[],
  ceiling: string,
): Map<string, string> {
  const bits = features.reduce((sum, feature) => sum | FEATURES[feature], 0);
  const [bytes] = native.call('choose_kernels', text(architecture), bits, text(ceiling)) as [Uint8Array];
  const chosen = new Int32Array(bytes.slice().buffer);
  expect(chosen).toHaveLength(slots.length);
  return new Map(slots.map((slot, i) => [slot, isas[chosen[i] as number]?.name as string]));
}

/** The same by the rule, from the tables: the row of the highest rank that the processor and the ceiling allow. */
function expected(
  architecture: string,
  features: readonly (keyof typeof FEATURES)[],
  ceiling: string,
): Map<string, string> {
  const bits = features.reduce((sum, feature) => sum | FEATURES[feature], 0);
  const top = isas.find(({ name }) => name === ceiling)?.rank as number;
  const allowed = isas
    .filter((isa) => isa.architecture === 'any' || isa.architecture === architecture)
    .filter((isa) => isa.rank <= top && (isa.features & ~bits) === 0)
    .sort((a, b) => b.rank - a.rank);
  return new Map(
    slots.map((slot) => {
      const best = allowed.find((isa) => kernels.some((kernel) => kernel.slot === slot && kernel.isa === isa.name));
      return [slot, best?.name as string];
    }),
  );
}

const AVX2 = ['avx2', 'fma'] as const;
const VNNI = [...AVX2, 'avx512core', 'avx512vnni'] as const;

const PROCESSORS = {
  'x86-64 without AVX': ['x86_64', []],
  'AVX2 without FMA': ['x86_64', ['avx2']],
  Haswell: ['x86_64', AVX2],
  'Skylake-X, which has AVX-512 and no VNNI': ['x86_64', [...AVX2, 'avx512core']],
  'VNNI whose AVX-512 the system does not save': ['x86_64', [...AVX2, 'avx512vnni']],
  'Alder Lake, which has AVX-VNNI and no AVX-512': ['x86_64', [...AVX2, 'avxVnni']],
  'Ice Lake': ['x86_64', VNNI],
  'Zen 4': ['x86_64', [...VNNI, 'avx512bf16']],
  'Sapphire Rapids': ['x86_64', [...VNNI, 'avx512bf16', 'amxInt8', 'amxBf16']],
  'AMX without BF16': ['x86_64', [...VNNI, 'avx512bf16', 'amxInt8']],
  'AMX alone': ['x86_64', ['amxInt8']],
  'Cortex-A72': ['aarch64', ['neon']],
  'Cortex-A76': ['aarch64', ['neon', 'dotprod']],
  'Neoverse V1': ['aarch64', ['neon', 'dotprod', 'i8mm']],
  'wasm simd128': ['wasm32', ['simd128']],
  'wasm relaxed': ['wasm32', ['simd128', 'relaxedSimd']],
  'an x86 that claims the features of an ARM': ['x86_64', ['neon', 'dotprod']],
} as const;

describe.each(Object.entries(PROCESSORS))('%s', (_name, [architecture, features]) => {
  test.each(isas.map(({ name }) => name))('under the ceiling %s', (ceiling) => {
    expect(choose(architecture, features, ceiling)).toEqual(expected(architecture, features, ceiling));
  });
});

test('a processor of no feature gets portable kernels only', () => {
  expect(new Set(choose('x86_64', [], 'x86_amx').values())).toEqual(new Set(['portable']));
});

test('the integer product is the processor’s best', () => {
  const slot = 'gemm_u8i8_i32';
  expect(choose('x86_64', AVX2, 'x86_amx').get(slot)).toBe('x86_avx2');
  expect(choose('x86_64', VNNI, 'x86_amx').get(slot)).toBe('x86_avx512vnni');
  const amx = [...VNNI, 'avx512bf16', 'amxInt8', 'amxBf16'] as const;
  expect(choose('x86_64', amx, 'x86_amx').get(slot)).toBe('x86_amx');
  expect(choose('x86_64', amx, 'x86_avx2').get(slot)).toBe('x86_avx2');
  expect(choose('aarch64', ['neon', 'dotprod'], 'arm_dotprod').get(slot)).toBe('arm_dotprod');
  expect(choose('wasm32', ['simd128'], 'wasm_relaxed').get(slot)).toBe('wasm_simd128');
});

test('a name that is no instruction set is refused', () => {
  expect(() => choose('x86_64', [], 'x86_sse9')).toThrow(/no instruction set of that name/);
});

test('WebAssembly chooses by the same code', () => {
  const wasm = loadBackendOf('wasm');
  const bits = FEATURES.avx2 | FEATURES.fma;
  const [bytes] = wasm.call('choose_kernels', text('x86_64'), bits, text('x86_amx')) as [Uint8Array];
  const chosen = new Int32Array(bytes.slice().buffer);
  const names = slots.map((slot, i) => [slot, isas[chosen[i] as number]?.name]);
  expect(new Map(names as [string, string][])).toEqual(expected('x86_64', AVX2, 'x86_amx'));
});
