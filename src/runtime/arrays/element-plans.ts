// Plans that convert floats to and from small floats, small integers and lists of levels: a code per element.

import type { BackendPlan } from '../../backend/backend.js';
import type { BufferRef } from '../../backend/plan-builder.js';
import { CODEBOOKS, thresholdsOf } from '../../numerics/codebook.js';
import { CONVERSIONS, type ConversionName, type ElementFormat } from '../../numerics/conversions.js';
import { MINIFLOATS, type MinifloatName } from '../../numerics/minifloat.js';
import { type CallOptions, repeated } from './arguments.js';
import { type ConversionParameters, codesLength, wantCodecOptions, wantParameters } from './codec.js';
import { type ArrayPlanBuilder, planOf } from './plans.js';

type Options = ConversionParameters & Pick<CallOptions, 'backend' | 'threads'>;

/** A plan and what it reads besides the elements: scales, and for integers zero points. */
export interface ElementPlan {
  /** Undefined when there is nothing to convert. */
  readonly plan: BackendPlan | undefined;
  readonly parameters: readonly ArrayBufferView[];
}

/** The fields of encode_float and decode_float. */
export function floatFields(name: MinifloatName, saturate: boolean): Record<string, number> {
  const row = MINIFLOATS[name];
  const { exponent, mantissa, bias, max, infinity, nan, negativeZero } = row;
  const overflow = saturate || nan === undefined ? max : (infinity ?? nan);
  return {
    ...{ exponent, mantissa, bias, max, infinity: infinity ?? -1, nan: nan ?? max, overflow },
    negative_zero: Number(negativeZero),
  };
}

function planFor(
  direction: 'encode' | 'decode',
  format: Exclude<ElementFormat, 'f8e8m0'>,
  count: number,
  options: Options,
): ElementPlan {
  const { saturate } = wantCodecOptions(format, options);
  const { spread: found, scale, zeroPoint } = wantParameters(format, count, options);
  const { count: scales, ...spread } = found;
  const { kind, bits, signed, array } = CONVERSIONS[format];
  const codeBytes = codesLength(format as ConversionName, count) * (array.endsWith('16') ? 2 : 1);
  const parameters: ArrayBufferView[] = [repeated(scale, scales)];
  if (kind === 'integer') parameters.push(repeated(zeroPoint, scales));
  const build = (builder: ArrayPlanBuilder): void => {
    const x = direction === 'encode' ? builder.input(count * 4) : undefined;
    const packed = direction === 'decode' ? builder.input(codeBytes) : undefined;
    const shared = { scale: builder.input(scales * 4), ...spread };
    const zero_point = kind === 'integer' ? builder.input(scales * 4) : undefined;
    const ends = { x: x ?? builder.output(count * 4), codes: packed ?? builder.output(codeBytes) };
    const op = (name: string, fields: Readonly<Record<string, number | BufferRef | undefined>>): void =>
      builder.op(`${direction}_${name}`, { ...ends, ...shared, ...fields });
    if (kind === 'integer') {
      const wraps = direction === 'encode' ? { wraps: Number(saturate === false) } : {};
      op('integer', { zero_point, bits, sign: Number(signed), ...wraps });
    } else if (kind === 'minifloat') {
      op('float', floatFields(format as MinifloatName, saturate ?? MINIFLOATS[format as MinifloatName].saturate));
    } else {
      const list = direction === 'encode' ? 'thresholds' : 'levels';
      const values = direction === 'encode' ? thresholdsOf(CODEBOOKS.nf4) : CODEBOOKS.nf4;
      op('levels', { [list]: builder.constant(values) });
    }
  };
  const geometry = [direction, format, String(saturate), ...Object.values(spread)];
  return { plan: count === 0 ? undefined : planOf(options, geometry, build), parameters };
}

/** Floats to codes. Errors: ERR_BAD_ARGUMENT. */
export function encodePlan(format: Exclude<ElementFormat, 'f8e8m0'>, count: number, options: Options): ElementPlan {
  return planFor('encode', format, count, options);
}

/** Codes to floats. Errors: ERR_BAD_ARGUMENT. */
export function decodePlan(format: Exclude<ElementFormat, 'f8e8m0'>, count: number, options: Options): ElementPlan {
  return planFor('decode', format, count, options);
}
