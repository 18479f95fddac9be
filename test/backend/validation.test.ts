// Plans whose words were changed at random: refused or harmless, never a crash.

import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { loadBackendOf } from '../../src/backend/load.js';
import { PlanBuilder } from '../../src/backend/plan-builder.js';
import { bundleBackend } from './bundle.js';

const native = loadBackendOf('native');

/** One instruction of every kind whose fields are easy to make valid; mutations reach the others by their opcode. */
function words(backend: Backend): Int32Array {
  const builder = new PlanBuilder(backend);
  const a = builder.input(4096);
  const b = builder.constant(new Float32Array(1024));
  const c = builder.arena(0, 4096);
  const y = builder.output(4096);
  builder.op('clamp_f32', { x: a, y: c, n: 1024, lo: 0, hi: 1 });
  builder.op('softmax_f32', { x: c, y, outer: 8, axis: 16, inner: 8 });
  builder.op('copy_rows', {
    x: b,
    y: c,
    rows: 4,
    row_bytes: 64,
    x_stride: 128,
    x_offset: 0,
    y_stride: 64,
    y_offset: 256,
  });
  builder.op('lookup_8', { x: a, table: b, y: c, n: 1024 });
  return builder.encode(4096).words;
}

describe('words that are not a plan', () => {
  const good = words(native);
  const constants = new Uint8Array(4096);
  const badPlan = expect.objectContaining({ code: 'ERR_BACKEND' });

  test('the unchanged words are one', () => {
    native.createPlan(good, constants).dispose();
  });

  test.each([0, 1, 8, 9, 10, good.length - 1])('the first %i words alone', (length) => {
    expect(() => native.createPlan(good.slice(0, length), constants)).toThrow(badPlan);
  });

  test('words after the last instruction', () => {
    expect(() => native.createPlan(Int32Array.from([...good, 0]), constants)).toThrow(
      /words after its last instruction/,
    );
  });

  test.each([
    ['magic', 0, 1],
    ['version', 1, 1],
    ['buffers', 2, -1],
    ['buffers', 2, 0x7fffffff],
    ['instructions', 3, -1],
    ['instructions', 3, 0x7fffffff],
    ['inputs', 4, 0],
    ['inputs', 4, 0x7fffffff],
    ['outputs', 5, -1],
    ['arena bytes', 6, 4095],
    ['threads', 8, -1],
    ['space of a buffer', 9, 4],
    ['port of a buffer', 10, 1],
    ['size of a buffer', 14, -1],
    ['opcode', 9 + 4 * 6, 999],
    ['opcode', 9 + 4 * 6, -1],
    ['field count', 9 + 4 * 6 + 1, 4],
    ['buffer of a field', 9 + 4 * 6 + 2, 4],
    ['count of a field', 9 + 4 * 6 + 4, 1025],
    ['count of a field', 9 + 4 * 6 + 4, -1],
  ])('%s (word %i) = %i', (_what, index, value) => {
    const bad = good.slice();
    bad[index] = value;
    expect(() => native.createPlan(bad, constants)).toThrow(badPlan);
  });

  test('constants that are shorter than their buffers', () => {
    expect(() => native.createPlan(good, constants.subarray(1))).toThrow(/lies outside of its space/);
  });
});

/** Mutates and runs in a process of its own, because a crash would take this one along. */
const PROGRAM = `
  const { loadBackendOf } = await import(process.argv[2]);
  const backend = loadBackendOf(process.argv[3]);
  const good = Int32Array.from(JSON.parse(process.argv[4]));
  const interesting = [-1, 0, 1, 2, 3, 4, 6, 7, 16, 255, 1024, 65536, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), -64];
  let state = 12345;
  const random = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * n); };
  const first = 8 + good[2] * 6;
  const counts = [...backend.ops.values()].map(({ fields }) => fields.length);
  const constants = new Uint8Array(4096);
  let loaded = 0, ran = 0;
  for (let round = 0; round < Number(process.argv[5]); round++) {
    let words = Array.from(good);
    if (round % 2 === 0) {
      // A whole instruction of another operation, its fields at random.
      const opcode = random(counts.length);
      const fields = backend.ops.get([...backend.ops.keys()][opcode]).fields.map(({ kind }) =>
        kind === 'buffer' ? random(6) - 1 : random(3) > 0 ? random(9) : interesting[random(interesting.length)]);
      words = [...words.slice(0, first), opcode, fields.length, ...fields];
      words[3] = 1;
    }
    for (let i = random(4); i > 0; i--) words[random(words.length)] = random(4) > 0 ? interesting[random(interesting.length)] : random(2 ** 32) | 0;
    // An arena of gigabytes is valid and only slow.
    if (words[7] !== 0 || words[6] < 0 || words[6] > 2 ** 24) continue;
    let plan;
    try { plan = backend.createPlan(Int32Array.from(words), constants); }
    catch (error) { if (error.code !== 'ERR_BACKEND') throw error; continue; }
    loaded++;
    try { plan.runSync([new Uint8Array(4096).fill(round)], [new Uint8Array(4096)]); ran++; }
    catch (error) { if (!['ERR_BAD_ARGUMENT', 'ERR_OUT_OF_MEMORY'].includes(error.code)) throw error; }
    plan.dispose();
  }
  console.log(JSON.stringify({ loaded: loaded > 0, ran: ran > 0 }));`;

describe('20,000 mutations', () => {
  let bundle = '';
  beforeAll(() => {
    bundle = pathToFileURL(bundleBackend('validation')).href;
  });

  test.each(['native', 'wasm'])('%s', { timeout: 120_000 }, (kind) => {
    const args = [
      '--input-type=module',
      '-e',
      PROGRAM,
      'mutations',
      bundle,
      kind,
      JSON.stringify([...words(native)]),
      '20000',
    ];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 110_000,
    });
    expect({ status, signal, stderr, stdout }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
      stdout: `${JSON.stringify({ loaded: true, ran: true })}\n`,
    });
  });
});
