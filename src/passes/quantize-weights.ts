// Constant weights and biases to codes, with every scale such that the integer accumulator cannot overflow.

import { type ConstantTensor, constantOf, floatsOf } from '../core/tensor.js';
import { type EightBitFormat, NUMBER_FORMATS } from '../numerics/formats.js';
import { geometryOf } from '../numerics/granularity.js';
import { MIN_SCALE } from '../numerics/params.js';
import { chooseParameterArrays, quantizeArray, rangesOf } from '../numerics/quantize.js';
import { roundHalfEven } from '../numerics/rounding.js';
import type { WeightScheme } from '../schemes/scheme.js';

export interface QuantizedWeights {
  readonly codes: ConstantTensor;
  readonly format: EightBitFormat;
  /** One per channel, or one. */
  readonly scale: Float32Array;
  /** The same for every channel, since weights are symmetric. */
  readonly zeroPoint: number;
}

/** What the accumulator of a channel has to hold besides the products. */
export interface BiasDemand {
  /** One per output channel. */
  readonly bias: Float32Array;
  readonly inputScale: number;
  /** Number of products that an output sums. */
  readonly depth: number;
}

/** No product of codes is larger: |a - zero| <= 255, |w| <= 128. */
const MAX_PRODUCT = 255 * 128;
/** A bias in codes of less than this many bits could not be told from rounding. */
const MIN_BIAS_RANGE = 2 ** 24;

/**
 * Largest |bias code| that an accumulator of `depth` products has room for: depth * 255 * 128 + bias <= 2^31 - 1, and at
 * most 2^30; undefined when there is no room for a useful bias (depth > 65,278).
 */
export function biasRoom(depth: number): number | undefined {
  const room = Math.min(2 ** 30, 2 ** 31 - 1 - depth * MAX_PRODUCT);
  return room < MIN_BIAS_RANGE ? undefined : room;
}

/**
 * codes = sat(rint(f32(w / scale)) + zeroPoint), scale = max|w| / 127 over each channel (axis) or over all.
 * Where a bias would not fit its int32 code at scale input * weight (channels of almost no weight), the weight scale is
 * raised until it does: scale >= |bias| / (inputScale * room). The accumulator scale stays a normal float32.
 * Errors: ERR_BAD_ARGUMENT for NaN or infinite weights.
 */
export function quantizeWeights(
  weights: ConstantTensor,
  axis: number,
  { format, symmetric, granularity }: WeightScheme,
  demand?: BiasDemand,
): QuantizedWeights {
  const geometry = geometryOf(granularity === 'channel' ? { kind: 'channel', axis } : { kind: 'tensor' }, weights.dims);
  const values = floatsOf(weights);
  const options = { format, symmetric };
  const ranges = rangesOf(values, geometry);
  const { scale, zeroPoint } = chooseParameterArrays(ranges, options);
  if (demand !== undefined) {
    const { inputScale } = demand;
    const least = leastScales(demand);
    const floor = Math.max(MIN_SCALE, MIN_SCALE / inputScale) * 2;
    scale.forEach((chosen, index) => {
      const empty = (ranges[index]?.min ?? 0) === 0 && (ranges[index]?.max ?? 0) === 0;
      const needed = scale.length === 1 ? Math.max(0, ...least) : (least[index] as number);
      // An empty channel is nothing but its bias, so the scale that suits the bias best is the right one.
      const wanted = empty && needed > 0 ? needed : Math.max(chosen, needed);
      scale[index] = Math.max(wanted, floor);
    });
  }
  const codes = quantizeArray(values, geometry, { scale, zeroPoint }, options);
  return {
    codes: constantOf(NUMBER_FORMATS[format].dtype, weights.dims, codes),
    format,
    scale,
    zeroPoint: NUMBER_FORMATS[format].symmetricZero,
  };
}

/** Per channel, the smallest weight scale whose bias code fits; a little more, since the product is rounded to float32. */
function leastScales({ bias, inputScale, depth }: BiasDemand): Float64Array {
  const room = biasRoom(depth) ?? MIN_BIAS_RANGE;
  return Float64Array.from(bias, (value) => (Math.abs(value) / (inputScale * room)) * (1 + 2 ** -20));
}

/** One accumulator scale per weight scale: f32(inputScale * weightScale). */
export function accumulatorScales(inputScale: number, weightScale: Float32Array): Float32Array {
  return Float32Array.from(weightScale, (scale) => inputScale * scale);
}

/**
 * bias codes = rint(bias / scale), int32, `scale` from accumulatorScales (one, or one per channel). undefined when a code
 * does not fit `room` or is not a number.
 */
export function quantizeBias(bias: Float32Array, scale: Float32Array, room: number): Int32Array | undefined {
  const codes = new Int32Array(bias.length);
  for (let channel = 0; channel < bias.length; channel++) {
    const code = roundHalfEven((bias[channel] as number) / (scale[scale.length === 1 ? 0 : channel] as number));
    if (!(Math.abs(code) <= room)) return undefined;
    codes[channel] = code;
  }
  return codes;
}

/** The bias as one float per channel; undefined when its shape is not [n], [1, n] or a single element. */
export function biasVector(bias: ConstantTensor, channels: number): Float32Array | undefined {
  if (bias.dtype !== 'float32') return undefined;
  const values = floatsOf(bias);
  if (values.length === 1) return new Float32Array(channels).fill(values[0] as number);
  const last = bias.dims.at(-1);
  return values.length === channels && last === channels ? values : undefined;
}

/** The tensor with every element times a factor, in float32; the tensor itself for 1. */
export function scaled(tensor: ConstantTensor, factor: number): ConstantTensor {
  if (factor === 1) return tensor;
  return constantOf(
    'float32',
    tensor.dims,
    floatsOf(tensor).map((value) => value * factor),
  );
}

/** A matrix [rows, columns] with its axes exchanged. */
export function transposed(tensor: ConstantTensor): ConstantTensor {
  const [rows, columns] = tensor.dims as [number, number];
  const from = floatsOf(tensor);
  const to = new Float32Array(from.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c] as number;
  return constantOf('float32', [columns, rows], to);
}
