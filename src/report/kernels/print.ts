// The tables of kernels for people.

import { textTable } from '../text-table.js';
import type { KernelComparison, Skipped } from './compare.js';
import type { KernelTiming } from './measure.js';
import type { Peak } from './peaks.js';

const LIMITS = { int8: 'GOP/s', f32: 'GFLOP/s', read: 'GB/s read', copy: 'GB/s moved' } as const;

export function kernelTable(timings: readonly KernelTiming[]): string {
  return textTable(
    [
      { title: 'kernel' },
      { title: 'shape' },
      { title: 'instruction set' },
      ...(['median ms', 'rate', 'limit'] as const).map((title) => ({ title, align: 'right' as const })),
      { title: 'unit' },
      { title: 'of the limit', align: 'right' },
    ],
    timings.map(({ name, shape, isa, limit, medianMs, rate, peak }) => [
      ...[name, shape, isa, medianMs.toPrecision(3), rate.toFixed(1), peak.toFixed(1), LIMITS[limit]],
      `${((100 * rate) / peak).toFixed(0)} %`,
    ]),
  );
}

export function comparisonTable(compared: readonly KernelComparison[], skipped: readonly Skipped[]): string {
  const table = textTable(
    [
      { title: 'kernel' },
      { title: 'shape' },
      { title: 'instruction set' },
      ...(['before ms', 'after ms', 'after / before', 'noise band'] as const).map((title) => ({
        title,
        align: 'right' as const,
      })),
      { title: '' },
    ],
    compared.map(({ name, shape, isa, before, after, ratio, verdict }) => [
      ...[name, shape, isa, before.toPrecision(3), after.toPrecision(3), ratio.median.toFixed(3)],
      ...[`${ratio.low.toFixed(3)}-${ratio.high.toFixed(3)}`, verdict === 'same' ? '' : verdict],
    ]),
  );
  const missing = skipped.map(({ name, shape, reason }) => `not compared: ${name} ${shape}: ${reason}`);
  return [table, ...missing].join('\n');
}

export function peakTable(peaks: readonly Peak[]): string {
  return textTable(
    [
      { title: 'limit' },
      { title: 'instruction set' },
      ...(['threads', 'median', 'best'] as const).map((title) => ({ title, align: 'right' as const })),
      { title: 'unit' },
    ],
    peaks.map(({ limit, isa, threads, median, best }) => [
      ...[limit, isa, String(threads), median.toFixed(1), best.toFixed(1), LIMITS[limit]],
    ]),
  );
}
