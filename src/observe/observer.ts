// Observers watch the values of one tensor over many runs and end with the range to quantize.

import { LowbitError } from '../core/errors.js';
import type { Range } from '../numerics/params.js';

/**
 * What has been seen of one value, as plain data: it can be copied between workers, merged in any order, and written down.
 * The sums are over batches, of the batch's minimum and maximum and of their squares.
 */
export interface ObserverState {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly minSum: number;
  readonly maxSum: number;
  readonly minSquares: number;
  readonly maxSquares: number;
}

/** One way to turn the extremes of many batches into a range to quantize. All functions are pure. */
export interface Observer {
  readonly summary: string;
  readonly empty: ObserverState;
  /** The state after one more batch whose values lie in `range`. */
  add(state: ObserverState, range: Range): ObserverState;
  /** The state that seeing both batches in one place would have given. Commutative, and associative but for rounding. */
  merge(a: ObserverState, b: ObserverState): ObserverState;
  /** The range to quantize. */
  rangeOf(state: ObserverState): Range;
}

const EMPTY: ObserverState = {
  count: 0,
  min: Infinity,
  max: -Infinity,
  minSum: 0,
  maxSum: 0,
  minSquares: 0,
  maxSquares: 0,
};

function merge(a: ObserverState, b: ObserverState): ObserverState {
  return {
    count: a.count + b.count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    minSum: a.minSum + b.minSum,
    maxSum: a.maxSum + b.maxSum,
    minSquares: a.minSquares + b.minSquares,
    maxSquares: a.maxSquares + b.maxSquares,
  };
}

function add(state: ObserverState, { min, max }: Range): ObserverState {
  return merge(state, { count: 1, min, max, minSum: min, maxSum: max, minSquares: min * min, maxSquares: max * max });
}

const minMax: Observer = {
  summary: 'the smallest and the largest value of all batches',
  empty: EMPTY,
  add,
  merge,
  rangeOf: ({ min, max }) => ({ min, max }),
};

/**
 * lo = max(min, mean(batch minima) - deviation(batch minima)), hi likewise: of batches with normally spread extremes
 * about one in six is clipped, and the codes lie closer for all others. Rare outliers of a residual stream, several times
 * larger than what most inputs reach, cost `min-max` most of its codes.
 */
const meanDeviation: Observer = {
  summary: 'the mean of the batch extremes and one standard deviation more: rare outliers are clipped',
  empty: EMPTY,
  add,
  merge,
  rangeOf: ({ count, min, max, minSum, maxSum, minSquares, maxSquares }) => {
    const spread = (sum: number, squares: number): number =>
      Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
    const lo = Math.fround(minSum / count - spread(minSum, minSquares));
    const hi = Math.fround(maxSum / count + spread(maxSum, maxSquares));
    return { min: Math.max(min, Math.min(lo, max)), max: Math.min(max, Math.max(hi, min)) };
  },
};

export const OBSERVERS = {
  'min-max': minMax,
  'mean-deviation': meanDeviation,
} as const satisfies Record<string, Observer>;

export type ObserverName = keyof typeof OBSERVERS;

export const OBSERVER_NAMES = Object.keys(OBSERVERS) as ObserverName[];

/** The name as an observer. Errors: ERR_BAD_ARGUMENT that lists the known ones. */
export function observerNamed(name: string): Observer {
  if ((OBSERVER_NAMES as readonly string[]).includes(name)) return OBSERVERS[name as ObserverName];
  throw new LowbitError(
    'ERR_BAD_ARGUMENT',
    `Unknown observer '${name}'; expected one of ${OBSERVER_NAMES.join(', ')}`,
    {
      argument: 'observer',
    },
  );
}

/** Smallest and largest element, NaN left out; undefined for an empty or all-NaN array. */
export function rangeOfValues(values: Float32Array): Range | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? { min, max } : undefined;
}
