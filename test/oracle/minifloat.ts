// The oracle of small floats: every value of a format written down from its definition, and the nearest found by search.

/** 'ieee': the top exponent is Infinity and NaN; 'fn': only its last code is NaN; 'fnuz': 0x80.. is NaN; 'finite': neither. */
export interface Layout {
  readonly e: number;
  readonly m: number;
  readonly bias: number;
  readonly special: 'ieee' | 'fn' | 'fnuz' | 'finite';
}

export const LAYOUTS = {
  f16: { e: 5, m: 10, bias: 15, special: 'ieee' },
  bf16: { e: 8, m: 7, bias: 127, special: 'ieee' },
  f8e4m3fn: { e: 4, m: 3, bias: 7, special: 'fn' },
  f8e5m2: { e: 5, m: 2, bias: 15, special: 'ieee' },
  f8e4m3fnuz: { e: 4, m: 3, bias: 8, special: 'fnuz' },
  f8e5m2fnuz: { e: 5, m: 2, bias: 16, special: 'fnuz' },
  f6e2m3: { e: 2, m: 3, bias: 1, special: 'finite' },
  f6e3m2: { e: 3, m: 2, bias: 3, special: 'finite' },
  f4e2m1: { e: 2, m: 1, bias: 1, special: 'finite' },
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof LAYOUTS;

/** (-1)^s 2^(E - bias) (1 + M / 2^m), or (-1)^s 2^(1 - bias) M / 2^m where E = 0, from the digits of the code. */
export function valueOfCode({ e, m, bias, special }: Layout, code: number): number {
  const digits = code.toString(2).padStart(1 + e + m, '0');
  const sign = digits[0] === '1' ? -1 : 1;
  const field = Number.parseInt(digits.slice(1, 1 + e), 2);
  const fraction = Number.parseInt(digits.slice(1 + e), 2) / 2 ** m;
  if (special === 'fnuz' && code === 2 ** (e + m)) return Number.NaN;
  if (special === 'fn' && !digits.slice(1).includes('0')) return Number.NaN;
  if (special === 'ieee' && field === 2 ** e - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (field === 0 ? 2 ** (1 - bias) * fraction : 2 ** (field - bias) * (1 + fraction));
}

/** Positive finite values; place = code. */
export function positiveValues(layout: Layout): number[] {
  const values: number[] = [];
  for (let code = 0; code < 2 ** (layout.e + layout.m); code++) {
    const value = valueOfCode(layout, code);
    if (Number.isFinite(value)) values.push(value);
  }
  return values;
}

/** The code of x by search over `values` (positiveValues of the layout). */
export function nearestCode(layout: Layout, values: readonly number[], x: number, saturate: boolean): number {
  const { e, m, special } = layout;
  const sign = 2 ** (e + m);
  const last = values.length - 1;
  const finite = special === 'finite';
  const nan = { ieee: (2 ** e - 1) * 2 ** m + 2 ** (m - 1), fn: sign - 1, fnuz: sign, finite: last }[special];
  if (Number.isNaN(x)) return nan;
  const bit = x < 0 || Object.is(x, -0) ? sign : 0;
  const size = Math.abs(x);
  const largest = values[last] as number;
  const next = largest + (largest - (values[last - 1] as number));
  const middle = (largest + next) / 2;
  // A tie between the largest value and the one after it goes to the even of the two.
  const over = size > middle || (size === middle && last % 2 === 1);
  if (over) {
    if (special === 'fnuz') return saturate ? bit + last : nan;
    if (saturate || finite) return bit + last;
    return bit + (special === 'ieee' ? (2 ** e - 1) * 2 ** m : nan);
  }
  let below = 0;
  for (let step = 2 ** (e + m); step >= 1; step /= 2) {
    if (below + step <= last && (values[below + step] as number) <= size) below += step;
  }
  const above = Math.min(last, below + 1);
  const [down, up] = [size - (values[below] as number), (values[above] as number) - size];
  const code = above === below || down < up || (down === up && below % 2 === 0) ? below : above;
  return code === 0 && special === 'fnuz' ? 0 : bit + code;
}

/** E8M0: the code of the power of two at |x|, by search. Ties of 'nearest' go up. */
export function exponentCode(x: number, rounding: 'down' | 'nearest' | 'up', saturate: boolean): number {
  const size = Math.abs(x);
  if (!Number.isFinite(size)) return 255;
  if (size <= 2 ** -127) return 0;
  let down = 0;
  while (2 ** (down - 126) <= size) down++;
  const [below, above] = [2 ** (down - 127), 2 ** (down - 126)];
  const up = size > below && (rounding === 'up' || (rounding === 'nearest' && size - below >= above - size));
  return saturate ? Math.min(254, down + Number(up)) : down + Number(up);
}
