// Comparing models that the test makes up, with numbers that can be worked out by hand.
import { describe, expect, it } from 'vitest';
import { datasetOf } from '../../src/calibrate/dataset.js';
import { compareModels, type Subject } from '../../src/report/compare.js';
import { compareText } from '../../src/report/print-compare.js';

const OPTIONS = { rounds: 3, warmUp: 1 };

/** Three samples of three class scores each; the right classes are 0, 1, 2. */
const dataset = datasetOf(
  [
    [5, 1, 0],
    [1, 4, 0],
    [3, 0, 2],
  ].map((scores, i) => ({ name: `${i}`, dims: [1, 3], data: Float32Array.from(scores), label: i })),
);

function subject(change: (values: Float32Array) => Float32Array, dims = [1, 3], outputNames = ['y']): Subject {
  return {
    outputNames,
    run: async (sample) => ({ [outputNames[0] as string]: { type: 'float32', dims, data: change(sample.data) } }),
  };
}

const identity = subject((values) => values);

describe('compareModels', () => {
  it('counts top-1 and agreement, and measures noise over all samples', async () => {
    // Adds 2 to class 2 of every sample: the last sample becomes right (3, 0, 4), the others stay.
    const shifted = subject((values) => values.map((value, i) => (i === 2 ? value + 2 : value)));
    const report = await compareModels(identity, shifted, dataset, OPTIONS);
    expect(report.samples).toBe(3);
    expect(report.reference.top1).toBe(2 / 3);
    expect(report.candidate.top1).toBe(1);
    expect(report.agreement).toBe(2 / 3);
    const signal = 25 + 1 + 1 + 16 + 9 + 4;
    expect(report.sqnrDb).toBeCloseTo(10 * Math.log10(signal / 12), 10);
    expect(report.outputs).toEqual([{ name: 'y', sqnrDb: report.sqnrDb, maxAbsoluteError: 2 }]);
    expect(report.latencyMs.reference.rounds).toBe(3);
    expect(report.layers).toEqual([]);
  });

  it('says null for equal outputs and for what it cannot know', async () => {
    const bare = datasetOf([{ name: 'a', dims: [1, 3], data: Float32Array.from([1, 2, 3]) }]);
    const equal = await compareModels(identity, identity, bare, OPTIONS);
    expect([equal.reference.top1, equal.candidate.top1, equal.agreement]).toEqual([null, null, 1]);
    expect([equal.sqnrDb, equal.outputs[0]?.maxAbsoluteError]).toEqual([null, 0]);
    const image = subject((values) => values, [1, 1, 3, 1, 2]);
    expect((await compareModels(image, image, dataset, OPTIONS)).agreement).toBeNull();
  });

  it('does not call NaN equal', async () => {
    const broken = subject((values) => values.map(() => Number.NaN));
    const report = await compareModels(broken, broken, dataset, OPTIONS);
    expect([report.agreement, report.candidate.top1, report.sqnrDb, report.outputs[0]?.maxAbsoluteError]).toEqual([
      0,
      0,
      null,
      null,
    ]);
  });

  it('pairs outputs by position when the names differ and refuses different counts and sizes', async () => {
    const renamed = subject((values) => values, [1, 3], ['z']);
    expect((await compareModels(identity, renamed, dataset, OPTIONS)).agreement).toBe(1);
    const two: Subject = { ...identity, outputNames: ['y', 'z'] };
    const short = subject((values) => values.subarray(1), [1, 2]);
    for (const candidate of [two, short]) {
      await expect(compareModels(identity, candidate, dataset, OPTIONS)).rejects.toMatchObject({
        code: 'ERR_BAD_ARGUMENT',
      });
    }
    await expect(compareModels(identity, identity, datasetOf([]), OPTIONS)).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
    });
  });

  it('takes the worst output as the noise', async () => {
    const names = ['y', 'z'];
    const pair = (noise: number): Subject => ({
      outputNames: names,
      run: async (sample) => ({
        y: { type: 'float32', dims: [1, 3], data: sample.data },
        z: { type: 'float32', dims: [1, 3], data: sample.data.map((value) => value * (1 + noise)) },
      }),
    });
    const report = await compareModels(pair(0), pair(0.125), dataset, OPTIONS);
    expect(report.outputs[0]?.sqnrDb).toBeNull();
    expect(report.sqnrDb).toBeCloseTo(20 * Math.log10(8), 10);
  });

  it('measures the inner values that both have', async () => {
    const withInner = (gain: number, names: string[]): Subject => ({
      ...identity,
      innerNames: names,
      inner: async (sample, wanted) =>
        new Map(
          wanted.map((name) => [
            name,
            name === 'odd' ? new Float32Array(gain) : sample.data.map((value) => value * gain),
          ]),
        ),
    });
    const report = await compareModels(
      withInner(1, ['a', 'odd', 'b']),
      withInner(2, ['b', 'odd', 'c']),
      dataset,
      OPTIONS,
    );
    expect(report.layers.map(({ name }) => name)).toEqual(['b']);
    expect(report.layers[0]?.sqnrDb).toBeCloseTo(0, 10);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const stages: string[] = [];
    const run = compareModels(identity, identity, dataset, {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: (stage, done) => {
        stages.push(`${stage} ${done}`);
        if (done === 2) controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(stages).toEqual(['compare 1', 'compare 2']);
  });
});

describe('compareText', () => {
  it('names files, data, environment, and the numbers', async () => {
    const comparison = await compareModels(
      identity,
      subject((values) => values.map((value) => value * 0.9)),
      dataset,
      OPTIONS,
    );
    const text = compareText({
      ...comparison,
      models: { reference: 'a.onnx', candidate: 'b.onnx' },
      bytes: { reference: 4000, candidate: 1000, ratio: 0.25 },
      dataset: { kind: 'images', path: 'photos', preprocess: 'imagenet' },
      version: '0.1.0',
      backend: 'native',
      isa: 'portable',
      threads: 1,
    });
    for (const part of [
      'a.onnx',
      'b.onnx',
      '3 samples, images of photos, preprocessing imagenet',
      'lowbit 0.1.0, native, portable, 1 thread',
      '25.00 %',
      '66.67 %',
      '+0.00 points',
      'SQNR 20.0 dB',
    ]) {
      expect(text).toContain(part);
    }
  });
});
