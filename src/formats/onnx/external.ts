// Reads the files beside a model that hold its large tensors (ONNX, "External Data").

import { LowbitError } from '../../core/errors.js';
import { builtinFor } from '../../core/host.js';
import type { ExternalReader } from './tensors.js';

/**
 * A reader of the files in the model's folder. Only the bytes that are asked for are read, after they were compared with
 * the size of the file; links that lead out of the folder are refused.
 * Errors of the reader: ERR_BAD_FILE for a path outside the folder or a range outside the file, ERR_IO.
 */
export function externalReader(modelPath: string): ExternalReader {
  return (location, offset, length, tensor) => {
    const place = { tensor, file: modelPath };
    const { realpathSync } = builtinFor(modelPath, 'node:fs');
    const { isAbsolute, relative, resolve } = builtinFor(modelPath, 'node:path');
    const folder = realFolder(modelPath);
    if (location === '' || isAbsolute(location) || leaves(relative(folder, resolve(folder, location)))) {
      throw new LowbitError('ERR_BAD_FILE', `External data at '${location}' are outside of the model's folder`, place);
    }
    let path: string;
    try {
      path = realpathSync(resolve(folder, location));
    } catch (error) {
      throw new LowbitError('ERR_IO', `Cannot read the external data '${location}'`, place, { cause: error });
    }
    if (leaves(relative(folder, path))) {
      throw new LowbitError('ERR_BAD_FILE', `External data at '${location}' lead outside of the model's folder`, place);
    }
    return readRange(path, location, offset, length, place);
  };
}

function realFolder(modelPath: string): string {
  const { realpathSync } = builtinFor(modelPath, 'node:fs');
  const { dirname, resolve } = builtinFor(modelPath, 'node:path');
  try {
    return realpathSync(dirname(resolve(modelPath)));
  } catch (error) {
    throw new LowbitError('ERR_IO', 'The folder of the model does not exist', { file: modelPath }, { cause: error });
  }
}

function leaves(path: string): boolean {
  const { isAbsolute, sep } = builtinFor(path, 'node:path');
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
}

function readRange(
  path: string,
  location: string,
  offset: number,
  length: number,
  place: { tensor: string; file: string },
): Uint8Array {
  const { closeSync, fstatSync, openSync, readSync } = builtinFor(place.file, 'node:fs');
  let handle: number | undefined;
  try {
    handle = openSync(path, 'r');
    const stat = fstatSync(handle);
    if (!stat.isFile() || offset + length > stat.size) {
      const range = `bytes ${offset} to ${offset + length}`;
      throw new LowbitError(
        'ERR_BAD_FILE',
        `External data are ${range} of '${location}', which has ${stat.size}`,
        place,
      );
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const read = readSync(handle, bytes, done, length - done, offset + done);
      if (read === 0) throw new LowbitError('ERR_BAD_FILE', `'${location}' shrank while it was read`, place);
      done += read;
    }
    return bytes;
  } catch (error) {
    if (error instanceof LowbitError) throw error;
    throw new LowbitError('ERR_IO', `Cannot read the external data '${location}'`, place, { cause: error });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
