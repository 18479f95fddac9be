// The oracle of weights by group of k: codes of 4 or 8 bits, rows quantized by the same groups, products as written.

import { clamp, f32, toCode } from './arithmetic.js';

type Numbers = ArrayLike<number>;

/** Weights (code - zero) * scale: codes unsigned [k, n], scale [groups, n], zero unsigned [groups, n]. */
export interface GroupedMatrix {
  readonly k: number;
  readonly n: number;
  readonly groupSize: number;
  readonly codes: Numbers;
  readonly scale: Numbers;
  readonly zero: Numbers;
}

/** Codes [rows, columns], and scale and sum of the codes [groups, rows]. */
export interface QuantizedRows {
  readonly codes: number[];
  readonly scale: number[];
  readonly sum: number[];
}

/** A symmetric scale max|x| / 127 per row and group; a group of zeros counts as max|x| = 1, NaN is left out and gives -128. */
export function quantizeGroups(x: Numbers, rows: number, columns: number, groupSize: number): QuantizedRows {
  const groups = Math.ceil(columns / groupSize);
  const codes: number[] = [];
  const scale = new Array<number>(groups * rows);
  const sum = new Array<number>(groups * rows);
  for (let r = 0; r < rows; r++) {
    for (let g = 0; g < groups; g++) {
      const begin = r * columns + g * groupSize;
      const end = r * columns + Math.min(columns, (g + 1) * groupSize);
      let most = 0;
      for (let i = begin; i < end; i++) if (Math.abs(x[i] as number) > most) most = Math.abs(x[i] as number);
      const s = f32((most === 0 ? 1 : most) / 127);
      let total = 0;
      for (let i = begin; i < end; i++) {
        const code = toCode(f32((x[i] as number) / s), 0, -128, 127);
        codes.push(code);
        total += code;
      }
      scale[g * rows + r] = s;
      sum[g * rows + r] = total;
    }
  }
  return { codes, scale, sum };
}

/** y [rows, n]: exact sums per group, added as floats in the order of the groups; then bias and clamp. */
export function groupedProduct(
  a: QuantizedRows,
  rows: number,
  w: GroupedMatrix,
  bias?: Numbers,
  lo = Number.NEGATIVE_INFINITY,
  hi = Number.POSITIVE_INFINITY,
): number[] {
  const groups = Math.ceil(w.k / w.groupSize);
  const y: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < w.n; j++) {
      let sum = 0;
      for (let g = 0; g < groups; g++) {
        let exact = 0;
        for (let i = g * w.groupSize; i < Math.min(w.k, (g + 1) * w.groupSize); i++) {
          exact +=
            (a.codes[r * w.k + i] as number) * ((w.codes[i * w.n + j] as number) - (w.zero[g * w.n + j] as number));
        }
        const scale = f32((a.scale[g * rows + r] as number) * (w.scale[g * w.n + j] as number));
        sum = f32(sum + f32(f32(exact) * scale));
      }
      y.push(clamp(bias === undefined ? sum : f32(sum + (bias[j] as number)), lo, hi));
    }
  }
  return y;
}

/** The weights as floats [k, n]: f32((code - zero) * scale). */
export function dequantizedMatrix(w: GroupedMatrix): number[] {
  return Array.from({ length: w.k * w.n }, (_, i) => {
    const at = Math.floor(Math.floor(i / w.n) / w.groupSize) * w.n + (i % w.n);
    return f32(((w.codes[i] as number) - (w.zero[at] as number)) * (w.scale[at] as number));
  });
}
