// Imports go down only, and the rooms of one layer do not know each other.

import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { read, sources } from './tree.js';

/** For every folder of src, the folders that it may import from besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = (() => {
  const below = ['core', 'numerics', 'backend', 'ir'];
  const middle = ['formats', 'observe', 'schemes', 'passes', 'runtime'];
  return {
    core: [],
    numerics: ['core'],
    backend: ['core'],
    ir: ['core', 'numerics', 'backend'],
    formats: below,
    observe: below,
    schemes: below,
    passes: [...below, 'schemes', 'observe'],
    runtime: below,
    session: [...below, ...middle],
    calibrate: [...below, ...middle, 'session'],
    report: [...below, ...middle, 'session', 'calibrate'],
    cli: [...below, ...middle, 'session', 'calibrate', 'report'],
  };
})();

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(file: string): Import[] {
  const specifiers = read(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']*)'/g);
  return [...specifiers].map((match) => ({
    from: file,
    to: path.posix.join(path.posix.dirname(file), match[1] as string),
  }));
}

/** The folder of src that a path is in; '' for the files that stand in src itself. */
function roomOf(file: string): string {
  const parts = file.split('/');
  return parts.length > 2 ? (parts[1] as string) : '';
}

const imports = sources('src', /\.ts$/).flatMap(importsOf);

describe('layers', () => {
  test('every folder of src has its place in the table', () => {
    const rooms = new Set(sources('src', /\.ts$/).map(roomOf));
    rooms.delete('');
    expect([...rooms].filter((room) => MAY_IMPORT[room] === undefined)).toEqual([]);
  });

  test('imports go down only', () => {
    expect(imports.length).toBeGreaterThan(50);
    const wrong = imports.filter(({ from, to }) => {
      const room = roomOf(from);
      if (room === '') return false;
      const target = roomOf(to);
      return target !== room && !(MAY_IMPORT[room] ?? []).includes(target);
    });
    expect(wrong).toEqual([]);
  });

  test('index.ts alone stands outside the rooms, and only re-exports', () => {
    expect(sources('src', /\.ts$/).filter((file) => roomOf(file) === '')).toEqual(['src/index.ts']);
    const code = read('src/index.ts').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
    const rest = code.replace(/export (?:type )?\{[^}]*\} from '[^']*';|export \* from '[^']*';/g, '');
    expect(rest.trim()).toBe('');
  });

  test('only the command line imports modules of Node by name: pages load all the rest', () => {
    const named = /(?:\bfrom|\bimport)\s*\(?\s*'node:/;
    const importing = sources('src', /\.ts$/).filter((file) =>
      named.test(read(file).replace(/typeof import\('node:/g, '')),
    );
    expect(importing.length).toBeGreaterThan(0);
    expect(importing.filter((file) => roomOf(file) !== 'cli')).toEqual([]);
  });

  test('imports name the .js file', () => {
    expect(imports.filter(({ to }) => !/\.js$/.test(to))).toEqual([]);
  });

  test('the oracle knows nothing of what it judges', () => {
    const oracle = sources('test/oracle', /\.ts$/);
    expect(oracle.length).toBeGreaterThan(0);
    expect(oracle.flatMap(importsOf).filter(({ to }) => !to.startsWith('test/oracle/'))).toEqual([]);
  });

  test('tests and tools are not imported by src', () => {
    expect(imports.filter(({ to }) => !to.startsWith('src/'))).toEqual([]);
  });
});
