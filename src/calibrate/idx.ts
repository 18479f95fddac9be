// Datasets and labels in MNIST's idx layout, plain or gzipped: big-endian dimensions, then bytes.

import { LowbitError } from '../core/errors.js';
import { builtinFor } from '../core/host.js';
import { type Dataset, datasetFrom } from './dataset.js';
import { type InputFile, readInput } from './input-file.js';
import { describePreprocess, networkInput, type Preprocess } from './preprocess.js';

/** Protects from gzip bombs; MNIST's largest file is 47 MB. */
const MAX_INFLATED_BYTES = 2 ** 29;
/** idx: two zero bytes, the element type (8 is unsigned byte), the number of dimensions. */
const UNSIGNED_BYTE = 8;

/** The tensor of an idx file of unsigned bytes. Errors: ERR_IO, ERR_BAD_FILE, ERR_UNSUPPORTED (other element types). */
export async function readIdx(path: string): Promise<{ dims: number[]; data: Uint8Array }> {
  const bytes = await inflated(path, await readInput(path));
  const fail = (message: string, offset: number): LowbitError =>
    new LowbitError('ERR_BAD_FILE', message, { file: path, offset });
  if (bytes.byteLength < 8 || bytes[0] !== 0 || bytes[1] !== 0) throw fail('Not an idx file', 0);
  if (bytes[2] !== UNSIGNED_BYTE) {
    throw new LowbitError('ERR_UNSUPPORTED', `idx elements of type ${bytes[2]}; expected 8, unsigned bytes`, {
      file: path,
      offset: 2,
    });
  }
  const rank = bytes[3] as number;
  const start = 4 + 4 * rank;
  if (rank < 1 || rank > 4 || bytes.byteLength < start) throw fail(`An idx file of ${rank} dimensions`, 3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const wanted = dims.reduce((product, dim) => product * dim, 1);
  if (bytes.byteLength - start !== wanted) {
    throw fail(`[${dims.join(', ')}] takes ${wanted} bytes but the file holds ${bytes.byteLength - start}`, start);
  }
  return { dims, data: bytes.subarray(start) };
}

/** Gray images of idx files, [n, height, width]. */
export async function idxDataset(path: string, files: readonly InputFile[], option: Preprocess): Promise<Dataset> {
  // The images have one channel; a preset made for colour keeps its numbers but not its planes.
  const preprocess: Preprocess =
    option.mean.length === 1 && option.std.length === 1 ? { ...option, color: 'gray' } : option;
  const images: { name: string; data: Uint8Array; height: number; width: number }[] = [];
  for (const file of files) {
    const { dims, data } = await readIdx(file.path);
    if (dims.length !== 3) {
      throw new LowbitError('ERR_BAD_FILE', `Expected images of 3 dimensions but found [${dims.join(', ')}]`, {
        file: file.path,
      });
    }
    const [count, height, width] = dims as [number, number, number];
    const area = height * width;
    for (let i = 0; i < count; i++) {
      images.push({ name: `${file.name}#${i}`, data: data.subarray(i * area, (i + 1) * area), height, width });
    }
  }
  return datasetFrom(
    { kind: 'idx', path, preprocess: describePreprocess(preprocess) },
    images.length,
    async (index) => {
      const { name, ...image } = images[index] as (typeof images)[number];
      return { name, ...networkInput({ ...image, order: 'planar', channels: 1 }, preprocess) };
    },
  );
}

async function inflated(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const { promisify } = builtinFor(path, 'node:util');
  const { gunzip } = builtinFor(path, 'node:zlib');
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (error) {
    throw new LowbitError(
      'ERR_BAD_FILE',
      `Cannot inflate it: ${(error as Error).message}`,
      { file: path },
      { cause: error },
    );
  }
}
