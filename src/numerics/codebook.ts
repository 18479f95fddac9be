// Formats whose codes are places in a fixed list of values, and the search for the nearest.

/**
 * nf4: quantiles of the normal distribution scaled to [-1, 1], from bitsandbytes (QLoRA, arXiv 2305.14314, appendix E).
 * iq4_nl: the levels of the block format of that name of ggml.
 * Ascending.
 */
export const CODEBOOKS = {
  nf4: Float32Array.of(
    ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334],
    ...[-0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224],
    ...[0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
  ),
  iq4_nl: Float32Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
} as const;

export type CodebookName = keyof typeof CODEBOOKS;

/**
 * The place of the value nearest to x. A tie goes to the lower value; values outside get the ends; NaN counts as 0.
 * Precondition: `values` ascend, and sums of two neighbours are exact in a double (they are float32).
 */
export function nearestIndex(values: Float32Array, x: number): number {
  if (Number.isNaN(x)) return nearestIndex(values, 0);
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x > ((values[middle] as number) + (values[middle + 1] as number)) / 2) low = middle + 1;
    else high = middle;
  }
  return low;
}
