// The oracle of quantize, dequantize, requantize and their statistics: one element at a time, as the formulas are written.

import { type CodeRange, clamp, f32, i32, toCode } from './arithmetic.js';

type Numbers = ArrayLike<number>;

/** How [outer, axis, inner] shares scales: 0 per tensor, 1 per channel of axis, 2 per `block` elements of axis. */
export interface Geometry {
  readonly granularity: 0 | 1 | 2;
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  readonly block: number;
}

export function parameterCount(g: Geometry): number {
  if (g.granularity === 0) return 1;
  return g.granularity === 1 ? g.axis : g.outer * Math.ceil(g.axis / g.block) * g.inner;
}

/** Which scale the element with this flat index uses. */
export function parameterOf(g: Geometry, index: number): number {
  if (g.granularity === 0) return 0;
  const inner = index % g.inner;
  const axis = Math.floor(index / g.inner) % g.axis;
  if (g.granularity === 1) return axis;
  const outer = Math.floor(index / g.inner / g.axis);
  return (outer * Math.ceil(g.axis / g.block) + Math.floor(axis / g.block)) * g.inner + inner;
}

export function quantize(
  x: Numbers,
  scale: Numbers,
  zero: Numbers | undefined,
  g: Geometry,
  range: CodeRange,
): number[] {
  return Array.from(x, (value, i) => {
    const p = parameterOf(g, i);
    return toCode(f32(value / (scale[p] as number)), zero?.[p] ?? 0, range.qmin, range.qmax);
  });
}

export function dequantize(codes: Numbers, scale: Numbers, zero: Numbers | undefined, g: Geometry): number[] {
  return Array.from(codes, (code, i) => {
    const p = parameterOf(g, i);
    return f32(f32(i32(BigInt(code) - BigInt(zero?.[p] ?? 0))) * (scale[p] as number));
  });
}

/** NaN left out, -0 as +0; Infinity, -Infinity when there is nothing. */
export function minMax(x: Numbers): [number, number] {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const value of Array.from(x)) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return [lo + 0, hi + 0];
}

/** Scale and zero point of one row: DynamicQuantizeLinear, or symmetric i8. */
export function dynamicParameters(x: Numbers, symmetric: boolean): { scale: number; zero: number } {
  const [least, most] = minMax(x);
  const lo = Math.min(0, least);
  const hi = Math.max(0, most);
  if (symmetric) {
    const magnitude = Math.max(-lo, hi);
    return { scale: f32((magnitude === 0 ? 1 : magnitude) / 127), zero: 0 };
  }
  if (lo === 0 && hi === 0) return { scale: f32(1 / 255), zero: 0 };
  const scale = f32(f32(hi - lo) / 255);
  return { scale, zero: toCode(f32(0 - f32(lo / scale)), 0, 0, 255) };
}

export interface Requantization {
  readonly multiplier: Numbers;
  readonly offset?: Numbers | undefined;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** One row of accumulators to codes. */
export function requantize(acc: Numbers, q: Requantization): number[] {
  return Array.from(acc, (value, c) => {
    const sum = i32(BigInt(value) + BigInt(q.offset?.[c] ?? 0));
    const multiplier = q.multiplier[q.multiplier.length === 1 ? 0 : c] as number;
    return toCode(f32(f32(sum) * multiplier), q.zero, q.lo, q.hi);
  });
}

export interface FloatEpilogue {
  readonly rowScale: number;
  readonly columnScale: Numbers;
  readonly offset?: Numbers | undefined;
  readonly bias?: Numbers | undefined;
  readonly lo: number;
  readonly hi: number;
}

/** One row of accumulators to floats. */
export function dequantizeAccumulator(acc: Numbers, e: FloatEpilogue): number[] {
  return Array.from(acc, (value, c) => {
    const sum = i32(BigInt(value) + BigInt(e.offset?.[c] ?? 0));
    const scale = f32(e.rowScale * (e.columnScale[e.columnScale.length === 1 ? 0 : c] as number));
    const v = f32(f32(sum) * scale);
    return clamp(e.bias === undefined ? v : f32(v + (e.bias[c] as number)), e.lo, e.hi);
  });
}
