// The table of kernels against the files on disk, the names against their grammar, and the objects against leaks.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { files, isaRows, kernelRows, read, root, sources } from './tree.js';

const rows = kernelRows();
const isas = isaRows().map(({ name }) => name);
const slots = [...new Set(rows.map(({ slot }) => slot))];

/** `<op>_<types>` or `<op>_<input types>_<output type>`: types are f32, i32, u8 and i8, run together for several inputs; 8 is any byte. */
const SLOT = /^[a-z]+(_[a-z]+)*(_8|(_((f32|i32|u8|i8)+)){1,2})$/;

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

  test('every row has its function in a file of its instruction set', () => {
    const missing = rows.filter(({ slot, isa }) => {
      const places = files.filter((file) => /^native\/kernels\/\w+\//.test(file) && file.endsWith(`/${isa}.cc`));
      return !places.some((file) => new RegExp(`\\b${slot}(_${isa})?\\b`).test(read(file)));
    });
    expect(missing.map(({ slot, isa }) => `${slot}_${isa}`)).toEqual([]);
  });

  test('every file of an instruction set has a row, and its family a contract', () => {
    const named = files.filter((file) => {
      const isa = /^native\/kernels\/\w+\/(\w+)\.cc$/.exec(file)?.[1];
      return isa !== undefined && isas.includes(isa);
    });
    expect(named.length).toBeGreaterThan(0);
    for (const file of named) {
      const isa = path.posix.basename(file, '.cc');
      const family = path.posix.basename(path.posix.dirname(file));
      expect(files, file).toContain(`native/kernels/${family}/${family}.h`);
      const text = read(file);
      const own = rows.filter((row) => row.isa === isa && new RegExp(`\\b${row.slot}(_${isa})?\\b`).test(text));
      expect(own.length, `rows of ${file}`).toBeGreaterThan(0);
      if (isa !== 'portable') {
        expect(text, file).toContain(`#include "native/isa/target/begin_${isa}.h"`);
        expect(text, file).toMatch(/#if defined\(__(x86_64|aarch64|wasm_simd128|wasm_relaxed_simd)__\)/);
      }
    }
  });

  test('every slot has a test', () => {
    const tests = sources('test/kernels', /\.ts$/).map(read).join('\n');
    expect(slots.filter((slot) => !new RegExp(`'${slot}'`).test(tests))).toEqual([]);
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
