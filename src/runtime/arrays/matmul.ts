// matmul: a matrix of floats or codes by packed weights.

import { throwIfAborted } from '../../core/errors.js';
import { type EightBitFormat, NUMBER_FORMATS } from '../../numerics/formats.js';
import { quantizeValue } from '../../numerics/rounding.js';
import {
  type CallOptions,
  formatOfCodes,
  isHalf,
  type Numbers,
  refuse,
  repeated,
  wantFloats,
  wantFormat,
  wantInteger,
  wantOptions,
  wantOut,
  wantScales,
  wantZeroPoints,
} from './arguments.js';
import { type PackedContent, PackedWeights } from './pack-weights.js';
import { type ArrayCall, planOf, runCall, runCallSync } from './plans.js';
import { buildCodes, buildGroups, buildHalves, type Checked, type MatmulRows } from './product-plans.js';

/** A function behind the product (gelu-tanh: Gelu by its tanh formula), or a clamp of both bounds or by its usual name. */
export type MatmulActivation =
  | 'none'
  | 'relu'
  | 'relu6'
  | 'gelu'
  | 'gelu-tanh'
  | 'silu'
  | { readonly min?: number; readonly max?: number };

/** Kinds of unary_f32 by the name of the activation. */
const UNARY_KINDS: ReadonlyMap<unknown, number> = new Map([
  ['gelu', 7],
  ['gelu-tanh', 8],
  ['silu', 11],
]);

/** What rows of floats may become, the default first. */
const ROWS: Readonly<Record<4 | 8 | 16 | 'bf16', readonly MatmulRows[]>> = {
  4: ['i8', 'f32'],
  8: ['i8'],
  16: ['f32'],
  bf16: ['f32', 'bf16'],
};

/** Codes, or the exact sums, instead of floats. */
export type MatmulOutput =
  | { readonly format: EightBitFormat; readonly scale: number; readonly zeroPoint?: number | undefined }
  | { readonly format: 'i32' };

export interface MatmulOptions extends CallOptions {
  /** Rows of a. */
  readonly m: number;
  /** Of the codes in a: one, or one per row (then the result is f32). Floats have none: each row gets its own. */
  readonly scale?: Numbers | undefined;
  readonly zeroPoint?: Numbers | undefined;
  /** n floats added to the result; or n int32 in units of scale * weight scale, for codes with one scale. */
  readonly bias?: Float32Array | Int32Array | undefined;
  readonly activation?: MatmulActivation | undefined;
  /** m * n floats added behind the bias, before the activation. Like Gelu and Silu for weights of 8 bits. */
  readonly residual?: Float32Array | undefined;
  readonly output?: MatmulOutput | undefined;
  /**
   * How rows of floats meet weights of 4 bits: 'i8' (the default) quantizes them by the groups of the weights, 'f32' multiplies
   * floats by the dequantized weights: more exact, and slower. Weights of 16 bits: 'f32' (the default) leaves the rows as
   * they are, 'bf16', for weights of bf16, rounds them to bf16 first, which processors with AMX or AVX-512 BF16 multiply faster.
   */
  readonly activations?: MatmulRows | undefined;
  /** Filled and returned when given: Float32Array, or the array of output.format. */
  readonly out?: Float32Array | Uint8Array | Int8Array | Int32Array | undefined;
}

type MatmulResult<Options> = Options extends { readonly output: { readonly format: infer Format } }
  ? Format extends 'u8'
    ? Uint8Array
    : Format extends 'i8'
      ? Int8Array
      : Int32Array
  : Float32Array;

/**
 * y [m, n] = activation(a [m, k] * w [k, n] + bias + residual). The integer sums are exact; f32 results are f32(f32(sum) * f32(scale *
 * weight scale)) + bias without fused steps, so bytes are the same on every machine. A Float32Array `a` is quantized row by
 * row to u8 by the rule of DynamicQuantizeLinear. With `output`, codes = saturate(rint(f32(f32(sum) * multiplier)) +
 * zeroPoint), multiplier = f32(f32(scale * weight scale) / output.scale), as QLinearMatMul; where floats take part (a float
 * `a` or bias, groups) the f32 result is quantized instead.
 * Weights of 4 bits take floats alone. By default each row is quantized by the groups of the weights to i8, symmetric with scale
 * max|a| / 127, and the result adds f32(f32(sum) * f32(scale * weight scale)) group by group, in order: the same bytes on every
 * machine. With `activations: 'f32'` it is the product of floats, within gamma_k * sum |a * w|.
 * Weights of 16 bits take floats alone too, and give the product of floats by the rounded weights within the same bound.
 * Errors: ERR_BAD_ARGUMENT, ERR_DISPOSED, ERR_ABORTED.
 */
