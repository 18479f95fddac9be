// Arithmetic of the oracle: float32 by Math.fround, integers by plain numbers. Nothing here is fast.

export const f32 = Math.fround;

/** Round half to even. */
export function rint(v: number): number {
  const down = Math.floor(v);
  const part = v - down;
  if (part < 0.5) return down;
  if (part > 0.5) return down + 1;
  return down % 2 === 0 ? down : down + 1;
}

export interface CodeRange {
  readonly qmin: number;
  readonly qmax: number;
}

export const U8: CodeRange = { qmin: 0, qmax: 255 };
export const I8: CodeRange = { qmin: -128, qmax: 127 };

/** rint(v) + zero, held inside [lo, hi]; NaN gives lo. */
export function toCode(v: number, zero: number, lo: number, hi: number): number {
  if (Number.isNaN(v)) return lo;
  if (v === Number.POSITIVE_INFINITY) return hi;
  if (v === Number.NEGATIVE_INFINITY) return lo;
  return Math.min(hi, Math.max(lo, rint(v) + zero));
}

/** Wrapping int32. */
export function i32(v: bigint): number {
  return Number(BigInt.asIntN(32, v));
}

/** x < lo ? lo : x > hi ? hi : x, so NaN stays. */
export function clamp(x: number, lo: number, hi: number): number {
  if (x < lo) return lo;
  if (x > hi) return hi;
  return x;
}
