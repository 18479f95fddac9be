// The signal-to-quantization-noise ratio of one value over many samples.

import { LowbitError } from '../core/errors.js';

/**
 * Accumulates sum(reference^2) and sum((reference - candidate)^2) in double precision, element by element over all
 * samples. `decibels` = 10 log10(signal / noise): Infinity without any difference, -Infinity for noise without signal,
 * NaN when nothing was added or an element is not finite.
 */
export class SqnrAccumulator {
  #signal = 0;
  #noise = 0;
  #largest = 0;
  #count = 0;

  /** Errors: ERR_BAD_ARGUMENT for arrays of different lengths. */
  add(reference: ArrayLike<number>, candidate: ArrayLike<number>): void {
    if (reference.length !== candidate.length) {
      throw new LowbitError(
        'ERR_BAD_ARGUMENT',
        `Cannot compare ${reference.length} elements with ${candidate.length}: the shapes differ`,
      );
    }
    for (let i = 0; i < reference.length; i++) {
      const value = reference[i] as number;
      const difference = value - (candidate[i] as number);
      this.#signal += value * value;
      this.#noise += difference * difference;
      const distance = Math.abs(difference);
      if (!(distance <= this.#largest)) this.#largest = distance;
    }
    this.#count += reference.length;
  }

  get decibels(): number {
    if (this.#count === 0) return Number.NaN;
    if (this.#noise === 0) return Infinity;
    return 10 * Math.log10(this.#signal / this.#noise);
  }

  /** The largest |reference - candidate|. */
  get maxAbsoluteError(): number {
    return this.#largest;
  }
}
