// Datasets in CIFAR-10's binary layout: records of one label byte and 3 x 32 x 32 pixel bytes, planes R, G, B.

import { LowbitError } from '../core/errors.js';
import { type Dataset, datasetFrom } from './dataset.js';
import { type InputFile, readInput } from './input-file.js';
import { describePreprocess, networkInput, type Preprocess } from './preprocess.js';

const SIDE = 32;
const PIXEL_BYTES = 3 * SIDE * SIDE;
const RECORD_BYTES = 1 + PIXEL_BYTES;
const CLASSES = 10;

/** All records of the batches in order, labelled. Errors: ERR_IO, ERR_BAD_FILE (a partial record, a label over 9). */
export async function cifar10Dataset(
  path: string,
  files: readonly InputFile[],
  preprocess: Preprocess,
): Promise<Dataset> {
  const records: { name: string; label: number; pixels: Uint8Array }[] = [];
  for (const file of files) {
    const bytes = await readInput(file.path);
    if (bytes.byteLength === 0 || bytes.byteLength % RECORD_BYTES !== 0) {
      throw new LowbitError(
        'ERR_BAD_FILE',
        `Expected a positive multiple of ${RECORD_BYTES} bytes (CIFAR-10 records) but found ${bytes.byteLength}`,
        { file: file.path },
      );
    }
    for (let offset = 0; offset < bytes.byteLength; offset += RECORD_BYTES) {
      const label = bytes[offset] as number;
      if (label >= CLASSES) {
        throw new LowbitError('ERR_BAD_FILE', `Label ${label}; CIFAR-10 has 0 to 9`, { file: file.path, offset });
      }
      records.push({
        name: `${file.name}#${offset / RECORD_BYTES}`,
        label,
        pixels: bytes.subarray(offset + 1, offset + RECORD_BYTES),
      });
    }
  }
  return datasetFrom(
    { kind: 'cifar10', path, preprocess: describePreprocess(preprocess) },
    records.length,
    async (index) => {
      const { name, label, pixels } = records[index] as (typeof records)[number];
      const planes = { data: pixels, order: 'planar', channels: 3, height: SIDE, width: SIDE } as const;
      return { name, label, ...networkInput(planes, preprocess) };
    },
  );
}
