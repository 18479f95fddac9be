// The sizes and scales of a Resize: what inference and the runtime both need to know.

/** What a Resize does along one axis. */
export interface ResizedAxis {
  readonly size: number;
  /** Output elements per input element, as coordinates are computed with. */
  readonly scale: number;
}

/** How sizes are met when the aspect ratio is kept. */
export type AspectPolicy = 'stretch' | 'not_larger' | 'not_smaller';

/**
 * Every axis of `dims`; `axes` says which ones `scales` or `sizes` are for. Exactly one of the two is given.
 * Source: ONNX, Resize-18 (sizes are met by one scale for all axes unless the policy is 'stretch').
 */
export function resizedAxes(
  dims: readonly number[],
  axes: readonly number[],
  given: { readonly scales: readonly number[] } | { readonly sizes: readonly number[] },
  policy: AspectPolicy = 'stretch',
): ResizedAxis[] {
  const out: ResizedAxis[] = dims.map((size) => ({ size, scale: 1 }));
  if ('scales' in given) {
    axes.forEach((axis, index) => {
      const scale = given.scales[index] as number;
      out[axis] = { size: Math.floor((dims[axis] as number) * scale), scale };
    });
    return out;
  }
  const ratios = axes.map((axis, index) => (given.sizes[index] as number) / (dims[axis] as number));
  const common = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  axes.forEach((axis, index) => {
    const size = dims[axis] as number;
    out[axis] =
      policy === 'stretch'
        ? { size: given.sizes[index] as number, scale: ratios[index] as number }
        : { size: Math.floor(common * size + 0.5), scale: common };
  });
  return out;
}
