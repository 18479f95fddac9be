// Operators that work element by element, and those that keep the shape of their input.

import type { DType } from '../../core/dtype.js';
import type { Dim } from '../../core/shape.js';
import { BOOL, FLOAT, type Known, MANY, type NodeContext, type OpRule } from '../rule.js';

const NUMBERS: readonly DType[] = [...FLOAT, 'int64', 'int32', 'uint64', 'uint32', 'int16', 'uint16', 'int8', 'uint8'];

/** The same type and shape as the first input. */
function keep(context: NodeContext): Known[] {
  return [{ dtype: context.dtype(0), dims: context.dims(0), values: context.values(0) }];
}

function unary(attributes: OpRule['attributes'] = {}, accepts: readonly DType[] = FLOAT): OpRule {
  return {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes,
    accepts: [accepts],
    infer: (context) => [{ dtype: context.dtype(0), dims: context.dims(0) }],
  };
}

type Arithmetic = (a: number, b: number) => number;

/** Values of shape arithmetic: `f` of numbers; a name passes where the other operand is neutral. */
function valuesOf(context: NodeContext, f: Arithmetic, neutral: number | undefined): readonly Dim[] | undefined {
  const [a, b] = [context.values(0), context.values(1)];
  if (a === undefined || b === undefined) return undefined;
  if (a.length !== b.length && a.length !== 1 && b.length !== 1) return undefined;
  const whole = context.dtype(0) === 'int64' || context.dtype(0) === 'int32';
  const out: Dim[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[a.length === 1 ? 0 : i] as Dim;
    const y = b[b.length === 1 ? 0 : i] as Dim;
    if (typeof x === 'number' && typeof y === 'number') {
      const value = whole ? Math.trunc(f(x, y)) : Math.fround(f(x, y));
      // Beyond 2^53 the double would not be the int64.
      if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) return undefined;
      out.push(value);
    } else if (y === neutral) out.push(x);
    else return undefined;
  }
  return out;
}

function binary(f?: Arithmetic, neutral?: number, accepts: readonly DType[] = NUMBERS): OpRule {
  return {
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { axis: 'int', broadcast: 'int' },
    accepts: [accepts],
    same: [0, 1],
    infer: (context) => [
      {
        dtype: context.dtype(0) ?? context.dtype(1),
        dims: broadcastInputs(context),
        values: f && valuesOf(context, f, neutral),
      },
    ],
  };
}

/** Before opset 7 `broadcast` and `axis` placed B; there the output has A's shape. */
function broadcastInputs(context: NodeContext): readonly Dim[] | undefined {
  if (context.opset < 7 && context.int('broadcast', 0) !== 0) return context.dims(0);
  return context.broadcast([context.dims(0), context.dims(1)]);
}

function comparison(accepts: readonly DType[] = NUMBERS): OpRule {
  return {
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    accepts: [accepts],
    same: [0, 1],
    infer: (context) => [{ dtype: 'bool', dims: broadcastInputs(context) }],
  };
}

function variadic(): OpRule {
  return {
    inputs: [1, MANY],
    outputs: [1, 1],
    attributes: {},
    accepts: [NUMBERS],
    infer: (context) => [
      { dtype: context.dtype(0), dims: context.broadcast(context.inputs.map((input) => input?.dims)) },
    ],
  };
}

function softmax(): OpRule {
  return {
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { axis: 'int' },
    accepts: [FLOAT],
    infer: (context) => {
      const dims = context.dims(0);
      if (dims !== undefined && dims.length > 0)
        context.axis(context.int('axis', context.opset < 13 ? 1 : -1), dims.length);
      return [{ dtype: context.dtype(0), dims }];
    },
  };
}

function inferClip(context: NodeContext): Known[] {
  for (const index of [1, 2]) {
    const dims = context.has(index) ? context.dims(index) : undefined;
    // One element; some exporters write a shape of [1].
    if (dims?.some((dim) => typeof dim === 'number' && dim !== 1)) {
      context.fail(`bound ${index} has shape [${dims.join(', ')}]; a scalar was expected`);
    }
  }
  return [{ dtype: context.dtype(0), dims: context.dims(0) }];
}

