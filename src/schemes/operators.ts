// The operators that the quantization passes know, and what each does to its codes.

/** Operators that the static passes know how to quantize, with what they do to their codes. */
export const STATIC_OPERATORS = {
  Conv: 'weights',
  Gemm: 'weights',
  MatMul: 'weights',
  Add: 'elementwise',
  Mul: 'elementwise',
  AveragePool: 'pool',
  GlobalAveragePool: 'pool',
  Concat: 'concat',
  MaxPool: 'passthrough',
  Reshape: 'passthrough',
  Flatten: 'passthrough',
  Transpose: 'passthrough',
  Squeeze: 'passthrough',
  Unsqueeze: 'passthrough',
  Identity: 'passthrough',
  Slice: 'passthrough',
  Pad: 'passthrough',
  Relu: 'unary',
  Clip: 'unary',
  LeakyRelu: 'unary',
  Sigmoid: 'unary',
  HardSigmoid: 'unary',
  HardSwish: 'unary',
  Tanh: 'unary',
} as const satisfies Record<string, 'weights' | 'elementwise' | 'pool' | 'concat' | 'passthrough' | 'unary'>;

/** Operators that the dynamic pass knows how to quantize. */
export const DYNAMIC_OPERATORS = ['MatMul', 'Gemm', 'Conv'] as const;

export type StaticOperator = keyof typeof STATIC_OPERATORS;

/** What an operator does to its codes, or undefined for one that stays in float. */
export function roleOf(op: string): (typeof STATIC_OPERATORS)[StaticOperator] | undefined {
  return Object.hasOwn(STATIC_OPERATORS, op) ? STATIC_OPERATORS[op as StaticOperator] : undefined;
}
