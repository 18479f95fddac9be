// The arithmetic of reports against plain definitions.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SqnrAccumulator } from '../../src/report/sqnr.js';
import { bytesText, decibelsText, percentText, textList, textTable } from '../../src/report/text-table.js';
import { latencyOf, measureInterleaved } from '../../src/report/timing.js';
import { argmax, classesOf, top1Of } from '../../src/report/top-1.js';

const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 });

describe('SqnrAccumulator', () => {
  it('is 10 log10(signal / noise) over everything that was added', () => {
    const sqnr = new SqnrAccumulator();
    sqnr.add([3, 4], [3, 3]);
    sqnr.add([0, 5], [1, 5]);
    // signal 9 + 16 + 0 + 25, noise 1 + 1
    expect(sqnr.decibels).toBeCloseTo(10 * Math.log10(50 / 2), 12);
    expect(sqnr.maxAbsoluteError).toBe(1);
  });

  it('does not depend on how the elements were split, and scaling by 10 the noise costs 20 dB', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(finite, finite), { minLength: 2, maxLength: 40 }), fc.nat(39), (pairs, at) => {
        const whole = new SqnrAccumulator();
        const parts = new SqnrAccumulator();
        const x = pairs.map(([value]) => value);
        const noise = pairs.map(([, value]) => value);
        const y = x.map((value, i) => value + (noise[i] as number));
        whole.add(x, y);
        parts.add(x.slice(0, at), y.slice(0, at));
        parts.add(x.slice(at), y.slice(at));
        expect(parts.decibels).toBe(whole.decibels);
        const signal = x.reduce((sum, value) => sum + value * value, 0);
        const power = x.reduce((sum, value, i) => sum + (value - (y[i] as number)) ** 2, 0);
        if (power > 1e-6 && signal > 1e-6)
          expect(whole.decibels).toBeCloseTo(10 * (Math.log10(signal) - Math.log10(power)), 8);
      }),
    );
  });

  it('says what cannot be a number of decibels', () => {
    expect(new SqnrAccumulator().decibels).toBeNaN();
    const same = new SqnrAccumulator();
    same.add([1, 2], [1, 2]);
    expect(same.decibels).toBe(Infinity);
    const broken = new SqnrAccumulator();
    broken.add([1, 2], [1, Number.NaN]);
    expect(broken.decibels).toBeNaN();
    expect(broken.maxAbsoluteError).toBeNaN();
    expect(() => same.add([1], [1, 2])).toThrowError(expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }));
  });
});

describe('top-1', () => {
  it('takes the first of equals, skips NaN, and says -1 when there is nothing', () => {
    expect(argmax([1, 3, 3, 2])).toBe(1);
    expect(argmax([Number.NaN, -Infinity, -5])).toBe(2);
    expect(argmax([-Infinity, -Infinity])).toBe(0);
    expect(argmax([])).toBe(-1);
    expect(argmax([Number.NaN])).toBe(-1);
  });

  it('agrees with a sort', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1 }), (values) => {
        const order = values.map((value, i) => ({ value, i })).sort((a, b) => b.value - a.value || a.i - b.i);
        // Array.prototype.sort is stable and -0 equals 0, as in the comparison.
        expect(argmax(values)).toBe(order[0]?.i);
      }),
    );
  });

  it('recognizes class scores and takes a class per row', () => {
    expect(
      [
        [1, 10],
        [4, 1000, 1, 1],
        [1, 1, 10],
      ].map((dims) => classesOf(dims)),
    ).toEqual([10, 1000, 10]);
    expect([[1, 1], [10], [1, 3, 4], [], [1, 1, 672, 672]].map((dims) => classesOf(dims))).toEqual(
      Array(5).fill(undefined),
    );
    expect(top1Of(Float32Array.from([1, 2, 9, 8, 0, 0]), 2)).toEqual([1, 0, 0]);
  });
});

describe('latencies', () => {
  it('are the median, the minimum and the nearest-rank 95th percentile', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(latencyOf(values)).toEqual({ median: 50.5, min: 1, p95: 95, rounds: 100 });
    expect(latencyOf([5, 1, 3])).toEqual({ median: 3, min: 1, p95: 5, rounds: 3 });
    expect(latencyOf([7])).toEqual({ median: 7, min: 7, p95: 7, rounds: 1 });
  });

  it('alternate neighbours: every subject follows every other one about equally often', async () => {
    const order: string[] = [];
    const subject = (name: string) => async () => void order.push(name);
    await measureInterleaved({ a: subject('a'), b: subject('b'), c: subject('c') }, { rounds: 300, warmUp: 0 });
    const turns = order.filter((_, i) => i % 2 === 0);
    const pairs = turns.slice(1).map((name, i) => `${turns[i]}${name}`);
    for (const pair of ['ab', 'ba', 'ac', 'ca', 'bc', 'cb']) {
      expect(pairs.filter((found) => found === pair).length).toBeGreaterThan(80);
    }
  });

  it('rest before every turn when they are told to', async () => {
    const times: number[] = [];
    const subject = async (): Promise<void> => void times.push(performance.now());
    const started = performance.now();
    await measureInterleaved({ a: subject, b: subject }, { rounds: 1, warmUp: 1, rest: 20 });
    expect(times).toHaveLength(8);
    expect(performance.now() - started).toBeGreaterThan(4 * 19);
  });

  it('are measured in turns', async () => {
    const order: string[] = [];
    const progress: number[] = [];
    const subject = (name: string) => async () => void order.push(name);
    const result = await measureInterleaved(
      { a: subject('a'), b: subject('b'), c: subject('c') },
      { rounds: 2, warmUp: 1, onProgress: (done) => progress.push(done) },
    );
    // Every turn is two runs, the first one not measured; every round gives each subject one turn.
    const rounds = (order.join('').match(/.{6}/g) ?? []).map((round) => round.match(/(.)\1/g)?.map((turn) => turn[0]));
    expect(rounds.map((round) => round?.toSorted())).toEqual(Array(3).fill(['a', 'b', 'c']));
    expect(progress).toEqual([1, 2, 3]);
    expect([result.a.rounds, result.b.rounds, result.c.rounds]).toEqual([2, 2, 2]);
    const aborted = AbortSignal.abort();
    await expect(
      measureInterleaved({ a: subject('a') }, { rounds: 1, warmUp: 0, signal: aborted }),
    ).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});

describe('text', () => {
  it('aligns tables and lists', () => {
    const table = textTable(
      [{ title: 'name' }, { title: 'n', align: 'right' }],
      [
        ['a', '10'],
        ['longer', '7'],
      ],
    );
    expect(table).toBe('name     n\n------  --\na       10\nlonger   7');
    expect(
      textList([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toBe('a     1\nlong  2');
  });

  it('writes numbers as people read them', () => {
    expect([0, 999, 1000, 3456485, 13964370, 999_999].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '3.46 MB',
      '14.0 MB',
      '1.00 MB',
    ]);
    expect([percentText(0.9125), percentText(null), decibelsText(31.26), decibelsText(-3)]).toEqual([
      '91.25 %',
      'n/a',
      '31.3 dB',
      '-3.0 dB',
    ]);
  });
});
