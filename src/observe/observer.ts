// Observers watch the values of one tensor over many runs and end with the range to quantize.

import { LowbitError } from '../core/errors.js';
import type { Range } from '../numerics/params.js';

/**
 * What an observer has seen, as plain data: it can be copied between workers, merged in any order, and written down.
 * `count` is the number of batches; what `min` and `max` accumulate is up to the observer.
 */
export interface ObserverState {
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

/** One way to turn batches of values into a range. All functions are pure. */
export interface Observer {
  readonly summary: string;
  readonly empty: ObserverState;
  /** The state after one more batch whose values lie in `range`. */
  add(state: ObserverState, range: Range): ObserverState;
  /** The state that seeing both batches in one place would have given. Commutative and associative. */
  merge(a: ObserverState, b: ObserverState): ObserverState;
  /** The range to quantize. */
  rangeOf(state: ObserverState): Range;
}

const minMax: Observer = {
  summary: 'the smallest and the largest value of all batches',
  empty: { count: 0, min: Infinity, max: -Infinity },
  add: (state, { min, max }) => ({
    count: state.count + 1,
    min: Math.min(state.min, min),
    max: Math.max(state.max, max),
  }),
  merge: (a, b) => ({ count: a.count + b.count, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) }),
  rangeOf: ({ min, max }) => ({ min, max }),
};

/** Unlike an exponential average, the mean does not depend on the order of the batches, so it can be merged. */
const meanMinMax: Observer = {
  summary: 'the mean of the batch minima and the mean of the batch maxima: less drawn to a single outlier',
  empty: { count: 0, min: 0, max: 0 },
  add: (state, { min, max }) => ({ count: state.count + 1, min: state.min + min, max: state.max + max }),
  merge: (a, b) => ({ count: a.count + b.count, min: a.min + b.min, max: a.max + b.max }),
  rangeOf: ({ count, min, max }) => ({ min: min / count, max: max / count }),
};

export const OBSERVERS = {
  'min-max': minMax,
  'mean-min-max': meanMinMax,
} as const satisfies Record<string, Observer>;

export type ObserverName = keyof typeof OBSERVERS;

export const OBSERVER_NAMES = Object.keys(OBSERVERS) as ObserverName[];

/** The name as an observer. Errors: ERR_BAD_ARGUMENT that lists the known ones. */
export function observerNamed(name: string): Observer {
  if ((OBSERVER_NAMES as readonly string[]).includes(name)) return OBSERVERS[name as ObserverName];
  throw new LowbitError('ERR_BAD_ARGUMENT', `Unknown observer '${name}'; expected one of ${OBSERVER_NAMES.join(', ')}`, {
    argument: 'observer',
  });
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
