// Compares two models on data: top-1, agreement, SQNR of outputs and of inner values, latencies. Data first, text later.

import { type Dataset, type Sample, samplesOf } from '../calibrate/dataset.js';
import { LowbitError } from '../core/errors.js';
import { SqnrAccumulator } from './sqnr.js';
import { type Latency, measureInterleaved } from './timing.js';
import { classesOf, top1Of } from './top-1.js';

/** A tensor as runs return it. */
export interface OutputTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** A model that can be compared: `run` feeds one sample and returns all outputs by name. */
export interface Subject {
  readonly outputNames: readonly string[];
  run(sample: Sample): Promise<Readonly<Record<string, OutputTensor>>>;
  /**
   * Float values inside the model by the names that both models share; absent where a model cannot show them.
   * The names that may be asked for are `innerNames`.
   */
  readonly innerNames?: readonly string[];
  inner?(sample: Sample, names: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
}

/**
 * The noise of one value. `sqnrDb` is null where it is no finite number, and `maxAbsoluteError` tells why: 0 when the two
 * models do not differ at all, null when an element is not finite, another number when the reference is all zeros.
 */
export interface ValueNoise {
  readonly name: string;
  readonly sqnrDb: number | null;
  readonly maxAbsoluteError: number | null;
}

export interface Comparison {
  readonly samples: number;
  /** Fractions of 1; null without labels, or when the first output is no row of class scores. */
  readonly reference: { readonly top1: number | null };
  readonly candidate: { readonly top1: number | null };
  /** Fraction of the samples whose top-1 class is the same; null when the first output is no row of class scores. */
  readonly agreement: number | null;
  /** Of the output with the most noise. */
  readonly sqnrDb: number | null;
  readonly outputs: readonly ValueNoise[];
  /** In the order of the reference's execution; empty when inner values were not compared. */
  readonly layers: readonly ValueNoise[];
  readonly latencyMs: { readonly reference: Latency; readonly candidate: Latency };
}

export interface CompareOptions {
  /** Measured runs of each model (default 20) after `warmUp` runs (default 3). */
  readonly rounds?: number;
  readonly warmUp?: number;
  /** How many samples the comparison of inner values takes (default 8; 0 leaves it out). */
  readonly layerSamples?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, total: number) => void) | undefined;
}

const DEFAULTS = { rounds: 20, warmUp: 3, layerSamples: 8 } as const;

/**
 * Runs both models on every sample. Outputs are compared by position when their names differ.
 * Errors: ERR_BAD_ARGUMENT (an empty dataset, outputs that do not correspond), ERR_ABORTED, and those of the runs.
 */
export async function compareModels(
  reference: Subject,
  candidate: Subject,
  dataset: Dataset,
  options: CompareOptions = {},
): Promise<Comparison> {
  const { signal, onProgress } = options;
  if (dataset.length === 0) throw new LowbitError('ERR_BAD_ARGUMENT', 'The dataset has no samples');
  const pairs = outputPairs(reference, candidate);
  const noise = pairs.map(() => new SqnrAccumulator());
  const counts = { rows: 0, labelled: 0, referenceRight: 0, candidateRight: 0, same: 0 };
  let scores = true;
  let first: Sample | undefined;
  let done = 0;
  for await (const sample of samplesOf(dataset, signal)) {
    first ??= sample;
    const [ours, theirs] = [await reference.run(sample), await candidate.run(sample)];
    pairs.forEach(([from, to], i) => {
      const [a, b] = [floatsOfOutput(ours, from), floatsOfOutput(theirs, to)];
      (noise[i] as SqnrAccumulator).add(a.data, b.data);
      if (i > 0 || !scores) return;
      const classes = classesOf(a.dims);
      if (classes === undefined) scores = false;
      else countRows(counts, top1Of(a.data, classes), top1Of(b.data, classes), sample.label);
    });
    onProgress?.('compare', ++done, dataset.length);
  }
  const layers = await compareInner(reference, candidate, dataset, options);
  const timing = await measureInterleaved(
    { reference: () => reference.run(first as Sample), candidate: () => candidate.run(first as Sample) },
    {
      rounds: options.rounds ?? DEFAULTS.rounds,
      warmUp: options.warmUp ?? DEFAULTS.warmUp,
      signal,
      onProgress: (round, total) => onProgress?.('latency', round, total),
    },
  );
  const outputs = pairs.map(([name], i) => noiseOf(name, noise[i] as SqnrAccumulator));
  const top1 = (right: number): number | null => (scores && counts.labelled > 0 ? right / counts.labelled : null);
  return {
    samples: dataset.length,
    reference: { top1: top1(counts.referenceRight) },
    candidate: { top1: top1(counts.candidateRight) },
    agreement: scores && counts.rows > 0 ? counts.same / counts.rows : null,
    sqnrDb: outputs.reduce((worst, output) => (noisiness(output) > noisiness(worst) ? output : worst)).sqnrDb,
    outputs,
    layers,
    latencyMs: timing,
  };
}

