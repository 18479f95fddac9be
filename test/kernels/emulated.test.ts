// The kernels of instruction sets that this machine may lack, compiled by themselves and compared with the portable ones:
// AMX over emulated tiles, the ARM ones under qemu. Skipped, with the reason, without a compiler or an emulator.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { loadBackendOf } from '../../src/backend/load.js';
import { coversSlots } from './harness.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lowbit-kernels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Candidate {
  readonly isa: string;
  readonly families: readonly string[];
  /** Files of lower instruction sets that its kernels call. */
  readonly also?: readonly string[];
  readonly compiler: string;
  readonly flags: readonly string[];
  /** The program that runs the result, absent when this processor does. */
  readonly emulator?: readonly string[];
  readonly architecture?: string;
  /** An instruction set of this processor that the kernels use beside their own. */
  readonly needs?: string;
}

const arm = { compiler: 'aarch64-linux-gnu-g++', architecture: 'arm64' };
const CANDIDATES: readonly Candidate[] = [
  {
    isa: 'x86_amx',
    families: ['gemm_i8', 'gemm_half', 'peak'],
    also: ['native/kernels/gemm_i8/x86_avx512vnni.cc'],
    compiler: 'g++',
    flags: ['-DLOWBIT_AMX_EMULATION', '-DCODES', '-DFLOATS_FINISHED', '-DHALVES'],
    architecture: 'x64',
    needs: 'x86_avx512vnni',
  },
  {
    ...arm,
    isa: 'arm_neon',
    families: ['gemm_i8', 'gemm_i4', 'gemm_f32', 'depthwise', 'depthwise_f32', 'blocks', 'codec', 'peak'],
    flags: ['-static', '-DCODES', '-DDEPTHWISE', '-DFLOATS', '-DGROUPED', '-DBLOCKS'],
    emulator: ['qemu-aarch64', '-cpu', 'cortex-a72'],
  },
  {
    ...arm,
    isa: 'arm_dotprod',
    families: ['gemm_i8', 'gemm_i4', 'peak'],
    flags: ['-static', '-DCODES', '-DGROUPED'],
    emulator: ['qemu-aarch64', '-cpu', 'cortex-a76'],
  },
  {
    ...arm,
    isa: 'arm_i8mm',
    families: ['gemm_i8', 'peak'],
    also: ['native/kernels/gemm_i8/arm_dotprod.cc'],
    flags: ['-static', '-DCODES'],
    emulator: ['qemu-aarch64', '-cpu', 'max'],
  },
];

const runs = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

/** Why the candidate cannot be compared here, or undefined. */
function obstacle(candidate: Candidate): string | undefined {
  if (!runs(candidate.compiler)) return `${candidate.compiler} is not installed`;
  if (candidate.emulator !== undefined && !runs(candidate.emulator[0] as string)) {
    return `${candidate.emulator[0]} is not installed`;
  }
  if (candidate.emulator === undefined && candidate.architecture !== process.arch)
    return `this is not ${candidate.architecture}`;
  if (candidate.needs !== undefined && !loadBackendOf('native').isas.includes(candidate.needs))
    return `this processor has no ${candidate.needs}`;
  return undefined;
}

test.for(CANDIDATES)('$isa gives the portable bytes', { timeout: 120_000 }, (candidate, { skip }) => {
  const reason = obstacle(candidate);
  if (reason !== undefined) {
    console.warn(`${candidate.isa} is not compared: ${reason}`);
    skip(reason);
  }
  coversSlots('gemm_u8i8_i32', 'gemm_i8i8_i32', 'gemm_bf16bf16_f32');
  const program = join(folder, candidate.isa);
  const compared = new Set([...candidate.families, 'gemm_i4', 'gemm_f32', 'depthwise', 'depthwise_f32']);
  const sources = [...compared].map((family) => `native/kernels/${family}/portable.cc`);
  const kernels = candidate.families.map((family) => `native/kernels/${family}/${candidate.isa}.cc`);
  const standard = [
    '-std=c++17',
    '-fno-exceptions',
    '-fno-rtti',
    '-O2',
    '-ffp-contract=off',
    '-I.',
    '-Wall',
    '-Wextra',
    '-Werror',
  ];
  const compiled = spawnSync(
    candidate.compiler,
    [
      ...standard,
      ...candidate.flags,
      `-DCANDIDATE=${candidate.isa}`,
      ...kernels,
      ...(candidate.also ?? []),
      ...sources,
      'test/kernels/compare_kernels.cc',
      '-o',
      program,
    ],
    { cwd: root, encoding: 'utf8' },
  );
  expect(compiled.stderr).toBe('');
  expect(compiled.status).toBe(0);
  const [command, ...args] = [...(candidate.emulator ?? []), program];
  const ran = spawnSync(command as string, args, { encoding: 'utf8' });
  expect(ran.stdout + ran.stderr).toMatch(/^[1-9]\d* comparisons, 0 differences\n$/);
  expect(ran.status).toBe(0);
});

test('x86_amx is offered exactly where the processor and the kernel grant it', () => {
  const backend = loadBackendOf('native');
  const flags = spawnSync('grep', ['-m1', '^flags', '/proc/cpuinfo'], { encoding: 'utf8' }).stdout ?? '';
  if (backend.isas.includes('x86_amx')) expect(flags).toMatch(/amx_bf16.*amx_int8/);
  if (!/amx_int8/.test(flags)) expect(backend.isas).not.toContain('x86_amx');
  expect(backend.kernels.filter((kernel) => kernel.isa === 'x86_amx').map((kernel) => kernel.slot)).toEqual([
    'gemm_u8i8_i32',
    'gemm_i8i8_i32',
    'peak_u8i8_i32',
    'gemm_u8i8_u8',
    'gemm_u8i8_i8',
    'gemm_u8i8_f32',
    'gemm_i8i8_u8',
    'gemm_i8i8_i8',
    'gemm_i8i8_f32',
    'gemm_bf16bf16_f32',
  ]);
});
