// The oracle of the pools over [n, h, w, c].

import { f32, toCode } from './arithmetic.js';

type Numbers = ArrayLike<number>;

export interface PoolShape {
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
  readonly pad_bottom: number;
  readonly pad_right: number;
  readonly dilation_h: number;
  readonly dilation_w: number;
}

/** For every output element: the input values of its window in order, and how many taps lie inside the padded input. */
function windows<T>(x: Numbers, s: PoolShape, reduce: (taps: number[], padded: number) => T): T[] {
  const out: T[] = [];
  for (let n = 0; n < s.n; n++) {
    for (let oh = 0; oh < s.oh; oh++) {
      for (let ow = 0; ow < s.ow; ow++) {
        for (let c = 0; c < s.c; c++) {
          const taps: number[] = [];
          let padded = 0;
          for (let i = 0; i < s.kh; i++) {
            for (let j = 0; j < s.kw; j++) {
              const row = oh * s.stride_h - s.pad_top + i * s.dilation_h;
              const column = ow * s.stride_w - s.pad_left + j * s.dilation_w;
              if (row >= s.h + s.pad_bottom || column >= s.w + s.pad_right) continue;
              padded++;
              if (row < 0 || column < 0 || row >= s.h || column >= s.w) continue;
              taps.push(x[((n * s.h + row) * s.w + column) * s.c + c] as number);
            }
          }
          out.push(reduce(taps, padded));
        }
      }
    }
  }
  return out;
}

/** The first of equal taps wins; a NaN tap makes NaN. */
export function maxPool(x: Numbers, s: PoolShape): number[] {
  return windows(x, s, (taps) => taps.reduce((v, t) => (Number.isNaN(v) ? v : t > v || Number.isNaN(t) ? t : v)));
}

export function averagePool(x: Numbers, s: PoolShape, includePad: boolean): number[] {
  return windows(x, s, (taps, padded) =>
    f32(taps.reduce((sum, tap) => f32(sum + tap)) / (includePad ? padded : taps.length)),
  );
}

export interface PoolCodes {
  readonly xScale: number;
  readonly xZero: number;
  readonly yScale: number;
  readonly yZero: number;
  readonly qmin: number;
  readonly qmax: number;
}

export function averagePoolCodes(x: Numbers, s: PoolShape, includePad: boolean, q: PoolCodes): number[] {
  return windows(x, s, (taps, padded) => {
    const sum = taps.reduce((total, tap) => total + tap - q.xZero, 0);
    const multiplier = f32(q.xScale / f32(q.yScale * (includePad ? padded : taps.length)));
    return toCode(f32(f32(sum) * multiplier), q.yZero, q.qmin, q.qmax);
  });
}
