// The description of each build against the tables that it was made of.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadBackendOf } from '../../src/backend/load.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

/** The columns of every row `MACRO(a, b, …)` that starts a line. */
function rows(path: string, macro: string): string[][] {
  const pattern = new RegExp(`^${macro}\\((.*)\\)$`, 'gm');
  return [...read(path).matchAll(pattern)].map(([, columns]) => (columns as string).split(/,\s*/));
}

const KINDS: Record<string, string> = { B: 'buffer', I: 'int', F: 'float' };

describe.each([
  ['native', loadBackendOf('native')],
  ['wasm simd128', loadBackendOf('wasm', { variant: 'simd128' })],
] as const)('%s', (_name, backend) => {
  const { description } = backend;

  test('has the version of package.json', () => {
    expect(description.version).toBe((JSON.parse(read('package.json')) as { version: string }).version);
  });

  test('lists the operations with their fields', () => {
    const expected = rows('native/kernels/ops.inc', 'LOWBIT_OP').map(([name, ...fields], opcode) => ({
      name,
      opcode,
      fields: [...fields.join(', ').matchAll(/([BIF])\((\w+)\)/g)].map(([, kind, field]) => ({
        name: field,
        kind: KINDS[kind as string],
      })),
    }));
    expect(expected.length).toBeGreaterThan(0);
    expect(description.ops).toEqual(expected);
  });

  test('lists the kernels, and a slot for each portable one', () => {
    const expected = rows('native/kernels/kernels.inc', 'LOWBIT_KERNEL');
    expect(description.kernels).toEqual(
      expected.map(([slot, , isa, exactness, ...tile]) => ({ slot, isa, exactness, tile: tile.map(Number) })),
    );
    expect(description.slots).toEqual(expected.filter(([, , isa]) => isa === 'portable').map(([slot]) => slot));
    expect(new Set(expected.map(([slot]) => slot))).toEqual(new Set(description.slots));
  });

  test('lists the instruction sets, of which the portable one always works', () => {
    const expected = rows('native/isa/isa.inc', 'LOWBIT_ISA');
    expect(description.isas.map(({ name, architecture, rank }) => [name, architecture, String(rank)])).toEqual(
      expected.map(([name, architecture, rank]) => [name, architecture, rank]),
    );
    expect(backend.isas[0]).toBe('portable');
    expect(backend.isas).toContain(backend.isa);
  });

  test('lists the functions and status codes of the C ABI', () => {
    const functions = [...read('native/abi/abi.inc').matchAll(/^LOWBIT_FUNCTION\((\w+), (\w+), (.*?), "/gm)];
    expect(description.functions).toEqual(
      functions.map(([, name, mode, args]) => ({
        name,
        mode,
        arguments: [...(args as string).matchAll(/([A-Z_]+)\((\w+)\)/g)].map(([, kind, argument]) => ({
          name: argument,
          kind: kind?.toLowerCase(),
        })),
      })),
    );
    const statuses = [...read('native/abi/status.inc').matchAll(/^LOWBIT_STATUS\((\w+), (\d+), "(.*)"\)$/gm)];
    expect(description.statuses).toEqual(
      statuses.map(([, name, number, sentence]) => ({ name, number: Number(number), sentence })),
    );
  });
});

test('the WebAssembly modules import nothing', () => {
  for (const variant of ['simd128', 'relaxed']) {
    const bytes = readFileSync(new URL(`dist/wasm/lowbit-${variant}.wasm`, ROOT));
    if (variant === 'simd128' || WebAssembly.validate(bytes)) {
      expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([]);
    }
  }
});
