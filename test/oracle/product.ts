// The oracle of matrix products and convolutions over codes and floats: sums as they are written, one output at a time.

import { clamp, f32, toCode } from './arithmetic.js';

type Numbers = ArrayLike<number>;

/** What becomes of an accumulator; per-column arrays have one entry per column, or one for all in `multiplier`. */
export interface OutputRule {
  readonly output: 'i32' | 'codes' | 'floats';
  readonly multiplier?: Numbers | undefined;
  readonly zeroPoint?: number;
  readonly qlo?: number;
  readonly qhi?: number;
  readonly rowScale?: Numbers | undefined;
  readonly bias?: Numbers | undefined;
  readonly lo?: number;
  readonly hi?: number;
}

const at = (values: Numbers | undefined, i: number, absent = 0): number =>
  values === undefined ? absent : (values[values.length === 1 ? 0 : i] as number);

/** Codes and accumulators: the result of column j in row r. */
export function finish(acc: number, r: number, j: number, rule: OutputRule): number {
  if (rule.output === 'i32') return acc;
  if (rule.output === 'floats') {
    const value = f32(f32(acc) * f32(at(rule.rowScale, r, 1) * at(rule.multiplier, j)));
    return bounded(value, j, rule);
  }
  const scaled = f32(f32(acc) * at(rule.multiplier, j));
  return toCode(scaled, rule.zeroPoint ?? 0, rule.qlo as number, rule.qhi as number);
}

function bounded(value: number, j: number, rule: OutputRule): number {
  const biased = rule.bias === undefined ? value : f32(value + (rule.bias[j] as number));
  return clamp(biased, rule.lo ?? Number.NEGATIVE_INFINITY, rule.hi ?? Number.POSITIVE_INFINITY);
}

export interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly a: Numbers; // [m, k]
  readonly w: Numbers; // [k, n]
  readonly aZero?: Numbers | undefined; // [1] or [m]
  readonly wZero?: Numbers | undefined; // [groups, n]
  readonly offset?: Numbers | undefined; // [n]
  readonly groupSize?: number;
}

/** Wrapping int32 sum of (a - aZero) * (w - wZero) over the k of one group. */
function accumulator(p: Product, r: number, j: number, group: number, groupSize: number): number {
  let sum = 0;
  const end = Math.min(p.k, (group + 1) * groupSize);
  const wZero = p.wZero === undefined ? 0 : (p.wZero[group * p.n + j] as number);
  for (let i = group * groupSize; i < end; i++) {
    sum += ((p.a[r * p.k + i] as number) - at(p.aZero, r)) * ((p.w[i * p.n + j] as number) - wZero);
  }
  return (sum + (p.offset === undefined ? 0 : (p.offset[j] as number))) | 0;
}

/** [m, n], row by row. With groups, each group has its own row of rule.multiplier [groups, n] and the floats are added in order. */
export function product(p: Product, rule: OutputRule): number[] {
  const groupSize = p.groupSize ?? p.k;
  const groups = Math.ceil(p.k / groupSize);
  const y: number[] = [];
  for (let r = 0; r < p.m; r++) {
    for (let j = 0; j < p.n; j++) {
      if (groups === 1) {
        y.push(finish(accumulator(p, r, j, 0, groupSize), r, j, rule));
        continue;
      }
      let sum = 0;
      for (let g = 0; g < groups; g++) {
        const scale = f32(at(rule.rowScale, r, 1) * ((rule.multiplier as Numbers)[g * p.n + j] as number));
        const value = f32(f32(accumulator(p, r, j, g, groupSize)) * scale);
        sum = g === 0 ? value : f32(sum + value);
      }
      y.push(bounded(sum, j, rule));
    }
  }
  return y;
}

/** A float product in double precision, and sum |a * w| + |bias| for its error bound. */
export function floatProduct(p: Product, bias: Numbers | undefined): { value: number[]; magnitude: number[] } {
  const value: number[] = [];
  const magnitude: number[] = [];
  for (let r = 0; r < p.m; r++) {
    for (let j = 0; j < p.n; j++) {
      let sum = at(bias, j);
      let absolute = Math.abs(sum);
      for (let i = 0; i < p.k; i++) {
        const term = (p.a[r * p.k + i] as number) * (p.w[i * p.n + j] as number);
        sum += term;
        absolute += Math.abs(term);
      }
      value.push(sum);
      magnitude.push(absolute);
    }
  }
  return { value, magnitude };
}

/** gamma_k = k*u / (1 - k*u), u = 2^-24: the bound of a float sum of k terms in any order (Higham, section 3.1). */
export function gamma(k: number): number {
  const ku = k * 2 ** -24;
  return ku / (1 - ku);
}

/** Geometry in the words of ops.inc. */
export interface ConvolutionShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly kh: number;
  readonly kw: number;
  readonly stride_h: number;
  readonly stride_w: number;
  readonly pad_top: number;
  readonly pad_left: number;
  readonly dilation_h: number;
  readonly dilation_w: number;
}

/**
 * A convolution as one product per group: rows are output pixels, k = (kh, kw, c / groups). Padded taps read `padding`.
 * x is [n, h, w, c].
 */
export function windows(s: ConvolutionShape, x: Numbers, groups: number, group: number, padding: number): number[] {
  const channels = s.c / groups;
  const rows: number[] = [];
  for (let image = 0; image < s.n; image++) {
    for (let oy = 0; oy < s.oh; oy++) {
      for (let ox = 0; ox < s.ow; ox++) {
        for (let ky = 0; ky < s.kh; ky++) {
          for (let kx = 0; kx < s.kw; kx++) {
            const iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
            const ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
            const inside = iy >= 0 && iy < s.h && ix >= 0 && ix < s.w;
            for (let channel = 0; channel < channels; channel++) {
              const index = ((image * s.h + iy) * s.w + ix) * s.c + group * channels + channel;
              rows.push(inside ? (x[index] as number) : padding);
            }
          }
        }
      }
    }
  }
  return rows;
}
