// The oracle of unary functions, layer normalization, reductions and resampling, in float64.

type Numbers = ArrayLike<number>;

/** erf by its Maclaurin series below 3, by the continued fraction of erfc (Lentz) above. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 120; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)));
}

function rint(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  const rounded = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
  return rounded === 0 ? 0 * Math.sign(x) : rounded;
}

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const hold = (x: number): number => Math.min(1, Math.max(0, x));

/** By the kind of unary_f32. */
export const FUNCTIONS: readonly ((x: number, alpha: number, beta: number) => number)[] = [
  Math.exp,
  Math.log,
  Math.sqrt,
  (x) => 1 / x,
  (x) => -x,
  Math.abs,
  erf,
  (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  // (1 + tanh t) / 2 = 1 / (1 + exp(-2t)), without the cancellation.
  (x) => x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  Math.tanh,
  (x) => 1 / (1 + Math.exp(-x)),
  (x, alpha) => x / (1 + Math.exp(-alpha * x)),
  (x, alpha, beta) => hold(alpha * x + beta),
  (x) => x * hold(x / 6 + 0.5),
  (x, alpha) => (x < 0 ? alpha * x : x),
  (x, alpha, beta) => (x < 0 ? alpha * Math.expm1(x / beta) : x),
  softplus,
  (x) => x / (1 + Math.abs(x)),
  Math.floor,
  Math.ceil,
  rint,
  Math.sign,
  (x) => x * Math.tanh(softplus(x)),
  (x, alpha) => (x > alpha || Number.isNaN(x) ? x : 0),
];

/** One row of layer_norm_f32. */
export function layerNorm(x: Numbers, scale: Numbers, bias: Numbers | undefined, epsilon: number, subtract: boolean) {
  const values = Array.from(x);
  const n = values.length;
  const mean = subtract ? values.reduce((sum, value) => sum + value, 0) / n : 0;
  const inverse = 1 / Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n + epsilon);
  const y = values.map((value, i) => (value - mean) * inverse * (scale[i] as number) + (bias?.[i] ?? 0));
  return { y, mean, inverse };
}

/** By the kind of reduce_f32. */
export const REDUCTIONS: readonly ((x: readonly number[]) => number)[] = [
  (x) => x.reduce((a, b) => a + b, 0),
  (x) => x.reduce((a, b) => a + b, 0) / x.length,
  (x) => x.reduce((a, b) => (b > a ? b : a), Number.NEGATIVE_INFINITY),
  (x) => x.reduce((a, b) => (b < a ? b : a), Number.POSITIVE_INFINITY),
  (x) => x.reduce((a, b) => a * b, 1),
  (x) => x.reduce((a, b) => a + b * b, 0),
  (x) => x.reduce((a, b) => a + Math.abs(b), 0),
];
