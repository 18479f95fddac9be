// InferenceSession: its API, its checks of feeds, plans per shape, disposal, concurrency, cancellation.

import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { constantOf } from '../../src/core/tensor.js';
import { writeOnnx } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { InferenceSession } from '../../src/session/inference-session.js';
import { createObservingSession } from '../../src/session/observing-session.js';
import { deepConv, node, tinyGemm } from './tiny-models.js';

const x = (rows: number): Tensor =>
  new Tensor(
    'float32',
    Float32Array.from({ length: rows * 3 }, (_, i) => i + 1),
    [rows, 3],
  );

describe('the API', () => {
  it('creates from a graph, bytes, an ArrayBuffer and a part of one', async () => {
    const graph = tinyGemm();
    const bytes = writeOnnx(graph);
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 7);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const sessions = [
      await InferenceSession.create(graph),
      await InferenceSession.create(bytes),
      await InferenceSession.create(buffer),
      await InferenceSession.create(larger.buffer, 7, bytes.length),
      await InferenceSession.create(graph, { optimize: false }),
      await InferenceSession.create(graph, { threads: 1 }),
      await InferenceSession.create(graph, { threads: 256 }),
    ];
    for (const session of sessions) {
      expect(session.inputNames).toEqual(['x']);
      expect(session.outputNames).toEqual(['y']);
      expect(session.inputMetadata).toEqual([{ name: 'x', isTensor: true, type: 'float32', shape: ['batch', 3] }]);
      expect(session.outputMetadata[0]?.shape).toEqual(['batch', 2]);
      const { y } = await session.run({ x: x(1) });
      expect(y).toBeInstanceOf(Tensor);
      expect([y?.type, y?.dims, y?.data]).toEqual(['float32', [1, 2], Float32Array.of(14.5, 0)]);
      await session.release();
    }
  });

  it('runs synchronously, with other batches, and takes any tensor-like feed', async () => {
    using session = await InferenceSession.create(tinyGemm());
    for (const rows of [1, 2, 5, 2]) {
      const y = session.runSync({ x: { type: 'float32', dims: [rows, 3], data: x(rows).data as Float32Array } }).y;
      expect(y?.dims).toEqual([rows, 2]);
      expect((await session.run({ x: x(rows) })).y?.data).toEqual(y?.data);
    }
    expect(session.runSync({ x: x(0) }).y?.dims).toEqual([0, 2]);
  });

  it('fetches by name, inner values too, and fills given tensors', async () => {
    const session = await InferenceSession.create(tinyGemm(), { optimize: false });
    const inner = await session.run({ x: x(1) }, ['h']);
    expect(Object.keys(inner)).toEqual(['h']);
    expect(inner.h?.data).toEqual(Float32Array.of(14.5, -13.75));
    const data = new Float32Array(2);
    const filled = await session.run({ x: x(1) }, { y: new Tensor('float32', data, [1, 2]) });
    expect(filled.y?.data).toBe(data);
    expect([...data]).toEqual([14.5, 0]);
    await expect(session.run({ x: x(1) }, ['nope'])).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
      message: expect.stringMatching(/no value 'nope'.*outputs are 'y'/),
    });
    const small = { y: new Tensor('float32', new Float32Array(4), [2, 2]) };
    await expect(session.run({ x: x(1) }, small)).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    session.dispose();
  });

  it('says what runs', async () => {
    const session = await InferenceSession.create(tinyGemm());
    const info = session.backendInfo();
    expect(info.isas).toContain(info.isa);
    expect(info.threads).toBeGreaterThan(0);
    expect(session.backend.kind).toBe(info.backend);
    expect(await session.describe({ x: x(2) })).toMatch(/gemm_f32 'Gemm_h'[\s\S]*m=2/);
    session.dispose();
  });

  it('takes a ceiling for the instruction set, and refuses one that it does not know', async () => {
    const first = await InferenceSession.create(tinyGemm());
    for (const isa of first.backend.isas) {
      const session = await InferenceSession.create(tinyGemm(), { isa });
      expect((await session.run({ x: x(3) })).y?.data).toEqual((await first.run({ x: x(3) })).y?.data);
      session.dispose();
    }
    await expect(InferenceSession.create(tinyGemm(), { isa: 'z80' })).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
    });
    first.dispose();
  });
});

