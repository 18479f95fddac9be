// Observers merge, and calibrations survive being written down.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OBSERVER_NAMES, OBSERVERS, rangeOfValues } from '../../src/observe/observer.js';
import { parseStatistics, StatisticsCollector, serializeStatistics } from '../../src/observe/statistics.js';

const bound = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8); // sums of these are exact in any order
const range = fc.tuple(bound, bound).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));

describe.each(OBSERVER_NAMES)('observer %s', (name) => {
  it('gives the same range however the batches were split and merged', () => {
    const observer = OBSERVERS[name];
    fc.assert(
      fc.property(fc.array(range, { minLength: 1 }), fc.array(range), (first, second) => {
        const whole = [...first, ...second].reduce(observer.add, observer.empty);
        const left = first.reduce(observer.add, observer.empty);
        const right = second.reduce(observer.add, observer.empty);
        expect(observer.merge(left, right)).toEqual(whole);
        expect(observer.merge(right, left)).toEqual(whole);
        const { min, max } = observer.rangeOf(whole);
        expect(min).toBeLessThanOrEqual(max);
        expect(min).toBeGreaterThanOrEqual(whole.min);
        expect(max).toBeLessThanOrEqual(whole.max);
      }),
    );
  });

  it('gives a batch that came again and again its own range', () => {
    const observer = OBSERVERS[name];
    const state = Array.from({ length: 9 }, () => ({ min: -0.5, max: 4 })).reduce(observer.add, observer.empty);
    expect(observer.rangeOf(state)).toEqual({ min: -0.5, max: 4 });
  });
});

describe('observers and an outlier', () => {
  it('min-max keeps it, mean-deviation clips it', () => {
    const ranges = [...Array.from({ length: 99 }, () => ({ min: 0, max: 1 })), { min: 0, max: 100 }];
    const max = (name: (typeof OBSERVER_NAMES)[number]): number => {
      const observer = OBSERVERS[name];
      return observer.rangeOf(ranges.reduce(observer.add, observer.empty)).max;
    };
    expect(max('min-max')).toBe(100);
    // mean 1.99, variance (99 * 1 + 10000) / 100 - 1.99^2 = 97.0299
    expect(max('mean-deviation')).toBeCloseTo(1.99 + Math.sqrt(97.0299), 5);
  });
});

describe('StatisticsCollector', () => {
  it('keeps every value apart and merges by name', () => {
    const a = new StatisticsCollector();
    const b = new StatisticsCollector();
    a.add('x', { min: 0, max: 1 });
    b.add('x', { min: -1, max: 0.5 });
    b.add('y', { min: 2, max: 3 });
    a.merge(b);
    expect(a.statistics()).toEqual(
      new Map([
        ['x', { min: -1, max: 1 }],
        ['y', { min: 2, max: 3 }],
      ]),
    );
  });

  it('refuses infinite ranges and other observers', () => {
    const collector = new StatisticsCollector('mean-deviation');
    expect(() => collector.add('x', { min: 0, max: Infinity })).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }),
    );
    expect(() => collector.merge(new StatisticsCollector('min-max'))).toThrow(/mean-deviation/);
    expect(() => new StatisticsCollector('median' as 'min-max')).toThrow(/min-max, mean-deviation/);
  });
});

describe('rangeOfValues', () => {
  it('leaves NaN out', () => {
    expect(rangeOfValues(Float32Array.of(Number.NaN, 2, -1))).toEqual({ min: -1, max: 2 });
    expect(rangeOfValues(Float32Array.of(Number.NaN))).toBeUndefined();
    expect(rangeOfValues(new Float32Array())).toBeUndefined();
  });
});

describe('saved statistics', () => {
  const record = {
    observer: 'min-max',
    samples: 200,
    statistics: new Map([
      ['b"\n', { min: Math.fround(-0.1), max: 1e-30 }],
      ['a', { min: 0, max: Math.fround(6.1) }],
      ['10', { min: 0, max: 1 }],
      ['__proto__', { min: 0, max: 2 }],
    ]),
  } as const;

  it('come back bit for bit', () => {
    const back = parseStatistics(serializeStatistics(record));
    expect({ ...back, statistics: Object.fromEntries([...back.statistics].sort()) }).toEqual({
      ...record,
      statistics: Object.fromEntries([...record.statistics].sort()),
    });
    expect(back.statistics.get('__proto__')).toEqual({ min: 0, max: 2 });
  });

  it('are the same text whatever the order of the values', () => {
    const reversed = { ...record, statistics: new Map([...record.statistics].reverse()) };
    expect(serializeStatistics(reversed)).toBe(serializeStatistics(record));
    expect(() => JSON.parse(serializeStatistics({ ...record, statistics: new Map() }))).not.toThrow();
  });

  it.each([
    ['not json', '{'],
    ['another kind', '{"kind":"x"}'],
    ['another version', '{"kind":"lowbit-statistics","version":2}'],
    ['an unknown observer', '{"kind":"lowbit-statistics","version":1,"observer":"median","samples":1,"values":{}}'],
    ['no samples', '{"kind":"lowbit-statistics","version":1,"observer":"min-max","values":{}}'],
    ['no values', '{"kind":"lowbit-statistics","version":1,"observer":"min-max","samples":1}'],
    ['half a pair', '{"kind":"lowbit-statistics","version":1,"observer":"min-max","samples":1,"values":{"x":[1]}}'],
    [
      'a range upside down',
      '{"kind":"lowbit-statistics","version":1,"observer":"min-max","samples":1,"values":{"x":[1,0]}}',
    ],
  ])('are refused when the file has %s', (_what, text) => {
    expect(() => parseStatistics(text, 'c.json')).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_FILE', place: { file: 'c.json' } }),
    );
  });
});
