// Threads of WebAssembly: the same bytes with any number of them, asleep between runs, and no reason for a process to stay.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { type AbiValue, type FunctionDescription, resultsOf } from '../../src/backend/abi.js';
import { loadBackendOf } from '../../src/backend/load.js';
import { type BufferRef, PlanBuilder } from '../../src/backend/plan-builder.js';
import type { WasmBackend } from '../../src/backend/wasm.js';
import { instantiateWasm, type LentThread } from '../../src/backend/wasm-instance.js';
import { THREAD_SOURCE } from '../../src/backend/wasm-threads.js';
import { randomIntegers } from '../../src/core/random.js';
import { packedI8Bytes } from '../../src/runtime/packed.js';
import { bundleBackend } from './bundle.js';

const OUTER = 300;
const AXIS = 257;

/** Softmaxes of softmaxes: many calls of parallel_for in a row, with fewer tasks and with more of them than threads. */
function program(backend: WasmBackend) {
  const builder = new PlanBuilder(backend);
  const x = builder.input(OUTER * AXIS * 4);
  const y = builder.output(OUTER * AXIS * 4);
  for (const outer of [OUTER, 1, OUTER, 2, OUTER, 3, OUTER]) {
    builder.op('softmax_f32', { x, y, outer, axis: AXIS, inner: 1 });
    builder.op('softmax_f32', { x: y, y, outer, axis: AXIS, inner: 1 });
  }
  return builder.build(0);
}

const next = randomIntegers(7);
const input = Float32Array.from({ length: OUTER * AXIS }, () => ((next() >>> 0) / 2 ** 32 - 0.5) * 40);

interface Product {
  readonly x: BufferRef;
  readonly weights: BufferRef;
  readonly packed: BufferRef;
  readonly y: BufferRef;
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** Sums of m x k codes u8 by k x n weights i8, which are packed first. */
function packAndMultiply(builder: PlanBuilder, { x, weights, packed, y, m, k, n }: Product): void {
  builder.op('pack_i8', {
    ...{ w: weights, packed, batch: 1, batch_stride: 0, k0: 1, k1: 1, k2: k, k0_stride: 0, k1_stride: 0 },
    ...{ k2_stride: n, n, n_stride: 1, group_size: 0, format: 3 },
  });
  builder.op('gemm_i8', {
    ...{ a: x, a_scale: undefined, a_zero: undefined, packed, w_zero: undefined, offset: undefined, bias: undefined },
    ...{ y, multiplier: undefined, batch: 1, b_batched: 0, m, k, n, a_step: 0, multiplier_step: 0, a_format: 2 },
    ...{ y_format: 6, y_zero_point: 0, qlo: 0, qhi: 0, lo: -Infinity, hi: Infinity },
    ...{ residual: undefined, activation: -1, alpha: 0, beta: 0 },
  });
}

/** Threads that have been lent to the instance that runs on this thread. */
const donated = (backend: WasmBackend) => backend.call('threads', 0)[3] as number;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await later(5);
}

test('any number of threads gives the same bytes, on the calling thread and beside it', async () => {
  const results: Float32Array[] = [];
  for (const threads of [1, 2, 3, 7]) {
    const backend = loadBackendOf('wasm', { threads });
    expect(backend.threads).toBe(threads);
    const plan = program(backend);
    const before = new Float32Array(OUTER * AXIS);
    plan.runSync([input], [before]);
    await until(() => donated(backend) === threads - 1);
    results.push(before);
    for (let run = 0; run < 40; run++) {
      const [sync, async] = [new Float32Array(OUTER * AXIS), new Float32Array(OUTER * AXIS)];
      plan.runSync([input], [sync]);
      await plan.run([input], [async]);
      results.push(sync, async);
    }
    plan.dispose();
  }
  expect(
    results.every((result) => Buffer.from(result.buffer).equals(Buffer.from(results[0]?.buffer as ArrayBuffer))),
  ).toBe(true);
  expect(results[0]?.some((value) => value > 0)).toBe(true);
});

test('all threads take tasks, each under a number of its own', async () => {
  const threads = 3;
  const backend = loadBackendOf('wasm', { threads });
  // Each task leaves what it computed in its place: a number that two threads shared would spoil their scratch.
  const [m, k, n] = [96, 64, 48];
  const builder = new PlanBuilder(backend);
  const [x, y] = [builder.input(m * k), builder.output(m * n * 4)];
  const weights = builder.input(k * n);
  const packed = builder.output(packedI8Bytes(k, n, 0));
  packAndMultiply(builder, { x, weights, packed, y, m, k, n });
  const plan = builder.build(0);
  const a = Uint8Array.from({ length: m * k }, () => next() >>> 24);
  const w = Int8Array.from({ length: k * n }, () => next() >> 24);
  const wanted = Int32Array.from({ length: m * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return a.subarray(row * k, (row + 1) * k).reduce((sum, code, j) => sum + code * (w[j * n + column] as number), 0);
  });
  const bytes = new Uint8Array(packedI8Bytes(k, n, 0));
  for (let run = 0; run < 50; run++) {
    const found = new Int32Array(m * n);
    plan.runSync([a, w], [found, bytes]);
    expect(found).toEqual(wanted);
    if (run === 0) await until(() => donated(backend) === threads - 1);
  }
  plan.dispose();
});

