// Plans on both backends: results, reuse, disposal, what is refused, and inputs that change while a run goes on.

import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { loadBackendOf } from '../../src/backend/load.js';
import { PlanBuilder } from '../../src/backend/plan-builder.js';

const BACKENDS: Record<string, Backend> = {
  native: loadBackendOf('native'),
  'wasm simd128': loadBackendOf('wasm', { variant: 'simd128' }),
  'wasm default': loadBackendOf('wasm'),
};

function minMaxPlan(backend: Backend, n: number) {
  const builder = new PlanBuilder(backend);
  const x = builder.input(4 * n);
  const out = builder.output(8);
  builder.op('min_max', { x, out, n });
  return builder.build(0);
}

describe.each(Object.entries(BACKENDS))('%s', (_name, backend) => {
  test('runs with constants, arena, inputs and outputs', async () => {
    const builder = new PlanBuilder(backend);
    const a = builder.input(16);
    const b = builder.constant(Float32Array.of(10, 20, 30, 40));
    const sum = builder.arena(64, 16);
    const y = builder.output(16);
    const row = { kind: 0, d0: 1, d1: 1, d2: 1, d3: 4, a0: 4, a1: 4, a2: 4, a3: 1, b0: 4, b1: 4, b2: 4, b3: 1 };
    builder.op('binary_f32', { a, b, y: sum, ...row, lo: -Infinity, hi: Infinity });
    builder.op('clamp_f32', { x: sum, y, n: 4, lo: 12, hi: 33 });
    const plan = builder.build(128);
    const result = new Float32Array(4);
    plan.runSync([Float32Array.of(1, 2, 3, 4)], [result]);
    expect([...result]).toEqual([12, 22, 33, 33]);
    await plan.run([Float32Array.of(-1, 3, 1, 0)], [result]);
    expect([...result]).toEqual([12, 23, 31, 33]);
    plan.dispose();
  });

  test('a view at an odd offset and an empty tensor are inputs like any other', () => {
    const plan = minMaxPlan(backend, 4);
    const odd = new Uint8Array(19);
    odd.set(new Uint8Array(Float32Array.of(3, -1, 2, 7).buffer), 3);
    const result = new Uint8Array(13);
    plan.runSync([odd.subarray(3)], [result.subarray(5)]);
    expect([...new Float32Array(result.slice(5).buffer)]).toEqual([-1, 7]);
    const empty = new Float32Array(2);
    minMaxPlan(backend, 0).runSync([new Float32Array(0)], [empty]);
    expect([...empty]).toEqual([Infinity, -Infinity]);
  });

  test('inputs may change or be transferred once run() has returned', async () => {
    const plan = minMaxPlan(backend, 1000);
    const x = new Float32Array(1000).fill(1);
    const result = new Float32Array(2);
    const run = plan.run([x], [result]);
    x.fill(5);
    structuredClone(x.buffer, { transfer: [x.buffer] });
    await run;
    expect([...result]).toEqual([1, 1]);
  });

  test('an output that was detached meanwhile is an error, not a crash', async () => {
    const plan = minMaxPlan(backend, 1000);
    const result = new Float32Array(2);
    const run = plan.run([new Float32Array(1000)], [result]);
    structuredClone(result.buffer, { transfer: [result.buffer] });
    await expect(run).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
  });

  test('views of another size or number are refused', async () => {
    const plan = minMaxPlan(backend, 4);
    const x = new Float32Array(4);
    const y = new Float32Array(2);
    expect(() => plan.runSync([x.subarray(1)], [y])).toThrow(/input 0 has another size/);
    expect(() => plan.runSync([x], [new Float32Array(3)])).toThrow(/output 0 has another size/);
    expect(() => plan.runSync([], [y])).toThrow(/number of inputs or outputs/);
    await expect(plan.run([x, x], [y])).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
  });

  test('a disposed plan refuses to run, and runs that had begun end well', async () => {
    const plan = minMaxPlan(backend, 4);
    const result = new Float32Array(2);
    const run = plan.run([Float32Array.of(1, 2, 3, 4)], [result]);
    plan.dispose();
    plan.dispose();
    await run;
    expect([...result]).toEqual([1, 4]);
    expect(() => plan.runSync([new Float32Array(4)], [result])).toThrow(
      expect.objectContaining({ code: 'ERR_DISPOSED' }),
    );
    await expect(plan.run([new Float32Array(4)], [result])).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('many runs of one plan at once', async () => {
    const plan = minMaxPlan(backend, 4096);
    const runs = Array.from({ length: 20 }, async (_, i) => {
      const result = new Float32Array(2);
      await plan.run([new Float32Array(4096).fill(i)], [result]);
      expect([...result]).toEqual([i, i]);
    });
    await Promise.all(runs);
    expect(runs).toHaveLength(20);
  });

  test('every usable instruction set can be asked for, others cannot', () => {
    for (const isa of backend.isas) {
      const builder = new PlanBuilder(backend);
      const out = builder.output(8);
      builder.op('min_max', { x: builder.input(400), out, n: 100 });
      const result = new Float32Array(2);
      builder.build(0, { isa }).runSync([Float32Array.from({ length: 100 }, (_, i) => i - 50)], [result]);
      expect([...result], isa).toEqual([-50, 49]);
    }
    const builder = new PlanBuilder(backend);
    expect(() => builder.build(0, { isa: 'z80' })).toThrow(/Unknown instruction set 'z80'; usable here: portable/);
    const foreign = backend.kind === 'native' ? 'wasm_simd128' : 'x86_avx2';
    expect(() => builder.build(0, { isa: foreign })).toThrow(/does not have the instruction set/);
  });
});

describe('plan builder', () => {
  const backend = BACKENDS['native'] as Backend;
  const bad = expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' });

  test('names what is wrong with a field', () => {
    const builder = new PlanBuilder(backend);
    const x = builder.input(16);
    const y = builder.output(16);
    expect(() => builder.op('nothing', {})).toThrow(/no operation 'nothing'/);
    expect(() => builder.op('clamp_f32', { x, y, n: 4, lo: 0 })).toThrow(/needs the field 'hi'/);
    expect(() => builder.op('clamp_f32', { x, y, n: 4, lo: 0, hi: 1, low: 2 })).toThrow(/no field 'low'/);
    expect(() => builder.op('clamp_f32', { x, y, n: 4.5, lo: 0, hi: 1 })).toThrow(/'n' of operation clamp_f32 is 4.5/);
    expect(() => builder.op('clamp_f32', { x, y: 3, n: 4, lo: 0, hi: 1 })).toThrow(/expected a buffer/);
    expect(() => builder.op('clamp_f32', { x, y, n: y, lo: 0, hi: 1 })).toThrow(/expected an int32/);
  });

  test('refuses buffers of another builder, constants that were not filled, and impossible sizes', () => {
    const builder = new PlanBuilder(backend);
    const y = builder.output(16);
    const x = new PlanBuilder(backend).input(16);
    expect(() => builder.op('clamp_f32', { x, y, n: 4, lo: 0, hi: 1 })).toThrow(/another plan builder/);
    const reserved = builder.reserveConstant(8);
    expect(() => builder.build(0)).toThrow(/never filled/);
    expect(() => builder.fillConstant(reserved, new Uint8Array(7))).toThrow(bad);
    expect(() => builder.input(-1)).toThrow(bad);
    expect(() => builder.arena(0.5, 1)).toThrow(bad);
    expect(() => builder.part(y, 8, 9)).toThrow(bad);
  });

  test('a buffer outside of the arena and an operation larger than its buffer are refused', () => {
    const outside = new PlanBuilder(backend);
    outside.arena(64, 65);
    expect(() => outside.build(128)).toThrow(/buffer 0 lies outside of its space/);
    const small = new PlanBuilder(backend);
    small.op('clamp_f32', { x: small.input(16), y: small.output(12), n: 4, lo: 0, hi: 1 });
    expect(() => small.build(0)).toThrow(/clamp_f32 at instruction 0/);
    const huge = new PlanBuilder(backend);
    huge.arena(0, 2 ** 52);
    expect(() => huge.build(2 ** 52 - 1)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND' }));
  });

  test('an arena that no machine has is an error of its own', () => {
    const builder = new PlanBuilder(backend);
    builder.arena(0, 2 ** 52);
    const plan = builder.build(2 ** 52);
    expect(() => plan.runSync([], [])).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_MEMORY' }));
  });
});
