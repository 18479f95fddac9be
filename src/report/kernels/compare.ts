// Two builds of the kernels beside each other: the ratio of their times and the band in which noise leaves it.

import type { Backend } from '../../backend/backend.js';
import { LowbitError, throwIfAborted } from '../../core/errors.js';
import { latencyOf } from '../timing.js';
import type { KernelCase } from './case.js';
import { type KernelOptions, turnsOf } from './measure.js';
import { type KernelProgram, programOf } from './program.js';

export interface Band {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** A band misses the true median with at most this probability. */
const MISSES = 0.01;

/**
 * The median of independent measurements and an interval for it that supposes nothing of their distribution: the order
 * statistics l and n + 1 - l, l the largest with P(Binomial(n, 1/2) < l) <= MISSES / 2 (David and Nagaraja, "Order
 * Statistics", 7.1). With fewer than 8 measurements there is no such l: the band is then from the smallest to the largest,
 * and narrower than it should be.
 */
export function medianBand(values: readonly number[]): Band {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let cut = 0;
  let term = 0.5 ** n;
  for (let below = term; below <= MISSES / 2 && cut < (n - 1) / 2; below += term) {
    cut++;
    term *= (n + 1 - cut) / cut;
  }
  const skip = Math.max(0, cut - 1);
  const { median } = latencyOf(sorted);
  return { median, low: sorted[skip] ?? Number.NaN, high: sorted[n - 1 - skip] ?? Number.NaN };
}

export type Verdict = 'faster' | 'slower' | 'same';

export interface KernelComparison {
  readonly name: string;
  readonly shape: string;
  readonly isa: string;
  /** Milliseconds. */
  readonly before: number;
  readonly after: number;
  /** after / before. */
  readonly ratio: Band;
  readonly verdict: Verdict;
}

/** Where code and buffers happen to lie moves a time by a percent or two, in every round alike: no band shows that. */
const PLACEMENT = 0.02;

/** Faster or slower when the whole band lies on one side of 1, by more than PLACEMENT. */
export function verdictOf({ low, high }: Band): Verdict {
  return high < 1 - PLACEMENT ? 'faster' : low > 1 + PLACEMENT ? 'slower' : 'same';
}

/** A case that cannot be compared, and why. */
export interface Skipped {
  readonly name: string;
  readonly shape: string;
  readonly reason: string;
}

/**
 * Measures every case with both builds, turn about. The outputs of exact cases must agree to the byte before anything is
 * measured. A case whose operation the older build lacks is skipped. Errors: ERR_BACKEND, ERR_ABORTED.
 */
export async function compareKernels(
  before: Backend,
  after: Backend,
  options: KernelOptions,
): Promise<{ compared: KernelComparison[]; skipped: Skipped[] }> {
  const compared: KernelComparison[] = [];
  const skipped: Skipped[] = [];
  for (const one of options.cases) {
    for (const isa of options.isas) {
      throwIfAborted(options.signal);
      const old = attempt(before, one, isa);
      if (old instanceof LowbitError) {
        skipped.push({ name: one.name, shape: one.shape, reason: old.message });
        continue;
      }
      const programs = [old, programOf(after, one, isa)] as const;
      for (const program of programs) program.run();
      if (one.exact && Buffer.compare(programs[0].output, programs[1].output) !== 0) {
        throw new LowbitError('ERR_BACKEND', `${one.name} ${one.shape} on ${isa}: the two builds give different bytes`);
      }
      const [first = [], second = []] = await turnsOf(programs, options);
      for (const program of programs) program.dispose();
      const ratio = medianBand(second.map((time, i) => time / (first[i] as number)));
      compared.push({
        ...{ name: one.name, shape: one.shape, isa, ratio, verdict: verdictOf(ratio) },
        ...{ before: latencyOf(first).median, after: latencyOf(second).median },
      });
    }
    options.onProgress?.(options.cases.indexOf(one) + 1, options.cases.length);
  }
  return { compared, skipped };
}

function attempt(backend: Backend, one: KernelCase, isa: string): KernelProgram | LowbitError {
  try {
    return programOf(backend, one, isa);
  } catch (error) {
    if (error instanceof LowbitError && error.code === 'ERR_BAD_ARGUMENT') return error;
    throw error;
  }
}
