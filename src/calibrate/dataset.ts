// What a dataset is: a known number of samples, each read when it is asked for, in an order that never changes.

import { type ErrorPlace, LowbitError, throwIfAborted } from '../core/errors.js';
import { seededSubset } from '../core/random.js';

/** One input of a model, ready to be fed: `dims` begins with the batch axis, `data` is row-major. */
export interface Sample {
  /** The file's name below the dataset's folder, or `file#index` for files that hold many samples. */
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
  /** The index of its class, where the dataset knows it. */
  readonly label?: number;
}

/** Samples by index. `read` may be called concurrently; `for await` reads all of them in order. */
export interface Dataset extends AsyncIterable<Sample> {
  /** What it is, for reports: the kind of reader, the path, the preprocessing. */
  readonly description: DatasetDescription;
  readonly length: number;
  read(index: number): Promise<Sample>;
}

export interface DatasetDescription {
  readonly kind: string;
  readonly path?: string;
  /** The preprocessing in words: a preset's name or its explicit numbers. */
  readonly preprocess?: string;
}

/** How many samples are decoded ahead of the one in use: enough to keep a second core busy, few enough for any memory. */
const READ_AHEAD = 2;

/** A dataset from its length and a reader. */
export function datasetFrom(
  description: DatasetDescription,
  length: number,
  read: (index: number) => Promise<Sample>,
): Dataset {
  const dataset: Dataset = {
    description,
    length,
    read,
    [Symbol.asyncIterator]: () => samplesOf(dataset),
  };
  return dataset;
}

/** A dataset over samples in memory. */
export function datasetOf(samples: readonly Sample[], description: DatasetDescription = { kind: 'memory' }): Dataset {
  return datasetFrom(description, samples.length, async (index) => samples[index] as Sample);
}

/**
 * At most `count` samples, drawn with a seeded generator and kept in their order. Folders are often sorted by class, so
 * the first `count` files would be a poor calibration set; the draw depends on the seed and the length alone.
 */
export function subsetOf(dataset: Dataset, count: number, seed = 0): Dataset {
  requireCount(count, 'samples');
  if (count >= dataset.length) return dataset;
  const chosen = seededSubset(dataset.length, count, seed);
  return datasetFrom(dataset.description, chosen.length, (index) => dataset.read(chosen[index] as number));
}

/** The same samples with labels from a lookup. Errors (on reading): ERR_BAD_ARGUMENT for a sample without a label. */
export function labelled(dataset: Dataset, labelOf: (name: string, index: number) => number | undefined): Dataset {
  return datasetFrom(dataset.description, dataset.length, async (index) => {
    const sample = await dataset.read(index);
    const label = labelOf(sample.name, index);
    if (label === undefined) {
      throw new LowbitError('ERR_BAD_ARGUMENT', `The labels have no entry for the sample '${sample.name}'`);
    }
    return { ...sample, label };
  });
}

/** The samples in order, the next ones being decoded while one is used. Errors: ERR_ABORTED and those of the reader. */
export async function* samplesOf(dataset: Dataset, signal?: AbortSignal): AsyncGenerator<Sample, void, undefined> {
  const pending: Promise<Sample>[] = [];
  const start = (index: number): void => {
    if (index >= dataset.length) return;
    const promise = dataset.read(index);
    // A failure ahead of the consumer is reported when the consumer reaches it, not as an unhandled rejection.
    promise.catch(() => undefined);
    pending.push(promise);
  };
  for (let index = 0; index < READ_AHEAD; index++) start(index);
  for (let index = 0; index < dataset.length; index++) {
    throwIfAborted(signal);
    start(index + READ_AHEAD);
    yield await (pending.shift() as Promise<Sample>);
  }
}

/** Checks a count that a user gave. Errors: ERR_BAD_ARGUMENT. */
export function requireCount(count: number, argument: string, place: ErrorPlace = { argument }): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `Expected an integer >= 1 but received ${count}`, place);
  }
}
