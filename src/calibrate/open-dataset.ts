// Opens a dataset from a path: the table of readers, and the choice by the names of the files.

import { LowbitError } from '../core/errors.js';
import { cifar10Dataset } from './cifar10.js';
import { type Dataset, labelled, subsetOf } from './dataset.js';
import { idxDataset } from './idx.js';
import { imageDataset } from './images.js';
import { type InputFile, listInputs } from './input-file.js';
import { readLabels } from './labels.js';
import { npyDataset } from './npy-dataset.js';
import { type Preprocess, type PreprocessOption, type PreprocessPreset, preprocessOf } from './preprocess.js';

interface DatasetReader {
  /** Which file names it reads. */
  readonly files: RegExp;
  /** The preset when the caller names none; undefined for data that is fed as it is. */
  readonly preprocess: PreprocessPreset | undefined;
  open(path: string, files: readonly InputFile[], preprocess: Preprocess): Dataset | Promise<Dataset>;
}

/** Every kind of dataset. To add one: a row here, a file beside this one, a test. */
export const DATASET_READERS = {
  images: { files: /\.(jpe?g|png|webp|tiff?|gif|avif)$/i, preprocess: 'imagenet', open: imageDataset },
  npy: { files: /\.npy$/i, preprocess: undefined, open: npyDataset },
  cifar10: { files: /\.bin$/i, preprocess: 'cifar10', open: cifar10Dataset },
  idx: { files: /(\.idx|idx3-ubyte)(\.gz)?$/i, preprocess: 'raw', open: idxDataset },
} as const satisfies Record<string, DatasetReader>;

export interface DatasetOptions {
  /** Default: `imagenet` for images, `cifar10` for CIFAR-10 batches, `raw` for idx files. Not for .npy. */
  readonly preprocess?: PreprocessOption;
  /** Path of the labels; CIFAR-10 batches bring their own. */
  readonly labels?: string;
  /** At most this many samples, drawn with `seed`. */
  readonly samples?: number;
  readonly seed?: number;
}

/**
 * A dataset from a folder (and the folders below it) or a file. Files of a folder that no reader knows are ignored.
 * Errors: ERR_IO, ERR_BAD_FILE, ERR_BAD_ARGUMENT (nothing to read, several kinds of data, bad options), ERR_MISSING_PEER.
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { folder, files } = await listInputs(path);
  const kinds = Object.entries(DATASET_READERS as Record<string, DatasetReader>)
    .map(([kind, reader]) => ({ kind, reader, files: files.filter((file) => reader.files.test(file.name)) }))
    .filter((found) => found.files.length > 0);
  const [first, second] = kinds;
  if (first === undefined) {
    const what = folder ? 'The folder holds' : 'The file is';
    throw bad(`${what} no images (.jpg .png .webp .tiff .gif .avif), .npy, CIFAR-10 .bin or idx files`, path);
  }
  if (second !== undefined) throw bad(`Both ${first.kind} and ${second.kind} files; expected one kind of data`, path);
  if (first.reader.preprocess === undefined && options.preprocess !== undefined) {
    throw bad('.npy samples are fed as they are; expected no preprocessing', path);
  }
  const preprocess = preprocessOf(options.preprocess, first.reader.preprocess ?? 'raw');
  let dataset = await first.reader.open(path, first.files, preprocess);
  if (options.labels !== undefined) dataset = labelled(dataset, await readLabels(options.labels));
  return options.samples === undefined ? dataset : subsetOf(dataset, options.samples, options.seed ?? 0);
}

function bad(message: string, path: string): LowbitError {
  return new LowbitError('ERR_BAD_ARGUMENT', message, { file: path });
}
