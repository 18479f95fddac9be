// Latencies: interleaved measurement and the numbers that are reported of it.

import { throwIfAborted } from '../core/errors.js';
import { randomIntegers, shuffled } from '../core/random.js';

/** Milliseconds. */
export interface Latency {
  readonly median: number;
  readonly min: number;
  /** The nearest-rank 95th percentile: the smallest measurement that 95 % of them do not exceed. */
  readonly p95: number;
  readonly rounds: number;
}

/** The latency of measurements in any order; the median of an even number is the mean of the two in the middle. */
export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (index: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, index))] ?? Number.NaN;
  const middle = sorted.length / 2;
  return {
    median: sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2,
    min: at(0),
    p95: at(Math.ceil(0.95 * sorted.length) - 1),
    rounds: sorted.length,
  };
}

export interface TimingOptions {
  /** Measured runs of each subject. */
  readonly rounds: number;
  /** Runs of each subject before the measured ones. */
  readonly warmUp: number;
  /** Milliseconds of rest before each turn, for subjects whose threads spin for a while after they are done. */
  readonly rest?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Measures subjects side by side: in every round each of them has a turn, in an order that is drawn anew (seeded), so that
 * neither a slow phase of the machine nor what a certain neighbour leaves behind falls on one of them alone. With several
 * subjects a turn begins with a run that is not measured and brings the subject's own data back into the caches.
 * Errors: ERR_ABORTED and those of the subjects.
 */
export async function measureInterleaved<Name extends string>(
  subjects: Readonly<Record<Name, () => Promise<unknown>>>,
  options: TimingOptions,
): Promise<Record<Name, Latency>> {
  const names = Object.keys(subjects) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  const total = options.warmUp + options.rounds;
  const random = randomIntegers(0);
  for (let round = 0; round < total; round++) {
    for (const name of shuffled(names, random)) {
      throwIfAborted(options.signal);
      if (options.rest !== undefined) await new Promise((resolve) => setTimeout(resolve, options.rest));
      if (names.length > 1) await subjects[name]();
      const start = performance.now();
      await subjects[name]();
      const elapsed = performance.now() - start;
      if (round >= options.warmUp) times.get(name)?.push(elapsed);
    }
    options.onProgress?.(round + 1, total);
  }
  return Object.fromEntries(names.map((name) => [name, latencyOf(times.get(name) ?? [])])) as Record<Name, Latency>;
}
