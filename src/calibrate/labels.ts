// Class labels of a dataset: JSON { "file name": class index }, or an idx file in the order of the samples.

import { LowbitError } from '../core/errors.js';
import { readIdx } from './idx.js';
import { readInput } from './input-file.js';

/**
 * A lookup of class indices. JSON is asked for the sample's whole name first, then for its last part; an idx file by the
 * sample's position. Errors: ERR_IO, ERR_BAD_FILE.
 */
export async function readLabels(path: string): Promise<(name: string, index: number) => number | undefined> {
  if (/\bidx\d-ubyte|\.idx(\.gz)?$/.test(path)) {
    const { dims, data } = await readIdx(path);
    if (dims.length !== 1) {
      throw new LowbitError('ERR_BAD_FILE', `Expected labels of 1 dimension but found [${dims.join(', ')}]`, {
        file: path,
      });
    }
    return (_name, index) => data[index];
  }
  const table = parseTable(path, new TextDecoder().decode(await readInput(path)));
  return (name) => table.get(name) ?? table.get(name.split('/').at(-1) as string);
}

function parseTable(path: string, text: string): Map<string, number> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LowbitError('ERR_BAD_FILE', `Not JSON: ${(error as Error).message}`, { file: path }, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LowbitError('ERR_BAD_FILE', 'Expected one JSON object { "file name": class index }', { file: path });
  }
  const table = new Map<string, number>();
  for (const [name, label] of Object.entries(value)) {
    if (!Number.isSafeInteger(label) || label < 0) {
      throw new LowbitError('ERR_BAD_FILE', `Expected a class index for '${name}' but found ${JSON.stringify(label)}`, {
        file: path,
      });
    }
    table.set(name, label);
  }
  return table;
}
