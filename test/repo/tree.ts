// The files of the repository as git lists them, and the rows of the native tables, for the tests of this folder.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Repository paths of every file that git tracks or would track; ignored files are not among them. */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(path.join(root, file)));

export function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

/** Source files of this project's own languages below a folder. */
export function sources(folder: string, extensions: RegExp): string[] {
  return files.filter((file) => file.startsWith(`${folder}/`) && extensions.test(file));
}

export interface KernelRow {
  readonly slot: string;
  readonly arguments: string;
  readonly isa: string;
  readonly exactness: string;
  readonly tile: readonly number[];
}

/** The rows of kernels.inc. */
export function kernelRows(): KernelRow[] {
  const row = /^LOWBIT_KERNEL\((\w+), (\w+), (\w+), (\w+), (\d+), (\d+), (\d+)\)$/gm;
  return [...read('native/kernels/kernels.inc').matchAll(row)].map((match) => ({
    slot: match[1] as string,
    arguments: match[2] as string,
    isa: match[3] as string,
    exactness: match[4] as string,
    tile: match.slice(5, 8).map(Number),
  }));
}

export interface OpRow {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly kind: string }[];
}

const FIELD_KINDS: Readonly<Record<string, string>> = { B: 'buffer', I: 'int', F: 'float' };

/** The rows of ops.inc, in the order of their opcodes. */
export function opRows(): OpRow[] {
  return [...read('native/kernels/ops.inc').matchAll(/^LOWBIT_OP\((\w+), (.*)\)$/gm)].map((match) => ({
    name: match[1] as string,
    fields: [...(match[2] as string).matchAll(/([BIF])\((\w+)\)/g)].map((field) => ({
      name: field[2] as string,
      kind: FIELD_KINDS[field[1] as string] as string,
    })),
  }));
}

/** The rows of isa.inc. */
export function isaRows(): { name: string; architecture: string; rank: number }[] {
  return [...read('native/isa/isa.inc').matchAll(/^LOWBIT_ISA\((\w+), (\w+), (\d+), /gm)].map((match) => ({
    name: match[1] as string,
    architecture: match[2] as string,
    rank: Number(match[3]),
  }));
}
