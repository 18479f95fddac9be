// The operators of the domain 'lowbit', which passes make and the runtime runs.

import { dtypeOfOnnx } from '../../core/dtype.js';
import type { Dim } from '../../core/shape.js';
import type { Attribute } from '../graph.js';
import { CODES, FLOAT, type Known, MANY, type NodeContext, type OpRule } from '../rule.js';
import { ELEMENTWISE_OPS } from './elementwise-ops.js';
import { checkAddend, GEMM_ATTRIBUTES, gemmDims, MATRIX_OPS } from './matrix-ops.js';
import { CONV_ATTRIBUTES, checkBias, convDims, globalDims, poolDims, WINDOW_OPS } from './window-ops.js';

/** Clamps of the result: `lo` and `hi` in real numbers, `qlo` and `qhi` in codes; absent = none. */
const CLAMP = { lo: 'float', hi: 'float' } as const;
/** What ends a product of codes that gives floats: an activation by its kind. */
const TAIL = { activation: 'string', activation_alpha: 'float' } as const;
const CODE_CLAMP = { ...CLAMP, qlo: 'int', qhi: 'int' } as const;

function clamped(rule: OpRule): OpRule {
  return { ...rule, attributes: { ...rule.attributes, ...CLAMP } };
}

/** Codes of the type of the zero point at `zero`, or float32 where the scale at `scale` is absent. */
function outputType(context: NodeContext, scale: number, zero: number): Known['dtype'] {
  if (!context.has(scale)) return 'float32';
  return context.has(zero) ? context.dtype(zero) : 'uint8';
}

function quantizedBinary(): OpRule {
  return {
    inputs: [8, 8],
    outputs: [1, 1],
    attributes: CODE_CLAMP,
    accepts: [CODES, FLOAT, CODES, CODES, FLOAT, CODES, FLOAT, CODES],
    infer: (context) => [
      { dtype: outputType(context, 6, 7), dims: context.broadcast([context.dims(0), context.dims(3)]) },
    ],
  };
}

function quantizedPool(
  attributes: OpRule['attributes'],
  dimsOf: (context: NodeContext) => readonly Dim[] | undefined,
): OpRule {
  return {
    inputs: [5, 5],
    outputs: [1, 1],
    attributes,
    accepts: [CODES, FLOAT, CODES, FLOAT, CODES],
    infer: (context) => [{ dtype: outputType(context, 3, 4), dims: dimsOf(context) }],
  };
}

function inferConcat(context: NodeContext): Known[] {
  const count = context.node.inputs.length - 2;
  if (count % 3 !== 0) context.fail(`${count} inputs after the output's scale and zero point; triples were expected`);
  const shapes = Array.from({ length: count / 3 }, (_, index) => context.dims(2 + 3 * index));
  const first = shapes[0];
  const dtype = outputType(context, 0, 1);
  if (first === undefined) return [{ dtype, dims: undefined }];
  const axis = context.axis(context.int('axis') ?? context.fail('attribute axis is missing'), first.length);
  const sizes = shapes.map((dims) => dims?.[axis]);
  const total = sizes.every((size) => typeof size === 'number')
    ? sizes.reduce((sum, size) => sum + size, 0)
    : undefined;
  for (const dims of shapes) {
    if (
      dims?.some(
        (dim, at) => at !== axis && typeof dim === 'number' && typeof first[at] === 'number' && dim !== first[at],
      )
    ) {
      context.fail(`[${dims.join(', ')}] does not fit [${first.join(', ')}] along axis ${axis}`);
    }
  }
  return [{ dtype, dims: first.with(axis, total ?? context.unknownDim(axis)) }];
}

/** [batch, queries, heads * depth] of q, k and v; v may have another depth. */
function inferAttention(context: NodeContext): Known[] {
  const [q, k, v] = [0, 1, 2].map((index) => context.ranked(index, 3));
  if (q === undefined || k === undefined || v === undefined) return [{ dtype: 'float32', dims: undefined }];
  const heads = context.int('heads') ?? context.fail('attribute heads is missing');
  for (const dims of [q, k, v]) {
    const features = dims[2] as Dim;
    if (typeof features === 'number' && features % heads !== 0) {
      context.fail(`[${dims.join(', ')}] cannot be split into ${heads} heads`);
    }
  }
  return [{ dtype: 'float32', dims: [q[0] as Dim, q[1] as Dim, v[2] as Dim] }];
}

