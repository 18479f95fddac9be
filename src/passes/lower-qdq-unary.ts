// Functions of one float that become tables of 256 codes.

import type { ConstantTensor } from '../core/tensor.js';
import type { Node } from '../ir/graph.js';
import { clampOf } from './clamp.js';
import { floatAttribute } from './draft.js';

const f32 = Math.fround;

/** Each step is rounded to float32, as a float runtime would; the transcendental ones are exact but for the last rounding. */
export const CODE_FUNCTIONS: Readonly<Record<string, (node: Node) => (x: number) => number>> = {
  Identity: () => (x) => x,
  Abs: () => Math.abs,
  Neg: () => (x) => -x,
  Exp: () => (x) => f32(Math.exp(x)),
  Sqrt: () => (x) => f32(Math.sqrt(x)),
  Sigmoid: () => (x) => f32(1 / (1 + Math.exp(-x))),
  Tanh: () => (x) => f32(Math.tanh(x)),
  Softplus: () => (x) => f32(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  LeakyRelu: (node) => {
    const alpha = f32(floatAttribute(node, 'alpha', f32(0.01)));
    return (x) => (x >= 0 ? x : f32(alpha * x));
  },
  Elu: (node) => {
    const alpha = f32(floatAttribute(node, 'alpha', 1));
    return (x) => (x >= 0 ? x : f32(alpha * f32(Math.expm1(x))));
  },
  HardSigmoid: (node) => hardSigmoid(floatAttribute(node, 'alpha', f32(0.2)), floatAttribute(node, 'beta', 0.5)),
  HardSwish: () => {
    const gate = hardSigmoid(f32(1 / 6), 0.5);
    return (x) => f32(x * gate(x));
  },
};

function hardSigmoid(alpha: number, beta: number): (x: number) => number {
  return (x) => Math.min(1, Math.max(0, f32(f32(alpha * x) + beta)));
}

/** The function that a node computes from its first input alone; undefined when it is none of these. */
export function unaryOf(
  node: Node,
  constants: ReadonlyMap<string, ConstantTensor>,
): ((x: number) => number) | undefined {
  if (node.domain !== '' || node.outputs.length !== 1) return undefined;
  const clamp = clampOf(node, constants);
  if (clamp !== undefined) return (x) => Math.min(clamp.hi, Math.max(clamp.lo, x));
  return Object.hasOwn(CODE_FUNCTIONS, node.op) ? CODE_FUNCTIONS[node.op]?.(node) : undefined;
}
