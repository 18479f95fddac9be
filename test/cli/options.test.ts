// Option values, progress, and output files of the command line.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { preprocessOption } from '../../src/cli/data-options.js';
import { EXIT_CODES, exitCodeOf } from '../../src/cli/exit-codes.js';
import { assignment, integer, number, numbers, sides, word } from '../../src/cli/option-values.js';
import { checkOutput, writeOutput } from '../../src/cli/output-file.js';
import { createProgress } from '../../src/cli/progress.js';
import { ERROR_CODES, type ErrorCode } from '../../src/core/errors.js';

const usageError = expect.objectContaining({ code: 'ERR_USAGE' });

describe('option values', () => {
  it('are read', () => {
    expect(integer('--n', 1)('12')).toBe(12);
    expect(number('--x')('1/255')).toBe(1 / 255);
    expect(number('--x', 0, 1)('.95')).toBe(0.95);
    expect(numbers('--mean')('.485, .456,.406')).toEqual([0.485, 0.456, 0.406]);
    expect([sides('--crop')('224'), sides('--crop')('240x320')]).toEqual([
      [224, 224],
      [240, 320],
    ]);
    expect(word('layout', ['nchw', 'nhwc'])('nhwc')).toBe('nhwc');
    expect(assignment('--input')('a=b=c.npy')).toEqual({ name: 'a', value: 'b=c.npy' });
  });

  it.each([
    ['an integer', () => integer('--n', 1)('0')],
    ['an integer', () => integer('--n', 1)('1.5')],
    ['an integer', () => integer('--n', 1)('')],
    ['an integer', () => integer('--n', 1, 9)('10')],
    ['a number', () => number('--x')('')],
    ['a number', () => number('--x')('1/0')],
    ['a number', () => number('--x')('1/')],
    ['a number', () => number('--x')('a')],
    ['a number', () => number('--x', 0, 1)('1.01')],
    ['numbers', () => numbers('--mean')('1,,2')],
    ['sides', () => sides('--crop')('0')],
    ['sides', () => sides('--crop')('2x')],
    ['a word', () => word('layout', ['nchw'])('hwc')],
    ['an assignment', () => assignment('--input')('=a')],
    ['an assignment', () => assignment('--input')('a=')],
  ])('refuse what is not %s', (_what, parse) => {
    expect(parse).toThrowError(usageError);
  });

  it('make a preprocessing only when one was asked for', () => {
    expect(preprocessOption({})).toBeUndefined();
    expect(preprocessOption({ preprocess: 'unit', size: 32 })).toEqual({ preset: 'unit', size: 32 });
  });
});

describe('exit codes', () => {
  it('follow the error', () => {
    const codes = Object.keys(ERROR_CODES) as ErrorCode[];
    const byExit = (exit: number) => codes.filter((code) => exitCodeOf(code) === exit);
    expect(byExit(EXIT_CODES.usage)).toEqual(['ERR_BAD_ENVIRONMENT', 'ERR_USAGE']);
    expect(byExit(EXIT_CODES.limitNotMet)).toEqual(['ERR_LIMIT_NOT_MET']);
    expect(byExit(EXIT_CODES.unsupported)).toEqual(['ERR_UNSUPPORTED']);
    expect(byExit(EXIT_CODES.done)).toEqual([]);
  });
});

describe('progress', () => {
  function record(isTTY: boolean) {
    let text = '';
    let time = 0;
    const stream = { isTTY, columns: 60, write: (part: string) => (text += part) };
    const progress = createProgress(stream, () => time);
    return { progress, wait: (ms: number) => (time += ms), text: () => text };
  }

  it('is plain lines away from a terminal: the first, the last, and one now and then', () => {
    const { progress, wait, text } = record(false);
    for (let done = 1; done <= 10; done++) {
      progress.update('calibrate', done, 10);
      wait(1000);
    }
    progress.update('write', 1, 1);
    expect(text()).toBe('calibrate: 1/10\ncalibrate: 6/10\ncalibrate: 10/10\nwrite: 1/1\n');
  });

  it('is a bar on a terminal that leaves nothing behind', () => {
    const { progress, wait, text } = record(true);
    progress.update('calibrate', 5, 10);
    progress.update('calibrate', 6, 10);
    wait(100);
    progress.update('calibrate', 7, 10);
    progress.update('calibrate', 10, 10);
    const drawn = text().split('\r').slice(1);
    expect(drawn).toEqual([
      'calibrate [############------------] 5/10\x1b[K',
      'calibrate [#################-------] 7/10\x1b[K',
      '\x1b[K',
    ]);
  });
});

describe('output files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lowbit-output-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('are whole or not there, and nothing is left beside them', async () => {
    const path = join(folder, 'a');
    await writeOutput(path, Uint8Array.of(1, 2, 3), false);
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    await expect(writeOutput(path, Uint8Array.of(4), false)).rejects.toMatchObject({ code: 'ERR_FILE_EXISTS' });
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    await writeOutput(path, Uint8Array.of(4), true);
    expect([...(await readFile(path))]).toEqual([4]);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('are refused before the work: a name that is taken, a missing folder, a folder in their place', async () => {
    const path = join(folder, 'a');
    await writeFile(path, '');
    await mkdir(join(folder, 'b'));
    await symlink('/dev/null', join(folder, 'null'));
    await expect(checkOutput(path, false)).rejects.toMatchObject({ code: 'ERR_FILE_EXISTS' });
    await expect(checkOutput(path, true)).resolves.toBeUndefined();
    for (const other of ['b', 'null', join('nowhere', 'a')]) {
      await expect(checkOutput(join(folder, other), true)).rejects.toMatchObject({ code: 'ERR_IO' });
    }
  });
});
