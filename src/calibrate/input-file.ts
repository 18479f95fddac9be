// Input files and folders: reading with a size bound, and listing in an order that never changes.

import { LowbitError } from '../core/errors.js';
import { builtinFor } from '../core/host.js';

/** A file of a dataset: where it is, and its name below the dataset's folder with `/` between the parts. */
export interface InputFile {
  readonly path: string;
  readonly name: string;
}

/** A file's bytes. Errors: ERR_IO. */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return await builtinFor(path, 'node:fs/promises').readFile(path);
  } catch (error) {
    throw ioError(path, error);
  }
}

/**
 * The files of a folder and of the folders below it, ordered by the code units of their names; or the file itself.
 * Names that begin with a dot are skipped, links to folders are not followed. Errors: ERR_IO.
 */
export async function listInputs(path: string): Promise<{ folder: boolean; files: InputFile[] }> {
  try {
    const { readdir, stat } = builtinFor(path, 'node:fs/promises');
    const { join, relative, sep } = builtinFor(path, 'node:path');
    const status = await stat(path);
    if (!status.isDirectory()) return { folder: false, files: [{ path, name: path.split(/[\\/]/).at(-1) ?? path }] };
    const files: InputFile[] = [];
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const full = join(entry.parentPath, entry.name);
      const name = relative(path, full).split(sep).join('/');
      if (!/(^|\/)\./.test(name)) files.push({ path: full, name });
    }
    files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return { folder: true, files };
  } catch (error) {
    throw ioError(path, error);
  }
}

function ioError(path: string, error: unknown): LowbitError {
  if (error instanceof LowbitError) return error;
  const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (error as Error).message;
  return new LowbitError('ERR_IO', `Cannot read '${path}': ${reason}`, { file: path }, { cause: error });
}
