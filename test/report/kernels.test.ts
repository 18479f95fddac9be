// The table of measured kernels on small sizes, and the statistics of comparisons. No figure is judged.

import { expect, test } from 'vitest';
import { loadBackendOf } from '../../src/backend/load.js';
import { kernelCases, smallKernelCases } from '../../src/report/kernels/cases.js';
import { compareKernels, medianBand, verdictOf } from '../../src/report/kernels/compare.js';
import { measureKernels } from '../../src/report/kernels/measure.js';
import { measurePeaks } from '../../src/report/kernels/peaks.js';
import { comparisonTable, kernelTable, peakTable } from '../../src/report/kernels/print.js';
import { checkCase, programOf } from '../../src/report/kernels/program.js';

const QUICK = { rounds: 1, turnMs: 0 };
const native = loadBackendOf('native');

test.each(['native', 'wasm'] as const)('every kind of kernel is checked and measured on %s', async (kind) => {
  const backend = loadBackendOf(kind);
  const cases = smallKernelCases();
  const timings = await measureKernels(backend, { cases, isas: backend.isas, ...QUICK });
  expect(timings).toHaveLength(cases.length * backend.isas.length);
  for (const { medianMs, rate, peak, isa } of timings) {
    expect(backend.isas).toContain(isa);
    for (const value of [medianMs, rate, peak]) expect(value).toBeGreaterThan(0);
  }
  const lines = kernelTable(timings).split('\n');
  expect(lines).toHaveLength(timings.length + 2);
  expect(lines[2]).toMatch(/^gemm u8i8 u8 +9x33x18 +portable .* GOP\/s +\d+ %$/);
});

test('the small cases are of the kinds of the real ones', () => {
  const kinds = (cases: readonly { name: string; limit: string }[]) => [
    ...new Set(cases.map(({ name, limit }) => `${name}, ${limit}`)),
  ];
  const missing = kinds(kernelCases()).filter((kind) => !kinds(smallKernelCases()).includes(kind));
  expect(missing).toEqual(['gemm i8i8 u8, read']);
});

test.skipIf(native.isas.length === 1)(
  'a result that is not the portable one ends the measurement (skipped where portable is all)',
  () => {
    const [first] = smallKernelCases();
    if (first === undefined) throw new Error('there are no small cases');
    let built = 0;
    const wrong: typeof first = {
      ...first,
      build(builder, backend, y) {
        // The second plan computes something else.
        if (built++ === 0) return first.build(builder, backend, y);
        const move = { rows: 1, row_bytes: y.bytes, x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 };
        builder.op('copy_rows', { x: builder.constant(new Uint8Array(y.bytes)), y, ...move });
      },
    };
    expect(() => checkCase(native, wrong, ['portable', native.isas.at(-1) as string])).toThrow(
      /element \d+ on \w+ is not as on portable/,
    );
  },
);

test('outputs are not empty: most bytes of most cases are not zero', () => {
  for (const one of smallKernelCases()) {
    const program = programOf(native, one, 'portable');
    program.run();
    program.dispose();
    expect(new Set(program.output).size, one.name).toBeGreaterThan(4);
  }
});

test('peaks of every instruction set and of memory', async () => {
  const peaks = await measurePeaks(native, { isas: native.isas, ...QUICK, memoryBytes: 1 << 16 });
  expect(peaks).toHaveLength(2 * (native.isas.length - 1) + 2);
  for (const { median, best } of peaks) expect(best).toBeGreaterThanOrEqual(median);
  expect(peakTable(peaks).split('\n')).toHaveLength(peaks.length + 2);
});

test('a median lies in its band, whose ends are order statistics', () => {
  const values = Array.from({ length: 21 }, (_, i) => ((i * 8) % 21) + 1);
  // P(Binomial(21, 1/2) <= 4) = 0.0036, <= 5 = 0.0133: the band is from the 5th to the 17th of 1 to 21.
  expect(medianBand(values)).toEqual({ median: 11, low: 5, high: 17 });
  expect(medianBand([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
  expect(medianBand([2])).toEqual({ median: 2, low: 2, high: 2 });
});

test('a build is faster or slower when the whole band says so', () => {
  expect(verdictOf({ median: 0.9, low: 0.8, high: 0.97 })).toBe('faster');
  expect(verdictOf({ median: 1.2, low: 1.03, high: 1.3 })).toBe('slower');
  expect(verdictOf({ median: 0.9, low: 0.8, high: 0.99 })).toBe('same');
});

test('two builds are compared case by case; a case that one lacks is named', async () => {
  const [first, ...rest] = smallKernelCases().slice(0, 3);
  if (first === undefined) throw new Error('there are no small cases');
  const unknown: typeof first = {
    ...first,
    name: 'unknown',
    build: (builder) => builder.op('no_such_operation', {}),
  };
  const options = { cases: [unknown, first, ...rest], isas: ['portable'], rounds: 3, turnMs: 0 };
  const { compared, skipped } = await compareKernels(native, native, options);
  expect(compared.map(({ name }) => name)).toEqual([first, ...rest].map(({ name }) => name));
  expect(skipped).toMatchObject([{ name: 'unknown', reason: expect.stringContaining('no_such_operation') }]);
  for (const { ratio } of compared) expect(ratio.low).toBeLessThanOrEqual(ratio.high);
  expect(comparisonTable(compared, skipped)).toMatch(/not compared: unknown/);
});
