// Plans that convert floats to and from formats with a code per element: small floats, small integers, levels, exponents.

import type { BackendPlan } from '../../backend/backend.js';
import type { BufferRef } from '../../backend/plan-builder.js';
import { CODEBOOKS, thresholdsOf } from '../../numerics/codebook.js';
import { CONVERSIONS, type ElementFormat } from '../../numerics/conversions.js';
import { EXPONENT_ROUNDINGS, floatFields, MINIFLOATS, type MinifloatName } from '../../numerics/minifloat.js';
import { type CallOptions, repeated } from './arguments.js';
import { type ConversionParameters, codesLength, wantCodecOptions, wantParameters } from './codec.js';
import { type ArrayPlanBuilder, planOf } from './plans.js';

export type PlanOptions = ConversionParameters & Pick<CallOptions, 'backend' | 'threads'>;

export interface ConversionPlan {
  /** Undefined when there is nothing to convert. */
  readonly plan: BackendPlan | undefined;
  /** What it reads behind the elements. */
  readonly parameters: readonly ArrayBufferView[];
  /** Where it says which block it could not convert, and the check of that after the run. */
  readonly refusal?: { readonly output: ArrayBufferView; check(): void };
}

/** f8e8m0: without scales. */
function exponentPlan(direction: 'encode' | 'decode', count: number, options: PlanOptions): ConversionPlan {
  const { saturate = true, rounding = 'up' } = wantCodecOptions('f8e8m0', options);
  wantParameters('f8e8m0', count, options);
  const build = (builder: ArrayPlanBuilder): void => {
    if (direction === 'decode') {
      builder.op('decode_exponents', { codes: builder.input(count), x: builder.output(4 * count), n: count });
      return;
    }
    builder.op('encode_exponents', {
      ...{ x: builder.input(4 * count), codes: builder.output(count), n: count },
      ...{ rounding: EXPONENT_ROUNDINGS.indexOf(rounding), saturate: Number(saturate) },
    });
  };
  const geometry = [direction, 'f8e8m0', rounding, String(saturate), count];
  const plan = count === 0 ? undefined : planOf(options, geometry, build);
  return { plan, parameters: [] };
}

function planFor(
  direction: 'encode' | 'decode',
  format: ElementFormat,
  count: number,
  options: PlanOptions,
): ConversionPlan {
  if (format === 'f8e8m0') return exponentPlan(direction, count, options);
  const { saturate } = wantCodecOptions(format, options);
  const { spread: found, scale, zeroPoint } = wantParameters(format, count, options);
  const { count: scales, ...spread } = found;
  const { kind, bits, signed, array } = CONVERSIONS[format];
  const codeBytes = codesLength(format, count) * (array.endsWith('16') ? 2 : 1);
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
  const plan = count === 0 ? undefined : planOf(options, geometry, build);
  return { plan, parameters };
}

/** Floats to codes. Errors: ERR_BAD_ARGUMENT. */
export function encodePlan(format: ElementFormat, count: number, options: PlanOptions): ConversionPlan {
  return planFor('encode', format, count, options);
}

/** Codes to floats. Errors: ERR_BAD_ARGUMENT. */
export function decodePlan(format: ElementFormat, count: number, options: PlanOptions): ConversionPlan {
  return planFor('decode', format, count, options);
}