export async function matmul<const Options extends MatmulOptions>(
  a: Float32Array | Uint8Array | Int8Array,
  packed: PackedWeights,
  options: Options,
): Promise<MatmulResult<Options>> {
  const call = prepare(a, packed, options);
  throwIfAborted(options.signal);
  return runCall(call, options.signal) as Promise<MatmulResult<Options>>;
}

/** matmul() on the calling thread. */
export function matmulSync<const Options extends MatmulOptions>(
  a: Float32Array | Uint8Array | Int8Array,
  packed: PackedWeights,
  options: Options,
): MatmulResult<Options> {
  return runCallSync(prepare(a, packed, options)) as MatmulResult<Options>;
}

function check(a: Float32Array | Uint8Array | Int8Array, packed: PackedWeights, options: MatmulOptions): Checked {
  const content = PackedWeights.contentOf(packed);
  wantOptions(options);
  const { k, n } = packed;
  const m = wantInteger(options.m, 'm', 0);
  if (content.bits !== 8) wantFloats(a, 'a');
  const source = a instanceof Float32Array ? 'f32' : formatOfCodes(a, 'a');
  if (a.length !== m * k) refuse('a', `m * k = ${m * k} elements`, a);
  if (source === 'f32') {
    for (const argument of ['scale', 'zeroPoint'] as const) {
      if (options[argument] !== undefined)
        refuse(argument, 'nothing (rows of floats get their own)', options[argument]);
    }
  }
  const sums = options.output?.format === 'i32';
  if (sums && source === 'f32') refuse('output.format', "'u8' or 'i8' (the sums of floats have no unit)", 'i32');
  if (sums && content.groups > 1) refuse('output.format', "'u8' or 'i8' (groups have scales of their own)", 'i32');
  const aScale = wantScales(source === 'f32' || (sums && options.scale === undefined) ? 1 : options.scale, 'scale', m);
  const aZero = wantZeroPoints(options.zeroPoint, 'zeroPoint', m, source === 'f32' ? 'u8' : source);
  const { bias } = options;
  if (bias !== undefined) {
    if (!(bias instanceof Int32Array)) wantFloats(bias, 'bias');
    if (bias.length !== n) refuse('bias', `n = ${n} elements`, bias);
    const exact = source !== 'f32' && aScale.length === 1 && content.groups === 1;
    if (bias instanceof Int32Array && !exact)
      refuse('bias', 'a Float32Array (an integer bias needs codes with one scale)', bias);
    if (bias instanceof Float32Array && sums) refuse('bias', 'an Int32Array (the output is the sums)', bias);
  }
  const rows = ROWS[packed.format === 'bf16' ? 'bf16' : content.bits];
  const { activations = rows[0] as MatmulRows } = options;
  if (!rows.includes(activations)) {
    const names = rows.map((name) => `'${name}'`).join(' or ');
    refuse('activations', `${names} (the weights have ${content.bits} bits)`, activations);
  }
  const unary = UNARY_KINDS.get(options.activation) ?? -1;
  if (unary >= 0 && content.bits !== 8)
    refuse('activation', `a clamp (the weights have ${content.bits} bits)`, options.activation);
  const { lo, hi } = boundsOf(unary < 0 ? options.activation : 'none');
  if (sums && (unary >= 0 || lo !== Number.NEGATIVE_INFINITY || hi !== Number.POSITIVE_INFINITY))
    refuse('activation', "'none' (the output is the sums)", options.activation);
  const { residual } = options;
  if (residual !== undefined) {
    if (sums) refuse('residual', 'nothing (the output is the sums)', residual);
    if (content.bits !== 8) refuse('residual', `nothing (the weights have ${content.bits} bits)`, residual);
    wantFloats(residual, 'residual');
    if (residual.length !== m * n) refuse('residual', `m * n = ${m * n} elements`, residual);
  }
  const output = options.output === undefined ? undefined : checkOutput(options.output);
  return { m, k, n, source, aScale, aZero, bias, lo, hi, unary, residual, output, activations, sums, content };
}

function checkOutput(output: MatmulOutput): Checked['output'] {
  if (typeof output !== 'object' || output === null) refuse('output', 'an object', output);
  if (output.format === 'i32') return undefined;
  const format = wantFormat(output.format, 'output.format');
  const scale = wantScales(output.scale, 'output.scale', 1);
  const [zeroPoint] = wantZeroPoints(output.zeroPoint, 'output.zeroPoint', 1, format);
  return { format, scale, zeroPoint: zeroPoint as number };
}