const CONV: Readonly<Record<string, Attribute['kind']>> = { ...CONV_ATTRIBUTES, ...CODE_CLAMP };

/** Keyed by the operator's name in the domain 'lowbit'. */
export const LOWERED_OPS = {
  Conv: clamped(WINDOW_OPS.Conv),
  Gemm: {
    ...MATRIX_OPS.Gemm,
    attributes: { ...GEMM_ATTRIBUTES, ...CLAMP },
    infer: (context) => {
      const dims = gemmDims(context, 0, 1, true);
      checkAddend(context, 2, dims);
      return [{ dtype: context.dtype(0) ?? context.dtype(1), dims }];
    },
  },
  Gelu: ELEMENTWISE_OPS.Gelu,
  Swish: ELEMENTWISE_OPS.Swish,
  LayerNormalization: { ...ELEMENTWISE_OPS.LayerNormalization, inputs: [2, 4], same: [0, 3] },
  Attention: {
    inputs: [3, 4],
    outputs: [1, 1],
    attributes: { heads: 'int', scale: 'float' },
    accepts: [['float32']],
    infer: inferAttention,
  },
  MatMul: clamped(MATRIX_OPS.MatMul),
  Add: clamped(ELEMENTWISE_OPS.Add),
  Sub: clamped(ELEMENTWISE_OPS.Sub),
  Mul: clamped(ELEMENTWISE_OPS.Mul),
  Div: clamped(ELEMENTWISE_OPS.Div),
  QConv: {
    inputs: [6, 10],
    outputs: [1, 1],
    attributes: CONV,
    accepts: [CODES, FLOAT, CODES, CODES, FLOAT, CODES, FLOAT, CODES, ['int32'], ['float32']],
    infer: (context) => {
      const dims = convDims(context, 0, 3);
      checkBias(context, 8, dims?.[1]);
      checkBias(context, 9, dims?.[1]);
      return [{ dtype: outputType(context, 6, 7), dims }];
    },
  },
  QGemm: {
    inputs: [6, 11],
    outputs: [1, 1],
    attributes: { transB: 'int', ...CODE_CLAMP, ...TAIL },
    accepts: [CODES, FLOAT, CODES, CODES, FLOAT, CODES, ['int32'], FLOAT, CODES, ['float32'], ['float32']],
    infer: (context) => {
      const dims = gemmDims(context, 0, 3, true);
      checkBias(context, 6, dims?.[dims.length - 1]);
      checkAddend(context, 10, dims);
      return [{ dtype: outputType(context, 7, 8), dims }];
    },
  },
  QAdd: quantizedBinary(),
  QMul: quantizedBinary(),
  QAveragePool: quantizedPool(WINDOW_OPS.AveragePool.attributes, (context) => poolDims(context)),
  QGlobalAveragePool: quantizedPool({}, (context) => globalDims(context)),
  QConcat: { inputs: [5, MANY], outputs: [1, 1], attributes: { axis: 'int' }, infer: inferConcat },
  QLookup: {
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { to: 'int' },
    accepts: [CODES, ['uint8']],
    infer: (context) => [{ dtype: dtypeOfOnnx(context.int('to', 2)), dims: context.dims(0) }],
  },
  DynamicGemm: {
    inputs: [3, 6],
    outputs: [1, 1],
    attributes: { transB: 'int', ...CLAMP, ...TAIL },
    accepts: [['float32'], CODES, FLOAT, CODES, ['float32'], ['float32']],
    infer: (context) => {
      const dims = gemmDims(context, 0, 1, true);
      checkAddend(context, 4, dims);
      checkAddend(context, 5, dims);
      return [{ dtype: 'float32', dims }];
    },
  },
  DynamicConv: {
    inputs: [3, 5],
    outputs: [1, 1],
    attributes: { ...CONV_ATTRIBUTES, ...CLAMP },
    accepts: [['float32'], CODES, FLOAT, CODES, ['float32']],
    infer: (context) => {
      const dims = convDims(context, 0, 1);
      checkBias(context, 4, dims?.[1]);
      return [{ dtype: 'float32', dims }];
    },
  },
} as const satisfies Record<string, OpRule>;
