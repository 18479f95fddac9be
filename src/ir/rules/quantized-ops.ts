// The quantized operators of ONNX.

import { type DType, dtypeOfOnnx } from '../../core/dtype.js';
import { CODES, FLOAT, type Known, type NodeContext, type OpRule } from '../rule.js';
import { matMulDims } from './matrix-ops.js';
import { CONV_ATTRIBUTES, checkBias, convDims } from './window-ops.js';

export const SCALE: readonly DType[] = ['float32', 'float16', 'bfloat16'];
const QUANTIZABLE: readonly DType[] = [...FLOAT, 'int32'];
const STORED: readonly DType[] = [
  'uint8',
  'int8',
  'int32',
  'uint16',
  'int16',
  'uint4',
  'int4',
  'uint2',
  'int2',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'float4e2m1',
];

/** Scale (and zero point) are scalars, one value per index of the axis, or blocked along it (opset 21). */
function checkGranularity(context: NodeContext): void {
  const [x, scale, zero] = [context.dims(0), context.dims(1), context.has(2) ? context.dims(2) : undefined];
  if (scale === undefined) return;
  const differs = zero?.length !== scale.length || zero.some((dim, axis) => dim !== scale[axis]);
  // A scalar and a shape of [1] say the same.
  const single = (dims: typeof scale): boolean => dims.every((dim) => dim === 1);
  if (zero !== undefined && differs && !(single(zero) && single(scale))) {
    context.fail(`the zero point [${zero.join(', ')}] differs in shape from the scale [${scale.join(', ')}]`);
  }
  if (x === undefined || scale.length !== 1 || scale[0] === 1 || context.int('block_size', 0) !== 0) return;
  const axis = context.axis(context.int('axis', 1), x.length);
  if (typeof x[axis] === 'number' && typeof scale[0] === 'number' && x[axis] !== scale[0]) {
    context.fail(`${scale[0]} scales for axis ${axis} of [${x.join(', ')}]`);
  }
}

function inferQuantize(context: NodeContext): Known[] {
  checkGranularity(context);
  const number = context.int('output_dtype', 0);
  const named = number === 0 ? undefined : (dtypeOfOnnx(number) ?? context.fail(`output_dtype ${number} is not known`));
  const dtype = context.has(2) ? context.dtype(2) : (named ?? 'uint8');
  return [{ dtype, dims: context.dims(0) }];
}

function inferDequantize(context: NodeContext): Known[] {
  checkGranularity(context);
  const number = context.int('output_dtype', 0);
  return [{ dtype: number === 0 ? context.dtype(1) : dtypeOfOnnx(number), dims: context.dims(0) }];
}

function inferQLinearConv(context: NodeContext): Known[] {
  const dims = convDims(context, 0, 3);
  checkBias(context, 8, dims?.[1]);
  return [{ dtype: context.dtype(7), dims }];
}

const QUANTIZE_ATTRIBUTES = {
  axis: 'int',
  block_size: 'int',
  output_dtype: 'int',
  precision: 'int',
  saturate: 'int',
} as const;

export const QUANTIZED_OPS = {
  QuantizeLinear: {
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: QUANTIZE_ATTRIBUTES,
    accepts: [QUANTIZABLE, [], STORED],
    infer: inferQuantize,
  },
  DequantizeLinear: {
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: QUANTIZE_ATTRIBUTES,
    accepts: [STORED, [], STORED],
    same: [0, 2],
    infer: inferDequantize,
  },
  DynamicQuantizeLinear: {
    inputs: [1, 1],
    outputs: [3, 3],
    attributes: {},
    accepts: [['float32']],
    infer: (context) => [
      { dtype: 'uint8', dims: context.dims(0) },
      { dtype: 'float32', dims: [] },
      { dtype: 'uint8', dims: [] },
    ],
  },
  QLinearConv: {
    inputs: [8, 9],
    outputs: [1, 1],
    attributes: CONV_ATTRIBUTES,
    accepts: [CODES, SCALE, CODES, CODES, SCALE, CODES, SCALE, CODES, ['int32']],
    infer: inferQLinearConv,
  },
  QLinearMatMul: {
    inputs: [8, 8],
    outputs: [1, 1],
    attributes: {},
    infer: (context) => [{ dtype: context.dtype(7), dims: matMulDims(context, 0, 3) }],
  },
  ConvInteger: {
    inputs: [2, 4],
    outputs: [1, 1],
    attributes: CONV_ATTRIBUTES,
    accepts: [CODES],
    infer: (context) => [{ dtype: 'int32', dims: convDims(context, 0, 1) }],
  },
} as const satisfies Record<string, OpRule>;
