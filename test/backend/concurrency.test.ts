// Runs beside each other and beside the event loop: aborts, progress, many workers, and environments that end early.

import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Backend, BackendPlan } from '../../src/backend/backend.js';
import { loadBackendOf } from '../../src/backend/load.js';
import { PlanBuilder } from '../../src/backend/plan-builder.js';
import { bundleBackend } from './bundle.js';

let bundle = '';
beforeAll(() => {
  bundle = bundleBackend('concurrency');
});

/** Softmax of a large tensor again and again: long enough to do things meanwhile, on every machine. */
function longPlan(backend: Backend, repeats: number): { plan: BackendPlan; x: Float32Array; y: Float32Array } {
  const outer = 256;
  const axis = 1024;
  const bytes = outer * axis * 4;
  const builder = new PlanBuilder(backend);
  const x = builder.input(bytes);
  const y = builder.output(bytes);
  for (let i = 0; i < repeats; i++) builder.op('softmax_f32', { x: i === 0 ? x : y, y, outer, axis, inner: 1 });
  return { plan: builder.build(0), x: new Float32Array(outer * axis), y: new Float32Array(outer * axis) };
}

/** So many instructions that no machine finishes them before the test has aborted. */
const ENDLESS = 200_000;

describe.each(['native', 'wasm'] as const)('%s', (kind) => {
  const backend = loadBackendOf(kind);

  test('the event loop turns while a run goes on, and an AbortSignal ends it', async () => {
    const { plan, x, y } = longPlan(backend, ENDLESS);
    const controller = new AbortController();
    let ticks = 0;
    const timer = setInterval(() => {
      if (++ticks === 10) controller.abort(new Error('enough'));
    }, 5);
    const progress: number[] = [];
    const run = plan.run([x], [y], { signal: controller.signal, onProgress: (done) => progress.push(done) });
    await expect(run).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'enough' } });
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(10);
    expect(progress.every((done, i) => done > (progress[i - 1] ?? 0) && done < ENDLESS)).toBe(true);
    plan.dispose();
  });

  test('a signal that fired before keeps the run from starting', async () => {
    const { plan, x, y } = longPlan(backend, 1);
    await expect(plan.run([x], [y], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(y.every((value) => value === 0)).toBe(true);
  });

  test('progress ends with all instructions', async () => {
    const { plan, x, y } = longPlan(backend, 40);
    const seen: [number, number][] = [];
    await plan.run([x], [y], { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)).toEqual([40, 40]);
    expect(y.every((value) => Math.abs(value - 1 / 1024) < 1e-6)).toBe(true);
  });

  test('two plans run at once, and aborting one leaves the other alone', async () => {
    const one = longPlan(backend, ENDLESS);
    const two = longPlan(backend, 20);
    const controller = new AbortController();
    const endless = one.plan.run([one.x], [one.y], { signal: controller.signal });
    const aborted = expect(endless).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    // In WebAssembly the runs of a backend follow one another, so the first has to end before the second.
    if (kind === 'wasm') controller.abort();
    await two.plan.run([two.x], [two.y]);
    controller.abort();
    await aborted;
    expect(two.y[0]).toBeCloseTo(1 / 1024, 6);
  });

  test('16 workers load, run and exit', { timeout: 60_000 }, async () => {
    const source = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.bundle).then(async ({ loadBackendOf, PlanBuilder }) => {
        const builder = new PlanBuilder(loadBackendOf(workerData.kind));
        builder.op('min_max', { x: builder.input(40000), out: builder.output(8), n: 10000 });
        const plan = builder.build(0);
        const out = new Float32Array(2);
        for (let i = 0; i < 5; i++) await plan.run([new Float32Array(10000).fill(workerData.number + i)], [out]);
        plan.runSync([new Float32Array(10000).fill(workerData.number)], [out]);
        parentPort.postMessage([...out]);
      });`;
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, number) => {
        const worker = new Worker(source, { eval: true, workerData: { bundle: pathToUrl(bundle), kind, number } });
        return new Promise<unknown>((resolve, reject) => {
          let message: unknown;
          worker.on('message', (value) => {
            message = value;
          });
          worker.on('error', reject);
          worker.on('exit', (code) => resolve({ message, code }));
        });
      }),
    );
    expect(results).toEqual(Array.from({ length: 16 }, (_, i) => ({ message: [i, i], code: 0 })));
  });

  test.each(['terminate', 'exit'])(
    'an environment that ends by %s during a run does not crash',
    { timeout: 60_000 },
    (how) => {
      const program = `
      import { Worker, isMainThread, parentPort } from 'node:worker_threads';
      import { fileURLToPath } from 'node:url';
      import { loadBackendOf, PlanBuilder } from ${JSON.stringify(pathToUrl(bundle))};
      const start = () => {
        const builder = new PlanBuilder(loadBackendOf('${kind}'));
        const x = builder.input(4 << 20), y = builder.output(4 << 20);
        for (let i = 0; i < 400; i++) builder.op('softmax_f32', { x: i ? y : x, y, outer: 1024, axis: 1024, inner: 1 });
        const plan = builder.build(0);
        for (let i = 0; i < 3; i++) plan.run([new Uint8Array(4 << 20)], [new Uint8Array(4 << 20)]).catch(() => {});
      };
      if (process.argv.at(-1) === 'exit') {
        start();
        setTimeout(() => process.exit(0), 100);
      } else {
        const worker = new Worker(\`import(\${JSON.stringify(${JSON.stringify(pathToUrl(bundle))})}).then(({ loadBackendOf, PlanBuilder }) => {
          (\${start.toString()})();
          process.getBuiltinModule('node:worker_threads').parentPort.postMessage('started');
        })\`, { eval: true, execArgv: [] });
        worker.on('message', () => setTimeout(() => worker.terminate(), 100));
        worker.on('error', (error) => { console.error(error); process.exitCode = 1; });
      }`;
      const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, how], {
        encoding: 'utf8',
        timeout: 50_000,
      });
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    },
  );

  test('a plan that nobody disposed of does not keep the process alive', { timeout: 30_000 }, () => {
    const program = `
      import { loadBackendOf, PlanBuilder } from ${JSON.stringify(pathToUrl(bundle))};
      const builder = new PlanBuilder(loadBackendOf('${kind}'));
      builder.op('min_max', { x: builder.input(400), out: builder.output(8), n: 100 });
      const out = new Float32Array(2);
      await builder.build(0).run([new Float32Array(100).fill(3)], [out]);
      console.log(out.join());`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '3,3\n', stderr: '' });
  });
});

function pathToUrl(path: string): string {
  return new URL(`file://${path}`).href;
}

test('a worker can lend its thread to the pool of the addon', async () => {
  const native = loadBackendOf('native');
  const control = new Int32Array(new SharedArrayBuffer(8));
  const source = `
    const { workerData } = require('node:worker_threads');
    import(workerData.bundle).then(({ loadBackendOf }) => loadBackendOf('native').call('donate_thread', workerData.control));`;
  const worker = new Worker(source, { eval: true, workerData: { bundle: pathToUrl(bundle), control } });
  const donated = () => native.call('threads', 0)[3];
  await expect.poll(donated, { timeout: 10_000 }).toBe(1);
  Atomics.store(control, 0, 1);
  await expect.poll(donated, { timeout: 10_000 }).toBe(0);
  await worker.terminate();
});
