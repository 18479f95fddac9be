// Limits that a user sets on a comparison, and whether they were met.

import { LowbitError } from '../core/errors.js';
import type { CompareReport } from '../report/print-compare.js';
import { percentText, textTable } from '../report/text-table.js';
import type { OptionRow } from './command.js';
import { number } from './option-values.js';

export const LIMIT_OPTIONS = [
  { flags: '--max-drop <points>', description: 'fail when top-1 drops by more points', parse: number('--max-drop') },
  {
    flags: '--min-agreement <fraction>',
    description: 'fail when top-1 agrees on less',
    parse: number('--min-agreement', 0, 1),
  },
  { flags: '--min-sqnr <dB>', description: 'fail when an output is noisier', parse: number('--min-sqnr') },
  {
    flags: '--max-size-ratio <fraction>',
    description: 'fail when the candidate is larger, relative to the reference',
    parse: number('--max-size-ratio', 0),
  },
] as const satisfies readonly OptionRow[];

/** The values of LIMIT_OPTIONS. */
export interface LimitValues {
  readonly maxDrop?: number;
  readonly minAgreement?: number;
  readonly minSqnr?: number;
  readonly maxSizeRatio?: number;
}

export interface LimitOutcome {
  readonly limit: string;
  readonly wanted: number;
  readonly found: number;
  readonly met: boolean;
}

/**
 * The limits that were set, in their order.
 * Errors: ERR_BAD_ARGUMENT for a limit on something that the comparison could not know (top-1 without labels).
 */
export function checkLimits(report: CompareReport, values: LimitValues): LimitOutcome[] {
  const outcomes: LimitOutcome[] = [];
  const { reference, candidate, agreement, outputs, sqnrDb } = report;
  if (values.maxDrop !== undefined) {
    if (reference.top1 === null || candidate.top1 === null)
      throw unknowable('--max-drop', 'labels (--labels FILE) and class scores');
    outcomes.push(atMost('maxDrop', values.maxDrop, points(reference.top1 - candidate.top1)));
  }
  if (values.minAgreement !== undefined) {
    if (agreement === null) throw unknowable('--min-agreement', 'class scores');
    outcomes.push(atLeast('minAgreement', values.minAgreement, agreement));
  }
  if (values.minSqnr !== undefined) {
    const equal = outputs.every(({ maxAbsoluteError }) => maxAbsoluteError === 0);
    outcomes.push(atLeast('minSqnr', values.minSqnr, sqnrDb ?? (equal ? Infinity : -Infinity)));
  }
  if (values.maxSizeRatio !== undefined) outcomes.push(atMost('maxSizeRatio', values.maxSizeRatio, report.bytes.ratio));
  return outcomes;
}

export function limitsText(outcomes: readonly LimitOutcome[]): string {
  const show = (limit: string, value: number): string => {
    if (limit === 'maxDrop') return `${value.toFixed(2)} points`;
    return limit === 'minSqnr' ? `${value.toFixed(1)} dB` : percentText(value);
  };
  return textTable(
    [{ title: 'limit' }, { title: 'wanted', align: 'right' }, { title: 'found', align: 'right' }, { title: '' }],
    outcomes.map(({ limit, wanted, found, met }) => [
      limit,
      show(limit, wanted),
      show(limit, found),
      met ? 'met' : 'NOT MET',
    ]),
  );
}

/** Fractions to points, without the noise of the subtraction: 1 point of 1,000 samples is 0.1, not 0.10000000000000009. */
function points(fraction: number): number {
  return Number((100 * fraction).toFixed(9));
}

function atMost(limit: string, wanted: number, found: number): LimitOutcome {
  return { limit, wanted, found, met: found <= wanted };
}

function atLeast(limit: string, wanted: number, found: number): LimitOutcome {
  return { limit, wanted, found, met: found >= wanted };
}

function unknowable(option: string, what: string): LowbitError {
  return new LowbitError('ERR_BAD_ARGUMENT', `${option} needs ${what}`, { argument: option });
}
