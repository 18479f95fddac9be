// Relu and Clip as one thing: a clamp between two constants.

import { type ConstantTensor, floatsOf } from '../core/tensor.js';
import type { Node } from '../ir/graph.js';
import { type CodeFormat, NUMBER_FORMATS } from '../numerics/formats.js';
import type { QuantizationParameters } from '../numerics/params.js';
import { quantizeTo } from '../numerics/rounding.js';

export interface Clamp {
  readonly lo: number;
  readonly hi: number;
}

/** The clamp that a Relu, or a Clip between constants, does; undefined for other nodes. ERR_BAD_MODEL for a Clip of another type. */
export function clampOf(node: Node, constants: ReadonlyMap<string, ConstantTensor>): Clamp | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'Relu') return { lo: 0, hi: Infinity };
  if (node.op !== 'Clip') return undefined;
  const lo = bound(node, 1, 'min', constants);
  const hi = bound(node, 2, 'max', constants);
  if (lo === undefined || hi === undefined) return undefined;
  const clamp = { lo: lo.value ?? -Infinity, hi: hi.value ?? Infinity };
  return clamp.lo <= clamp.hi ? clamp : undefined;
}

/** A bound is an input since set 11, an attribute before; `value` undefined = there is none; undefined = not constant. */
function bound(
  node: Node,
  index: number,
  attribute: string,
  constants: ReadonlyMap<string, ConstantTensor>,
): { value: number | undefined } | undefined {
  const name = node.inputs[index] ?? '';
  if (name === '') {
    const old = node.attributes.get(attribute);
    return { value: old?.kind === 'float' ? old.value : undefined };
  }
  const tensor = constants.get(name);
  return tensor?.dtype === 'float32' ? { value: floatsOf(tensor)[0] } : undefined;
}

/**
 * The clamp in codes. Quantizing is monotone, so Q(clamp(x, lo, hi)) = clamp(Q(x), Q(lo), Q(hi)) for every x.
 */
export function clampCodes(
  { lo, hi }: Clamp,
  format: CodeFormat,
  { scale, zeroPoint }: QuantizationParameters,
): { readonly qlo: number; readonly qhi: number } {
  return { qlo: quantizeTo(format, lo, scale, zeroPoint), qhi: quantizeTo(format, hi, scale, zeroPoint) };
}

/** True when saturation to the format does all that the clamp would do, so that the clamp may be left out before Q. */
export function isImplied(clamp: Clamp, format: CodeFormat, parameters: QuantizationParameters): boolean {
  const { qlo, qhi } = clampCodes(clamp, format, parameters);
  return qlo === NUMBER_FORMATS[format].qmin && qhi === NUMBER_FORMATS[format].qmax;
}
