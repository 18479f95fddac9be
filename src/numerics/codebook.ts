// Formats whose codes are places in a fixed list of values, and the borders between them.

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
 * Floats t, one per pair of neighbours: a float32 x is nearer to the upper one of the two where x > t; a tie goes to the lower one.
 * t is the largest float that is not above the middle. Precondition: `values` ascend.
 */
export function thresholdsOf(values: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: values.length - 1 }, (_, i) => {
    const middle = ((values[i] as number) + (values[i + 1] as number)) / 2; // exact in a double
    const near = Float32Array.of(middle);
    const words = new Int32Array(near.buffer);
    if ((near[0] as number) > middle) words[0] = (words[0] as number) + (middle > 0 ? -1 : 1);
    return near[0] as number;
  });
}
