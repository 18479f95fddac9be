// Small constants as numbers, for shape arithmetic.

import { type ConstantTensor, elementsOf } from '../core/tensor.js';
import type { Known } from './rule.js';

/** Shapes, axes, pads and scales of a resize are far shorter; weights are not looked at. */
export const MAX_VALUES = 256;

/** How files say "to the end" and "to the start" in a Slice; a double rounds them to 2^63 and -2^63. */
const INT64_ENDS: ReadonlySet<bigint> = new Set([2n ** 63n - 1n, -(2n ** 63n) + 1n, -(2n ** 63n)]);

/** Elements that shape arithmetic can be asked for. An int64 beyond 2^53 is none, except for the ends of the range. */
export function knownOf(tensor: ConstantTensor): Known {
  const { dtype, dims } = tensor;
  if (!['int64', 'int32', 'float32'].includes(dtype)) return { dtype, dims };
  if (dims.reduce((product, dim) => product * dim, 1) > MAX_VALUES) return { dtype, dims };
  const elements = Array.from(elementsOf(tensor) as ArrayLike<number | bigint>);
  const usable = elements.every((value) =>
    typeof value === 'bigint'
      ? INT64_ENDS.has(value) || BigInt.asIntN(53, value) === value
      : // A NaN or an infinity is no dimension.
        Number.isFinite(value),
  );
  return { dtype, dims, values: usable ? elements.map(Number) : undefined };
}
