// What every file must be like: its size, its name, its first line, and the words that it may not hold.

import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { files, read, root, sources } from './tree.js';

const CODE = /\.(ts|mjs|cc|h|inc)$/;
const code = ['src', 'native', 'wasm', 'test', 'bench', 'tools', 'examples'].flatMap((folder) => sources(folder, CODE));

/** One instruction set of a matrix product may take more room: its register tiles are written out. So may the tables. */
function lineLimit(file: string): number {
  if (file.endsWith('.inc')) return 600;
  return /^native\/kernels\/(gemm|conv)_\w+\/(x86|arm|wasm)_\w+\.cc$/.test(file) ? 600 : 400;
}

describe('files', () => {
  test('none is longer than a reader can hold', () => {
    const long = code.map((file) => ({ file, lines: read(file).split('\n').length - 1 }));
    expect(long.filter(({ file, lines }) => lines > lineLimit(file))).toEqual([]);
  });

  test('TypeScript is kebab-case and C++ is snake_case', () => {
    const wrong = code.filter((file) => {
      const name = path.posix.basename(file);
      return /\.(cc|h|inc)$/.test(file)
        ? !/^[a-z0-9]+(_[a-z0-9]+)*\.\w+$/.test(name)
        : !/^[a-z0-9]+([.-][a-z0-9]+)*\.\w+$/.test(name);
    });
    expect(wrong).toEqual([]);
  });

  test('no room is a drawer for everything', () => {
    const drawer = /(^|[/._-])(utils?|common|helpers?|misc)([/._-]|$)/;
    expect(files.filter((file) => drawer.test(file))).toEqual([]);
  });

  test('the first line says what the file is', () => {
    const wrong = code.filter((file) => {
      const lines = read(file).split('\n');
      const first = (lines[0] as string).startsWith('#!') ? (lines[1] as string) : (lines[0] as string);
      return !/^\/\/ \S.{6,}/.test(first);
    });
    expect(wrong).toEqual([]);
  });

  test('nothing names a path of the machine that it was written on', () => {
    const anyones = ['/', '/home', '/opt', '/usr', '/usr/local', os.tmpdir()];
    const places = [root, path.dirname(root), os.homedir()].filter((place) => !anyones.includes(place));
    const text = files.filter((file) => /\.(ts|mjs|json|cc|h|inc|md|gyp|txt|yml|cmake)$|^\.[\w-]+(\/run)?$/.test(file));
    const wrong = text.filter((file) => {
      const words = read(file);
      return places.some((place) => words.includes(`${place}${path.sep}`));
    });
    expect(wrong).toEqual([]);
  });

  test('the lock file names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/);
  });

  test('no unfinished work is marked in the code', () => {
    const mark = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`);
    expect(code.filter((file) => mark.test(read(file)))).toEqual([]);
  });
});