test('an abort ends a run of several threads, and the next run is whole', async () => {
  const backend = loadBackendOf('wasm', { threads: 2 });
  const builder = new PlanBuilder(backend);
  const [x, y] = [builder.input(OUTER * AXIS * 4), builder.output(OUTER * AXIS * 4)];
  for (let i = 0; i < 100_000; i++) builder.op('softmax_f32', { x, y, outer: OUTER, axis: AXIS, inner: 1 });
  const endless = builder.build(0);
  const controller = new AbortController();
  const run = endless.run([input], [new Float32Array(OUTER * AXIS)], { signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  await expect(run).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  endless.dispose();
  const plan = program(backend);
  const [sync, async] = [new Float32Array(OUTER * AXIS), new Float32Array(OUTER * AXIS)];
  await plan.run([input], [async]);
  plan.runSync([input], [sync]);
  expect(async).toEqual(sync);
  plan.dispose();
});

test('a lent thread that traps ends the run with an error, and the next run does without it', async () => {
  const file = new URL('../../dist/wasm/lowbit-simd128-threads.wasm', import.meta.url);
  const module = new WebAssembly.Module(readFileSync(file));
  const backend = loadBackendOf('wasm', { threads: 1, module });
  const instance = instantiateWasm(module);
  const call = (name: string, ...values: AbiValue[]) => {
    const row = backend.description.functions.find((known) => known.name === name) as FunctionDescription;
    return resultsOf(name, instance.call(row, values), backend.description.statuses);
  };
  // 4 KiB of stack at the lower end of the memory: enough to wait for work, not for a product of codes, whose kernel would
  // write below the first address.
  const [lent] = instance.lend(1) as [LentThread];
  const worker = new Worker(THREAD_SOURCE, { eval: true, workerData: { ...lent, stackEnd: 4096 }, execArgv: [] });
  call('threads', 2);
  const helpers = () => call('threads', 0)[3] as number;
  await until(() => helpers() === 1);

  const [m, k, n] = [256, 64, 64];
  const builder = new PlanBuilder(backend);
  const [x, weights, y] = [builder.input(m * k), builder.input(k * n), builder.output(m * n * 4)];
  packAndMultiply(builder, { x, weights, packed: builder.output(packedI8Bytes(k, n, 0)), y, m, k, n });
  const { words, constants } = builder.encode(0);
  const [plan] = call('plan_create', words, constants, new Uint8Array()) as [number];
  const run = () => {
    const found = new Int32Array(m * n);
    const outputs = [found, new Uint8Array(packedI8Bytes(k, n, 0))];
    call('plan_run', plan, [new Uint8Array(m * k).fill(1), new Int8Array(k * n).fill(1)], outputs, undefined);
    return found;
  };
  // A run may be over before the thread takes a task of it.
  let error: unknown;
  await until(() => {
    try {
      run();
    } catch (thrown) {
      error = thrown;
    }
    return error !== undefined;
  });
  expect(error).toMatchObject({ code: 'ERR_BACKEND', message: expect.stringContaining('thread') });
  expect(helpers()).toBe(0);
  expect(run()).toEqual(new Int32Array(m * n).fill(k));
  await worker.terminate();
});

test('a process whose threads sleep ends by itself, and one that exits during a run does not wait for it', () => {
  const bundle = JSON.stringify(pathToFileURL(bundleBackend('wasm-threads')).href);
  const program = (end: string) => `
    import { loadBackendOf, PlanBuilder } from ${bundle};
    const backend = loadBackendOf('wasm', { threads: 3 });
    const builder = new PlanBuilder(backend);
    const [x, y] = [builder.input(64 * 64 * 4), builder.output(64 * 64 * 4)];
    const repeats = ${end === '' ? 2 : 100_000};
    for (let i = 0; i < repeats; i++) builder.op('softmax_f32', { x, y, outer: 64, axis: 64, inner: 1 });
    const plan = builder.build(0);
    const run = () => plan.run([new Float32Array(64 * 64)], [new Float32Array(64 * 64)]);
    ${end === '' ? 'await run(); plan.runSync([new Float32Array(64 * 64)], [new Float32Array(64 * 64)]);' : 'run();'}
    while (${end === ''} && backend.call('threads', 0)[3] < 2) await new Promise((later) => setTimeout(later, 5));
    console.log('done');
    ${end}`;
  for (const end of ['', 'setTimeout(() => process.exit(), 50);']) {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--no-warnings', '--input-type=module', '-e', program(end)],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect({ stdout, stderr, status }).toEqual({ stdout: 'done\n', stderr: '', status: 0 });
  }
});