describe('feeds', () => {
  const floats = new Float32Array(3);
  it.each([
    [{}, /No feed for 'x' \(float32 \[batch, 3\]\)/],
    [{ x: x(1), z: x(1) }, /'z' is no input of the model; the inputs are 'x'/],
    [{ x: new Tensor('int32', new Int32Array(3), [1, 3]) }, /has type int32; wanted float32/],
    [{ x: new Tensor('float32', floats, [3]) }, /has shape \[3\]; wanted float32 \[batch, 3\]/],
    [{ x: new Tensor('float32', new Float32Array(4), [1, 4]) }, /has shape \[1, 4\]; wanted/],
    [{ x: { type: 'float32', dims: [2, 3], data: floats } }, /has 3 elements for shape \[2, 3\]/],
    [{ x: { type: 'float32', dims: [1, 3], data: new Int8Array(12) } }, /is a Int8Array/],
    [{ x: { type: 'float32', dims: [1, 3], data: [1, 2, 3] } }, /is Array, not a typed array/],
    [{ x: { type: 'float32', dims: [-1, 3], data: floats } }, /dimensions \[-1, 3\]/],
    [{ x: 5 }, /is number 5, not a tensor/],
    [null, /Feeds are an object of tensors/],
  ])('%# are refused', async (feeds, message) => {
    using session = await InferenceSession.create(tinyGemm());
    const wanted = { code: 'ERR_BAD_FEED', message: expect.stringMatching(message) };
    await expect(session.run(feeds as never)).rejects.toMatchObject(wanted);
    expect(() => session.runSync(feeds as never)).toThrowError(expect.objectContaining(wanted));
  });

  it('of two inputs must agree in their named dimensions', async () => {
    const graph: Graph = {
      ...tinyGemm(),
      inputs: ['a', 'b'],
      nodes: [node('Add', ['a', 'b'], ['y'])],
      constants: new Map(),
      types: new Map([
        ['a', { dtype: 'float32', dims: ['n', 3] }],
        ['b', { dtype: 'float32', dims: ['n', 3] }],
      ]),
    };
    using session = await InferenceSession.create(graph);
    await expect(session.run({ a: x(1), b: x(2) })).rejects.toMatchObject({
      code: 'ERR_BAD_FEED',
      message: expect.stringMatching(/has 2 for dimension 'n', but feed 'a' has 1/),
    });
  });

  it('may be changed once run() has returned', async () => {
    using session = await InferenceSession.create(tinyGemm());
    for (const rows of [1, 4]) {
      const feed = x(rows);
      const result = session.run({ x: feed });
      (feed.data as Float32Array).fill(0);
      expect((await result).y?.data[0]).toBe(14.5);
    }
  });
});

describe('models that cannot be run', () => {
  it('lists every unsupported operator with its nodes', async () => {
    const graph = tinyGemm();
    const nodes = [
      node('Gemm', ['x', 'w', 'b'], ['h']),
      node('GRU', ['h'], ['e1']),
      node('GRU', ['e1'], ['e2']),
      node('LSTM', ['e2', 'w', 'w'], ['y']),
    ];
    await expect(InferenceSession.create({ ...graph, nodes })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/GRU \('GRU_e1', 'GRU_e2'\); LSTM \('LSTM_y'\)/),
    });
  });

  it('names other formats', async () => {
    await expect(InferenceSession.create(new TextEncoder().encode('GGUF and more'))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/GGUF/),
    });
    await expect(InferenceSession.create(tinyGemm(), { backend: 'gpu' as never })).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
      message: expect.stringMatching(/'native', 'wasm' or a backend/),
    });
    await expect(InferenceSession.create(tinyGemm(), { planCacheSize: 0 })).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
    });
    for (const threads of [0, 257, 1.5, Number.NaN]) {
      await expect(InferenceSession.create(tinyGemm(), { threads })).rejects.toMatchObject({
        code: 'ERR_BAD_ARGUMENT',
        message: expect.stringMatching(/from 1 to 256 for threads/),
      });
    }
    await expect(InferenceSession.create(42 as never)).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await expect(InferenceSession.create(new ArrayBuffer(8), 4, 8)).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await expect(InferenceSession.create('/nowhere/model.onnx')).rejects.toMatchObject({ code: 'ERR_IO' });
  });
});

