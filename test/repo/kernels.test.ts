// The table of kernels against the files on disk, the names against their grammar, and the objects against leaks.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { files, isaRows, type KernelRow, kernelRows, read, root, sources } from './tree.js';

const rows = kernelRows();
const isas = isaRows().map(({ name }) => name);
const slots = [...new Set(rows.map(({ slot }) => slot))];

/** `<op>_<types>` or `<op>_<input types>_<output type>`: types are f32, i32, u8, i8, f16, bf16, f8, i16, u16 and u4, run together for several inputs; 8 is any byte, 32 any four. */
const SLOT = /^[a-z]+(_[a-z]+)*(_8|_32|(_((f32|bf16|f16|f8|i32|i16|u16|u8|i8|u4)+)){1,2})$/;

const GUARDS = {
  x86_64: /^#if defined\(__x86_64__\)/m,
  aarch64: /^#if defined\(__aarch64__\)/m,
  wasm32: /^#if defined\((__wasm_simd128__|LOWBIT_WASM_RELAXED)\)/m,
};

/** The files that are named after an instruction set. */
const isaFiles = files.filter((file) => isas.includes(/^native\/kernels\/\w+\/(\w+)\.cc$/.exec(file)?.[1] ?? ''));

/** True when the file defines the row's function, itself or by giving its instruction set to a macro of its family's bodies. */
function defines(file: string, { slot, isa }: KernelRow): boolean {
  if (path.posix.basename(file, '.cc') !== isa) return false;
  const text = read(file);
  if (text.includes(`void ${slot}_${isa}(`)) return true;
  if (!text.includes(`KERNELS(${isa})`)) return false;
  const bodies = [...text.matchAll(/#include "(native\/kernels\/\w+\/\w+\.h)"/g)].map((match) =>
    read(match[1] as string),
  );
  return bodies.some((body) => body.includes(`void ${slot}_##isa(`));
}

describe('kernels.inc', () => {
  test('every line that begins a row is a whole row', () => {
    expect(rows.length).toBeGreaterThan(0);
    expect(read('native/kernels/kernels.inc').match(/^LOWBIT_KERNEL\(/gm)).toHaveLength(rows.length);
  });

  test('names parse by their grammar', () => {
    expect(slots.filter((slot) => !SLOT.test(slot))).toEqual([]);
  });

  test('a row names a known instruction set and exactness, once', () => {
    expect(rows.filter(({ isa }) => !isas.includes(isa))).toEqual([]);
    expect(rows.filter(({ exactness }) => exactness !== 'exact' && exactness !== 'ulp')).toEqual([]);
    const symbols = rows.map(({ slot, isa }) => `${slot}_${isa}`);
    expect(symbols).toEqual([...new Set(symbols)]);
  });

  test('every slot has a portable row, and one exactness and argument struct on all instruction sets', () => {
    for (const slot of slots) {
      const own = rows.filter((row) => row.slot === slot);
      expect(
        own.map(({ isa }) => isa),
        slot,
      ).toContain('portable');
      expect(new Set(own.map(({ exactness }) => exactness)).size, slot).toBe(1);
      expect(new Set(own.map((row) => row.arguments)).size, slot).toBe(1);
    }
  });

  test('the argument struct of a row is declared in a contract header', () => {
    const headers = sources('native/kernels', /\.h$/).map(read).join('\n');
    const missing = rows.filter((row) => !new RegExp(`^struct ${row.arguments}\\b`, 'm').test(headers));
    expect(missing.map((row) => row.arguments)).toEqual([]);
  });

  test('every row has its function in one file of its instruction set', () => {
    const wrong = rows.map((row) => ({ row, places: isaFiles.filter((file) => defines(file, row)) }));
    expect(wrong.filter(({ places }) => places.length !== 1)).toEqual([]);
  });

  test('every file of an instruction set has a row, a contract, and a region of its own', () => {
    expect(isaFiles.length).toBeGreaterThan(0);
    for (const file of isaFiles) {
      const isa = path.posix.basename(file, '.cc');
      const family = path.posix.basename(path.posix.dirname(file));
      expect(files, file).toContain(`native/kernels/${family}/${family}.h`);
      expect(
        rows.filter((row) => defines(file, row)),
        file,
      ).not.toEqual([]);
      if (isa === 'portable') continue;
      expect(read(file), file).toContain(`#include "native/isa/target/begin_${isa}.h"`);
      const architecture = isaRows().find(({ name }) => name === isa)?.architecture;
      expect(read(file), file).toMatch(GUARDS[architecture as keyof typeof GUARDS]);
    }
  });

  test('every slot has a test that says so with coversSlots', () => {
    const calls = sources('test/kernels', /\.test\.ts$/).flatMap((file) => [
      ...read(file).matchAll(/coversSlots\(([^)]*)\)/g),
    ]);
    const covered = new Set(
      calls.flatMap((call) => [...(call[1] as string).matchAll(/'(\w+)'/g)].map((match) => match[1])),
    );
    expect(slots.filter((slot) => !covered.has(slot))).toEqual([]);
  });
});

describe('objects', () => {
  const objects = path.join(root, 'build/Release/obj.target');
  const nm = process.platform === 'linux' && existsSync(objects);

  test.skipIf(!nm)('objects of an instruction set define no weak symbol (skipped where no Linux build is)', () => {
    const found = readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\/(x86|arm)_\w+\.o$/.test(file),
    );
    expect(found.length).toBeGreaterThan(0);
    // W, V and u are weak or unique: the linker may keep this copy for code that must run on older processors.
    const weak = found.flatMap((file) =>
      execFileSync('nm', ['--defined-only', path.join(objects, file)], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => / [WVu] /.test(line))
        .map((line) => `${file}: ${line}`),
    );
    expect(weak).toEqual([]);
  });
});
