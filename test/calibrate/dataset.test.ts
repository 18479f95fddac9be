// Datasets: order, subsets, labels, read-ahead, abortion.
import { describe, expect, it } from 'vitest';
import { type Dataset, datasetFrom, datasetOf, labelled, samplesOf, subsetOf } from '../../src/calibrate/dataset.js';

const numbers = (length: number): Dataset =>
  datasetOf(Array.from({ length }, (_, i) => ({ name: `s${i}`, dims: [1], data: new Float32Array([i]) })));

async function valuesOf(dataset: Dataset): Promise<number[]> {
  const values: number[] = [];
  for await (const sample of dataset) values.push(sample.data[0] as number);
  return values;
}

describe('a dataset', () => {
  it('is read in order, and again', async () => {
    const dataset = numbers(5);
    expect(await valuesOf(dataset)).toEqual([0, 1, 2, 3, 4]);
    expect(await valuesOf(dataset)).toEqual([0, 1, 2, 3, 4]);
  });

  it('keeps order when later samples are ready earlier, and reads no further than two ahead', async () => {
    let started = 0;
    const dataset = datasetFrom({ kind: 'memory' }, 8, async (index) => {
      started = Math.max(started, index + 1);
      await new Promise((resolve) => setTimeout(resolve, (8 - index) * 2));
      return { name: '', dims: [1], data: new Float32Array([index]) };
    });
    const seen: number[] = [];
    for await (const sample of dataset) {
      seen.push(sample.data[0] as number);
      expect(started).toBeLessThanOrEqual(seen.length + 2);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('reports a failing sample when it is reached, after those before it', async () => {
    const dataset = datasetFrom({ kind: 'memory' }, 3, async (index) => {
      if (index === 1) throw new Error('sample 1');
      return { name: '', dims: [1], data: new Float32Array([index]) };
    });
    const seen: number[] = [];
    await expect(async () => {
      for await (const sample of dataset) seen.push(sample.data[0] as number);
    }).rejects.toThrow('sample 1');
    expect(seen).toEqual([0]);
  });

  it('stops at an aborted signal', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    await expect(async () => {
      for await (const sample of samplesOf(numbers(5), controller.signal)) {
        seen.push(sample.data[0] as number);
        if (seen.length === 2) controller.abort();
      }
    }).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(seen).toEqual([0, 1]);
  });
});

describe('subsetOf', () => {
  it('draws distinct samples in order, by the seed alone', async () => {
    const draws = await Promise.all([0, 0, 1].map((seed) => valuesOf(subsetOf(numbers(100), 10, seed))));
    expect(draws[0]).toEqual(draws[1]);
    expect(draws[0]).not.toEqual(draws[2]);
    for (const draw of draws) {
      expect(new Set(draw).size).toBe(10);
      expect([...draw].sort((a, b) => a - b)).toEqual(draw);
    }
  });

  it('reaches every sample about equally often', async () => {
    const hits = new Array<number>(20).fill(0);
    const draws = 2000;
    for (let seed = 0; seed < draws; seed++) {
      for (const value of await valuesOf(subsetOf(numbers(20), 5, seed))) hits[value] = (hits[value] as number) + 1;
    }
    // Binomial(2000, 1/4): mean 500, deviation 19.4; six deviations.
    for (const hit of hits) expect(Math.abs(hit - draws / 4)).toBeLessThan(6 * Math.sqrt(draws * 0.25 * 0.75));
  });

  it('is the whole dataset when it asks for as many or more', async () => {
    expect(await valuesOf(subsetOf(numbers(3), 7))).toEqual([0, 1, 2]);
    for (const count of [0, -1, 1.5, Number.NaN]) {
      expect(() => subsetOf(numbers(3), count)).toThrowError(expect.objectContaining({ code: 'ERR_BAD_ARGUMENT' }));
    }
  });
});

describe('labelled', () => {
  it('adds labels and refuses samples without one', async () => {
    const labels: Record<string, number> = { s0: 7, s1: 8 };
    const dataset = labelled(numbers(3), (name) => labels[name]);
    expect((await dataset.read(1)).label).toBe(8);
    await expect(dataset.read(2)).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
      message: expect.stringContaining("'s2'"),
    });
  });
});