export const ELEMENTWISE_OPS = {
  Add: binary((a, b) => a + b, 0),
  Sub: binary((a, b) => a - b, 0),
  Mul: binary((a, b) => a * b, 1),
  Div: binary((a, b) => a / b, 1),
  Pow: { ...binary(), same: [] },
  PRelu: { ...binary(), infer: (context) => [{ dtype: context.dtype(0), dims: context.dims(0) }] },
  Mod: { ...binary(), attributes: { fmod: 'int' } },
  Max: variadic(),
  Min: variadic(),
  Sum: variadic(),
  Mean: variadic(),
  Equal: comparison([...NUMBERS, 'bool', 'string']),
  Greater: comparison(),
  GreaterOrEqual: comparison(),
  Less: comparison(),
  LessOrEqual: comparison(),
  And: comparison(BOOL),
  Or: comparison(BOOL),
  Xor: comparison(BOOL),
  Not: unary({}, BOOL),
  Where: {
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: {},
    accepts: [BOOL, []],
    same: [1, 2],
    infer: (context) => [
      {
        dtype: context.dtype(1) ?? context.dtype(2),
        dims: context.broadcast([context.dims(0), context.dims(1), context.dims(2)]),
      },
    ],
  },
  Relu: unary({}, NUMBERS),
  LeakyRelu: unary({ alpha: 'float' }),
  Elu: unary({ alpha: 'float' }),
  Selu: unary({ alpha: 'float', gamma: 'float' }),
  Celu: unary({ alpha: 'float' }),
  HardSigmoid: unary({ alpha: 'float', beta: 'float' }),
  HardSwish: unary(),
  Gelu: unary({ approximate: 'string' }),
  Mish: unary(),
  Swish: unary({ alpha: 'float' }),
  ThresholdedRelu: unary({ alpha: 'float' }),
  Sigmoid: unary(),
  Softplus: unary(),
  Softsign: unary(),
  Tanh: unary(),
  Exp: unary(),
  Log: unary(),
  Sqrt: unary(),
  Reciprocal: unary(),
  Erf: unary({}, NUMBERS),
  Sin: unary(),
  Cos: unary(),
  Abs: unary({}, NUMBERS),
  Neg: {
    ...unary({}, NUMBERS),
    infer: (context) => {
      const values = context.integers(0)?.map((value) => 0 - value);
      return [{ dtype: context.dtype(0), dims: context.dims(0), values }];
    },
  },
  Sign: unary({}, NUMBERS),
  Floor: {
    ...unary(),
    infer: (context) => {
      const values = context.integers(0)?.map(Math.floor);
      return [{ dtype: context.dtype(0), dims: context.dims(0), values }];
    },
  },
  Ceil: unary(),
  Round: unary(),
  Clip: {
    inputs: [1, 3],
    outputs: [1, 1],
    attributes: { min: 'float', max: 'float' },
    accepts: [NUMBERS],
    same: [0, 1, 2],
    infer: inferClip,
  },
  Softmax: softmax(),
  LogSoftmax: softmax(),
  Hardmax: softmax(),
  LRN: unary({ alpha: 'float', beta: 'float', bias: 'float', size: 'int' }),
  LpNormalization: unary({ axis: 'int', p: 'int' }),
  LayerNormalization: {
    inputs: [2, 3],
    outputs: [1, 3],
    attributes: { axis: 'int', epsilon: 'float', stash_type: 'int' },
    accepts: [FLOAT],
    infer: (context) => {
      const dims = context.dims(0);
      const axis = dims && context.axis(context.int('axis', -1), dims.length);
      const reduced: Known = { dtype: 'float32', dims: dims?.map((dim, at) => (at < (axis ?? 0) ? dim : 1)) };
      return [{ dtype: context.dtype(0), dims }, reduced, reduced];
    },
  },
  RMSNormalization: {
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { axis: 'int', epsilon: 'float', stash_type: 'int' },
    accepts: [FLOAT],
    infer: (context) => [{ dtype: context.dtype(0), dims: context.dims(0) }],
  },
  Identity: { inputs: [1, 1], outputs: [1, 1], attributes: {}, infer: keep },
  Dropout: {
    inputs: [1, 3],
    outputs: [1, 2],
    attributes: { ratio: 'float', seed: 'int', is_test: 'int' },
    accepts: [FLOAT, FLOAT, BOOL],
    infer: (context) => [
      { dtype: context.dtype(0), dims: context.dims(0) },
      { dtype: context.opset < 10 ? context.dtype(0) : 'bool', dims: context.dims(0) },
    ],
  },
} as const satisfies Record<string, OpRule>;
