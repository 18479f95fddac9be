// Output files: written beside their place, flushed, and renamed, so that a half-written file is never seen.

import { access, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LowbitError } from '../core/errors.js';

/**
 * Fails early, before the work that makes the output. What exists and is no ordinary file (a folder, a device) is refused
 * even with `force`: a rename would replace it. Errors: ERR_FILE_EXISTS without `force`, ERR_IO.
 */
export async function checkOutput(path: string, force: boolean): Promise<void> {
  if (await exists(path)) {
    if (!force) throw alreadyExists(path);
    if (!(await stat(path)).isFile()) throw new LowbitError('ERR_IO', 'The output is no ordinary file', { file: path });
  }
  if (!(await exists(dirname(path)))) {
    throw new LowbitError('ERR_IO', `The folder of the output does not exist: ${dirname(path)}`, { file: path });
  }
}

/**
 * Writes a whole file or nothing. Without `force` the last step is a hard link, which fails when the name was taken in the
 * meantime; file systems without hard links get a rename after one more look.
 * Errors: ERR_FILE_EXISTS without `force`, ERR_IO.
 */
export async function writeOutput(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  await checkOutput(path, force);
  const beside = `${path}.${process.pid}.partial`;
  try {
    const file = await open(beside, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(beside, path, force);
  } catch (error) {
    if (error instanceof LowbitError) throw error;
    throw new LowbitError(
      'ERR_IO',
      `Cannot write '${path}': ${(error as Error).message}`,
      { file: path },
      { cause: error },
    );
  } finally {
    await rm(beside, { force: true });
  }
}

/** Makes a folder for outputs; an existing one is fine. Errors: ERR_IO. */
export async function makeOutputFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new LowbitError(
      'ERR_IO',
      `Cannot make the folder '${path}': ${(error as Error).message}`,
      { file: path },
      { cause: error },
    );
  }
}

async function place(beside: string, path: string, force: boolean): Promise<void> {
  if (!force) {
    try {
      await link(beside, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST' || (await exists(path))) throw alreadyExists(path);
    }
  }
  await rename(beside, path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function alreadyExists(path: string): LowbitError {
  return new LowbitError('ERR_FILE_EXISTS', 'The output exists; give --force to overwrite it', { file: path });
}