function boundsOf(activation: MatmulActivation | undefined): { lo: number; hi: number } {
  const none = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
  if (activation === undefined || activation === 'none') return none;
  if (activation === 'relu') return { ...none, lo: 0 };
  if (activation === 'relu6') return { lo: 0, hi: 6 };
  if (typeof activation !== 'object' || activation === null) {
    return refuse('activation', "'none', 'relu', 'relu6', 'gelu', 'gelu-tanh', 'silu' or { min, max }", activation);
  }
  const { min = none.lo, max = none.hi } = activation;
  if (typeof min !== 'number' || typeof max !== 'number' || !(min <= max)) {
    refuse('activation', 'min <= max', `${String(min)} and ${String(max)}`);
  }
  return { lo: Math.fround(min), hi: Math.fround(max) };
}

type Result = Float32Array | Uint8Array | Int8Array | Int32Array;

function prepare(
  a: Float32Array | Uint8Array | Int8Array,
  packed: PackedWeights,
  options: MatmulOptions,
): ArrayCall<Result> {
  const checked = check(a, packed, options);
  const { m, n, output, sums, content, aScale, aZero, bias, source } = checked;
  const array = sums
    ? Int32Array
    : output === undefined
      ? Float32Array
      : output.format === 'u8'
        ? Uint8Array
        : Int8Array;
  const y = wantOut<Result>(options.out, 'out', array as new (length: number) => Result, m * n);
  if (m === 0) return { plan: undefined, inputs: [], outputs: [], result: () => y };
  const perRow = aScale.length > 1 || aZero.length > 1;
  // Straight to codes when only integers take part.
  const straight =
    output !== undefined &&
    source !== 'f32' &&
    !perRow &&
    content.groups === 1 &&
    !(bias instanceof Float32Array) &&
    checked.unary < 0 &&
    checked.residual === undefined;
  const inputs: ArrayBufferView[] = [a];
  if (source !== 'f32') inputs.push(perRow ? repeated(aScale, m) : aScale, perRow ? repeated(aZero, m) : aZero);
  if (bias !== undefined) inputs.push(bias);
  if (checked.residual !== undefined) inputs.push(checked.residual);
  if (output !== undefined) inputs.push(straight ? multipliersOf(checked) : output.scale);
  const kind = bias === undefined ? 'none' : bias instanceof Int32Array ? 'i32' : 'f32';
  const { lo, hi } = checked;
  const format = sums ? 'i32' : (output?.format ?? 'f32');
  const geometry = [
    'matmul',
    source,
    checked.activations,
    m,
    Number(perRow),
    kind,
    lo,
    hi,
    format,
    output?.zeroPoint ?? 0,
    checked.unary,
    Number(checked.residual !== undefined),
    Number(straight),
  ];
  const limits = straight && output !== undefined ? codeLimits(lo, hi, output) : { qlo: 0, qhi: 0 };
  const plan = planOf(
    options,
    [...geometry, limits.qlo, limits.qhi],
    (builder) => {
      if (content.bits === 4) buildGroups(builder, checked, packed.groupSize);
      else if (isHalf(packed.format)) buildHalves(builder, checked, packed.format);
      else buildCodes(builder, checked, { straight, perRow, ...limits });
    },
    content.plans,
  );
  return { plan, inputs, outputs: [y], result: () => y };
}

interface Multipliers {
  readonly x: number;
  readonly y: number;
  readonly values: Float32Array;
}

/** The last ones of each matrix: the scales of a program's calls seldom change. */
const lastMultipliers = new WeakMap<PackedContent, Multipliers>();

/** f32(f32(scale * weight scale) / output scale) per column, or one. */
function multipliersOf({ aScale, content, output }: Checked): Float32Array {
  const [x, y] = [aScale[0] as number, output?.scale[0] as number];
  const last = lastMultipliers.get(content);
  if (last !== undefined && Object.is(last.x, x) && Object.is(last.y, y)) return last.values;
  const values = content.scale.map((w) => Math.fround(Math.fround(x * w) / y));
  lastMultipliers.set(content, { x, y, values });
  return values;
}

/** The codes of the bounds: quantizing is monotone, so clamping codes is clamping values. */
function codeLimits(
  lo: number,
  hi: number,
  { format, scale, zeroPoint }: NonNullable<Checked['output']>,
): { qlo: number; qhi: number } {
  const { qmin, qmax } = NUMBER_FORMATS[format];
  const code = (value: number): number => quantizeValue(value, scale[0] as number, zeroPoint, qmin, qmax);
  return { qlo: code(lo), qhi: code(hi) };
}