async function compareInner(
  reference: Subject,
  candidate: Subject,
  dataset: Dataset,
  options: CompareOptions,
): Promise<ValueNoise[]> {
  const samples = Math.min(dataset.length, options.layerSamples ?? DEFAULTS.layerSamples);
  if (reference.inner === undefined || candidate.inner === undefined) return [];
  const shown = new Set(candidate.innerNames);
  const names = (reference.innerNames ?? []).filter((name) => shown.has(name));
  if (samples === 0 || names.length === 0) return [];
  const noise = new Map<string, SqnrAccumulator>(names.map((name) => [name, new SqnrAccumulator()]));
  for (let index = 0; index < samples; index++) {
    const sample = await dataset.read(index);
    const [ours, theirs] = [await reference.inner(sample, names), await candidate.inner(sample, names)];
    for (const [name, accumulator] of noise) {
      const [a, b] = [ours.get(name), theirs.get(name)];
      // A value of another shape under the same name is another value.
      if (a === undefined || b === undefined || a.length !== b.length) noise.delete(name);
      else accumulator.add(a, b);
    }
    options.onProgress?.('layers', index + 1, samples);
  }
  return [...noise].map(([name, accumulator]) => noiseOf(name, accumulator));
}

/** Outputs of the same name, or all of them by position. Errors: ERR_BAD_ARGUMENT when the counts differ. */
function outputPairs(reference: Subject, candidate: Subject): [string, string][] {
  const [ours, theirs] = [reference.outputNames, candidate.outputNames];
  if (ours.length !== theirs.length || ours.length === 0) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `The reference has ${ours.length} outputs (${ours.join(', ')}) but the candidate ${theirs.length} (${theirs.join(', ')})`,
    );
  }
  const byName = ours.every((name) => theirs.includes(name));
  return ours.map((name, i) => [name, byName ? name : (theirs[i] as string)]);
}

function countRows(
  counts: { rows: number; labelled: number; referenceRight: number; candidateRight: number; same: number },
  ours: readonly number[],
  theirs: readonly number[],
  label: number | undefined,
): void {
  ours.forEach((own, row) => {
    counts.rows++;
    // -1 is a row of NaN, which agrees with nothing.
    if (own === theirs[row] && own >= 0) counts.same++;
    if (label === undefined) return;
    counts.labelled++;
    if (own === label) counts.referenceRight++;
    if (theirs[row] === label) counts.candidateRight++;
  });
}

function floatsOfOutput(
  outputs: Readonly<Record<string, OutputTensor>>,
  name: string,
): { dims: readonly number[]; data: Float32Array } {
  const tensor = outputs[name];
  if (tensor === undefined) throw new LowbitError('ERR_BAD_MODEL', 'A run returned no such output', { tensor: name });
  const { dims, data } = tensor;
  if (data instanceof Float32Array) return { dims, data };
  if (ArrayBuffer.isView(data) && !(data instanceof DataView) && tensor.type !== 'float16') {
    return { dims, data: Float32Array.from(data as unknown as ArrayLike<number | bigint>, Number) };
  }
  throw new LowbitError('ERR_UNSUPPORTED', `Outputs of type ${tensor.type} cannot be compared`, { tensor: name });
}

function noiseOf(name: string, { decibels, maxAbsoluteError }: SqnrAccumulator): ValueNoise {
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return { name, sqnrDb: finite(decibels), maxAbsoluteError: finite(maxAbsoluteError) };
}

/** -SQNR, with -Infinity for no difference and Infinity for noise that no number of decibels describes. */
function noisiness({ sqnrDb, maxAbsoluteError }: ValueNoise): number {
  if (sqnrDb !== null) return -sqnrDb;
  return maxAbsoluteError === 0 ? -Infinity : Infinity;
}
