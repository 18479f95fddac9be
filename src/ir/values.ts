// Small constants as numbers, for shape arithmetic.

import { type ConstantTensor, elementsOf } from '../core/tensor.js';
import type { Known } from './rule.js';

/** Shapes, axes, pads and scales of a resize are far shorter; weights are not looked at. */
const MAX_VALUES = 256;

/** Elements that shape arithmetic can be asked for; an int64 beyond 2^53 becomes the nearest double. */
export function knownOf(tensor: ConstantTensor): Known {
  const { dtype, dims } = tensor;
  if (!['int64', 'int32', 'float32'].includes(dtype)) return { dtype, dims };
  if (dims.reduce((product, dim) => product * dim, 1) > MAX_VALUES) return { dtype, dims };
  const values = Array.from(elementsOf(tensor) as ArrayLike<number | bigint>, Number);
  // A NaN or an infinity is no dimension.
  return { dtype, dims, values: values.every(Number.isFinite) ? values : undefined };
}
