// Datasets of .npy files: the first axis of each file counts its samples.

import { LowbitError } from '../core/errors.js';
import { type Dataset, datasetFrom } from './dataset.js';
import { type InputFile, readInput } from './input-file.js';
import { type NpyTensor, readNpy } from './npy.js';

/** Element types that become float32 by value; 64-bit integers may round, as any conversion to float32 does. */
const NUMERIC = new Set([
  'float32',
  'float64',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'int64',
  'uint64',
]);

/**
 * A tensor [n, …] is n samples of dims [1, …]; a tensor of rank 1 or 0 is one sample of its own dims. Values are fed as
 * they are (no preprocessing), converted to float32. Opening reads every file once
 * to count its samples; the file read last stays in memory.
 * Errors: ERR_IO, ERR_BAD_FILE, ERR_UNSUPPORTED (an element type that is no number).
 */
export async function npyDataset(path: string, files: readonly InputFile[]): Promise<Dataset> {
  const samples: { file: InputFile; index: number; count: number }[] = [];
  for (const file of files) {
    const count = countOf(await load(file));
    for (let index = 0; index < count; index++) samples.push({ file, index, count });
  }
  let last: { file: InputFile; tensor: NpyTensor } | undefined;
  return datasetFrom({ kind: 'npy', path }, samples.length, async (position) => {
    const { file, index, count } = samples[position] as (typeof samples)[number];
    const cached = last;
    const tensor = cached?.file === file ? cached.tensor : await load(file);
    last = { file, tensor };
    if (countOf(tensor) !== count) {
      throw new LowbitError('ERR_BAD_FILE', 'The file changed while it was read', { file: file.path });
    }
    if (tensor.dims.length < 2)
      return { name: file.name, dims: tensor.dims, data: floats(tensor, 0, tensor.data.length) };
    const size = tensor.data.length / count;
    return {
      name: count === 1 ? file.name : `${file.name}#${index}`,
      dims: [1, ...tensor.dims.slice(1)],
      data: floats(tensor, index * size, (index + 1) * size),
    };
  });
}

function countOf(tensor: NpyTensor): number {
  return tensor.dims.length < 2 ? 1 : (tensor.dims[0] as number);
}

async function load(file: InputFile): Promise<NpyTensor> {
  const tensor = readNpy(await readInput(file.path), file.path);
  if (!NUMERIC.has(tensor.dtype)) {
    throw new LowbitError('ERR_UNSUPPORTED', `A sample of ${tensor.dtype}; expected numbers`, { file: file.path });
  }
  return tensor;
}

function floats(tensor: NpyTensor, from: number, to: number): Float32Array {
  const part = tensor.data.subarray(from, to);
  return part instanceof Float32Array ? part : Float32Array.from(part as ArrayLike<number | bigint>, Number);
}
