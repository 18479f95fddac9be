// What the backends say of themselves against the tables that they were compiled from.

import { describe, expect, test } from 'vitest';
import { loadBackendOf } from '../../src/backend/load.js';
import { isaRows, kernelRows, opRows } from './tree.js';

describe.each(['native', 'wasm'] as const)('%s', (kind) => {
  const backend = loadBackendOf(kind);

  test('describes the instructions of ops.inc', () => {
    const ops = opRows();
    expect(ops.length).toBeGreaterThan(0);
    expect([...backend.ops.keys()]).toEqual(ops.map(({ name }) => name));
    ops.forEach(({ name, fields }, opcode) => {
      expect(backend.ops.get(name)).toMatchObject({ name, opcode, fields });
    });
  });

  test('describes the kernels of kernels.inc', () => {
    const told = backend.kernels.map(({ slot, isa, exactness }) => `${slot} ${isa} ${exactness}`);
    expect(told.length).toBeGreaterThan(0);
    const rows = kernelRows().map(({ slot, isa, exactness }) => `${slot} ${isa} ${exactness}`);
    expect(rows).toEqual(expect.arrayContaining(told));
  });

  test('uses an instruction set that it lists, and lists those of isa.inc', () => {
    const names = isaRows().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...backend.isas]));
    expect(backend.isas[0]).toBe('portable');
    expect(backend.isas).toContain(backend.isa);
  });
});
