// The package in a real browser: the same hashes as in Node, on the page, in a worker, and what a page must not do.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datasetOf, InferenceSession, quantizeModel, Tensor } from '../../src/index.js';
import { type Browser, chromium, openBrowser, type Task } from './chromium.js';
import { pixels } from './probe.mjs';

const TIMEOUT = 60_000;
const root = path.resolve(import.meta.dirname, '../..');
const BUNDLE = '/dist/browser/lowbit.js';
const DIGITS = '/mnist.int8.onnx';
const PHOTOS = '/squeezenet.int8.onnx';
const built = existsSync(path.join(root, BUNDLE)) && existsSync(path.join(root, 'dist/wasm/lowbit-relaxed.wasm'));

/** The int8 form of a network, calibrated on made-up numbers: enough for its bytes to say whether engines agree. */
async function quantized(file: string, dims: readonly number[]): Promise<Uint8Array> {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const samples = [0, 1].map((index) => ({
    name: String(index),
    data: pixels(size * (index + 1)).subarray(size * index),
    dims,
  }));
  const { bytes } = await quantizeModel(path.join(root, 'examples/models', file), { dataset: datasetOf(samples) });
  return bytes;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function hashesInNode(model: Uint8Array, dims: readonly number[]): Promise<string[]> {
  const session = await InferenceSession.create(model);
  const size = dims.reduce((product, dim) => product * dim, 1);
  const results = await session.run({ [session.inputNames[0] as string]: new Tensor('float32', pixels(size), dims) });
  const hashes = session.outputNames.map((name) => {
    const { buffer, byteOffset, byteLength } = (results[name] as Tensor).data as Float32Array;
    return sha256(new Uint8Array(buffer, byteOffset, byteLength));
  });
  session.dispose();
  return hashes;
}

const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const missing = chromium === undefined ? 'no Chromium is installed' : built ? undefined : 'npm run build was not run';

describe.skipIf(missing !== undefined)(`browsers${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let browser: Browser;
  let wanted: string[][];
  let digits: Uint8Array;

  beforeAll(async () => {
    digits = await quantized('mnist-12.onnx', [1, 1, 28, 28]);
    const photos = await quantized('squeezenet1.1.onnx', [1, 3, 224, 224]);
    wanted = [await hashesInNode(digits, [1, 1, 28, 28]), await hashesInNode(photos, [1, 3, 224, 224])];
    const files = { [DIGITS]: digits, [PHOTOS]: photos };
    browser = await openBrowser(new Map(Object.entries(files)), TIMEOUT);
  }, 120_000);
  afterAll(() => browser?.close());

  const several = Math.min(os.availableParallelism(), 8);
  const places: { where: string; task: Partial<Task>; threads?: number }[] = [
    { where: 'on a page, from one file', task: {} },
    { where: 'on a page, from the ES modules and an import map', task: { library: '/dist/esm/index.js' } },
    { where: 'in a worker of a page', task: { worker: true } },
    { where: 'without relaxed SIMD', task: { wasm: '/dist/wasm/lowbit-simd128.wasm' } },
    { where: 'with threads, on an isolated page', task: { headers: ISOLATED }, threads: several },
    {
      where: 'with threads, in a worker of an isolated page',
      task: { worker: true, headers: ISOLATED },
      threads: several,
    },
  ];
  test.each(places)('int8 networks give the bytes that they give in Node, $where', async ({ task, threads = 1 }) => {
    const models = [DIGITS, PHOTOS];
    const found = await browser.perform({ library: BUNDLE, task: 'hashes', models, ...task });
    const results = found as { run: string[]; sync: string[]; ticks: number; threads: number }[];
    expect(results.map((result) => result.threads)).toEqual([threads, threads]);
    expect(results.map(({ run }) => run)).toEqual(wanted);
    expect(results.map(({ sync }) => sync)).toEqual(wanted);
    // The page goes on while the worker runs the larger network.
    expect(results[1]?.ticks).toBeGreaterThan(0);
  });

  test('the example classifies its photograph', async () => {
    const found = (await browser.perform({ library: BUNDLE, task: 'example', models: [] })) as Record<string, string>;
    expect(found['runs on']).toMatch(/^lowbit \d+\.\d+\.\d+, wasm, wasm_relaxed$/);
    // A cat: 281 tabby, 282 tiger cat, 285 Egyptian cat. Browsers differ in how they shrink the photograph.
    expect(found['best classes']).toMatch(/^(281|282|285) /);
    expect(found['sha256 of the scores']).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a network is quantized to the same file', async () => {
    const models = ['/examples/models/mnist-12.onnx'];
    expect(await browser.perform({ library: BUNDLE, task: 'quantized', models })).toBe(sha256(digits));
  });

  test('paths, addresses, the addon and early calls are refused with a code and what to do', async () => {
    const found = (await browser.perform({ library: BUNDLE, task: 'refusals', models: [DIGITS] })) as Record<
      string,
      { code: string; message: string }
    >;
    const codes = Object.fromEntries(Object.entries(found).map(([name, { code }]) => [name, code]));
    expect(codes).toEqual({
      early: 'ERR_BACKEND_UNAVAILABLE',
      unreachable: 'ERR_BACKEND_UNAVAILABLE',
      path: 'ERR_IO',
      address: 'ERR_BAD_ARGUMENT',
      native: 'ERR_BACKEND_UNAVAILABLE',
      folder: 'ERR_IO',
      damaged: 'ERR_BAD_FILE',
    });
    expect(found['early']?.message).toMatch(/await initialize\(\)/);
    expect(found['unreachable']?.message).toMatch(/nowhere\.wasm: the server answered 404/);
    expect(found['path']?.message).toMatch(/fetch the file and give its bytes.*mnist\.int8\.onnx/);
    expect(found['info']).toMatchObject({ backend: 'wasm', isa: 'wasm_relaxed', threads: 1 });
    expect(found['codes']).toEqual([1, 3, 4, 203]);
  });

  test.each([
    { page: 'a page', headers: {} },
    { page: 'a page with shared memory', headers: ISOLATED },
  ])('an abort rejects and progress ends at the end on $page', async ({ headers }) => {
    const found = await browser.perform({ library: BUNDLE, task: 'aborted', models: [PHOTOS], headers });
    const { code, last } = found as { code: string; last: [number, number] };
    expect(code).toBe('ERR_ABORTED');
    expect(last[0]).toBe(last[1]);
    expect(last[1]).toBeGreaterThan(0);
  });

  test('where a policy forbids workers from blobs, runs go on the calling thread, with one warning', async () => {
    const headers = { 'Content-Security-Policy': "worker-src 'self'" };
    const models = [DIGITS, PHOTOS];
    const found = await browser.perform({ library: BUNDLE, task: 'withoutWorker', models, headers });
    const { warnings, results } = found as { warnings: string[]; results: { run: string[]; sync: string[] }[] };
    expect(results.map(({ run }) => run)).toEqual(wanted);
    expect(results.map(({ sync }) => sync)).toEqual(wanted);
    expect(warnings).toEqual([expect.stringMatching(/LOWBIT_NO_WORKER.*worker-src/)]);
  });
});