describe('open shapes', () => {
  it('opens a model that a batch of 1 does not fit', async () => {
    const graph = tinyGemm();
    const rows = { dtype: 'float32' as const, dims: [2, 2], data: new Uint8Array(16) };
    const two: Graph = {
      ...graph,
      nodes: [
        node('Gemm', ['x', 'w', 'b'], ['h']),
        node('Reshape', ['h', 'shape'], ['r']),
        node('Add', ['r', 'rows'], ['y']),
      ],
      constants: new Map([
        ...graph.constants,
        ['rows', rows],
        ['shape', constantOf('int64', [2], BigInt64Array.of(2n, 2n))],
      ]),
      types: new Map([...graph.types].filter(([name]) => name !== 'y')),
    };
    using session = await InferenceSession.create(two);
    expect((await session.run({ x: x(2) })).y?.dims).toEqual([2, 2]);
    await expect(session.run({ x: x(1) })).rejects.toMatchObject({ code: 'ERR_BAD_MODEL' });
  });
});

describe('lives', () => {
  it('ends with dispose', async () => {
    const session = await InferenceSession.create(tinyGemm());
    const last = session.run({ x: x(1) });
    session.dispose();
    session.dispose();
    expect((await last).y?.data[0]).toBe(14.5);
    await expect(session.run({ x: x(1) })).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(() => session.runSync({ x: x(1) })).toThrowError(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  it('drops plans of old shapes while they run', async () => {
    using session = await InferenceSession.create(tinyGemm(), { planCacheSize: 1 });
    const rows = Array.from({ length: 12 }, (_, i) => 1 + (i % 4));
    const results = await Promise.all(rows.map((count) => session.run({ x: x(count) })));
    results.forEach(({ y }, i) => {
      expect(y?.dims).toEqual([rows[i], 2]);
      expect(y?.data[0]).toBe(14.5);
    });
  });

  it('runs two sessions, several times each, at once', async () => {
    const [a, b] = await Promise.all([InferenceSession.create(deepConv(4, 24)), InferenceSession.create(tinyGemm())]);
    const feed = new Tensor('float32', new Float32Array(16 * 24 * 24).fill(1), [1, 16, 24, 24]);
    const expected = a.runSync({ v0: feed }).v4?.data;
    const runs = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? a.run({ v0: feed }) : b.run({ x: x(2) })));
    const results = await Promise.all(runs);
    results.forEach((result, i) => {
      if (i % 2 === 0) expect(result.v4?.data).toEqual(expected);
      else expect(result.y?.data[0]).toBe(14.5);
    });
    a.dispose();
    b.dispose();
  });

  it('stops at an AbortSignal and reports progress', async () => {
    using session = await InferenceSession.create(deepConv(60, 256));
    const feed = new Tensor('float32', new Float32Array(16 * 256 * 256).fill(1), [1, 16, 256, 256]);
    await expect(session.run({ v0: feed }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
    // Aborted before the run's thread has computed 60 convolutions, however late this thread gets to say so.
    const controller = new AbortController();
    const stopped = session.run({ v0: feed }, { signal: controller.signal });
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    let last = [0, 1];
    await session.run({ v0: feed }, undefined, { onProgress: (done, total) => (last = [done, total]) });
    expect(last[0]).toBe(last[1]);
  });

  it('keeps the event loop turning', async () => {
    using session = await InferenceSession.create(deepConv(60, 96));
    const feed = new Tensor('float32', new Float32Array(16 * 96 * 96).fill(1), [1, 16, 96, 96]);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    // A run that blocked the loop would settle in a microtask, and no timer would ever fire between two of them.
    let runs = 0;
    for (; ticks < 3 && runs < 500; runs++) await session.run({ v0: feed });
    clearInterval(timer);
    expect(runs).toBeLessThan(500);
  });
});

describe('observing sessions', () => {
  it('report ranges of inputs, inner values and outputs', async () => {
    const session = createObservingSession(tinyGemm(), ['x', 'h', 'y']);
    const ranges = await session.run({ x: x(2) });
    expect(Object.fromEntries(ranges)).toEqual({
      x: { min: 1, max: 6 },
      h: { min: -31.75, max: 32.5 },
      y: { min: 0, max: 32.5 },
    });
    session.dispose();
    await expect(session.run({ x: x(2) })).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(() => createObservingSession(tinyGemm(), ['nope'])).toThrowError(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }),
    );
  });
});
