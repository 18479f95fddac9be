// How the goals are judged and measured. No figure is judged.

import { expect, test } from 'vitest';
import { duel, medianOf } from '../../bench/reach/duel.mjs';
import { absentRow, rowOf, summaryOf, tableOf } from '../../bench/reach/table.mjs';

const goal = { what: 'gemm', against: 'peer', wanted: 1.5 };
const figures = { ours: 123.4, theirs: 9.876, unit: 'GOP/s' };

test('a row is met from the wanted ratio on', () => {
  const rows = [1.49, 1.5, 2].map((ratio) => rowOf({ ...goal, ...figures, ratio }));
  expect(rows.map(({ verdict }) => verdict)).toEqual(['missed', 'met', 'met']);
  expect(rowOf({ ...goal, ...figures, ratio: Number.NaN }).verdict).toBe('missed');
});

test('the table has ratios, parts, and the reasons of rows without a figure', () => {
  const rows = [
    rowOf({ ...goal, ...figures, ratio: 12.5 }),
    rowOf({ ...goal, ...figures, threads: 2, ratio: 0.745, wanted: 0.75, share: true }),
    absentRow({ ...goal, reason: 'not on this machine' }),
  ];
  expect(tableOf(rows).split('\n').slice(2)).toEqual([
    '| gemm | 1 | 123 GOP/s | peer | 9.88 GOP/s | 12.50 x | 1.50 x | met |',
    '| gemm | 2 | 123 GOP/s | peer | 9.88 GOP/s | 74.5 % | 75.0 % | missed |',
    '| gemm | 1 |  | peer |  |  | 1.50 x | not on this machine |',
  ]);
  expect(summaryOf(rows)).toBe('1 met, 1 missed, 1 without a figure');
});

test('the median of an even number is the mean of the two in the middle', () => {
  expect(medianOf([5, 1, 3])).toBe(3);
  expect(medianOf([5, 1, 3, 2])).toBe(2.5);
});

test('subjects of a duel have turns in every round, the first run of each unmeasured, and change places', async () => {
  const order: string[] = [];
  const subject = (name: string) => () => void order.push(name);
  const times = await duel({ a: subject('a'), b: async () => subject('b')() }, { rounds: 2, turnMs: 0 });
  expect(order.join('')).toBe('ab' + 'aabb' + 'bbaa');
  expect(times.ms('a')).toBeGreaterThanOrEqual(0);
  expect(times.speed('a', 'a')).toBe(1);
});
