// Top-1 classes of class scores.

/** The index of the largest element, the first one of equals; -1 for an empty array or when all elements are NaN. */
export function argmax(values: ArrayLike<number>): number {
  let best = -1;
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value > largest || (best === -1 && value === largest)) {
      best = i;
      largest = value;
    }
  }
  return best;
}

/**
 * The number of classes when an output looks like class scores: [rows, classes] with at least two classes, ones ignored
 * behind the batch axis ([1, 1000, 1, 1] is one row of 1000). undefined for anything else, such as an image.
 */
export function classesOf(dims: readonly number[]): number | undefined {
  const rest = dims.slice(1).filter((dim) => dim !== 1);
  return rest.length === 1 && (rest[0] as number) >= 2 ? rest[0] : undefined;
}

/** The class of every row. */
export function top1Of(scores: Float32Array, classes: number): number[] {
  const rows: number[] = [];
  for (let start = 0; start + classes <= scores.length; start += classes) {
    rows.push(argmax(scores.subarray(start, start + classes)));
  }
  return rows;
}
