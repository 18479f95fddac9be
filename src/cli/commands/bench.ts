// `lowbit bench MODEL`: how long a run takes.

import { environmentText } from '../../report/print-compare.js';
import { millisecondsText, textList } from '../../report/text-table.js';
import { measureInterleaved } from '../../report/timing.js';
import type { CommandRow } from '../command.js';
import { environment } from '../environment.js';
import { FEED_OPTIONS, type FeedValues, feedsOf } from '../feeds.js';
import { openModel } from '../open-model.js';
import { integer } from '../option-values.js';

const ROUNDS = 50;
const WARM_UP = 5;

interface Values extends FeedValues {
  readonly rounds?: number;
  readonly warmUp?: number;
}

export const benchCommand: CommandRow = {
  summary: 'measure the latency of a model',
  arguments: [{ name: '<model>', description: 'an ONNX file' }],
  options: [
    { flags: '--rounds <n>', description: `measured runs (default: ${ROUNDS})`, parse: integer('--rounds', 1) },
    { flags: '--warm-up <n>', description: `runs before those (default: ${WARM_UP})`, parse: integer('--warm-up', 0) },
    ...FEED_OPTIONS,
  ],
  example: 'LOWBIT_THREADS=1 lowbit bench mobilenetv2.int8.onnx --rounds 100',
  async run([path = ''], options, { signal, progress }) {
    const values = options as Values;
    const model = await openModel(path);
    try {
      const feeds = await feedsOf(model, values, 'made up');
      const { run } = await measureInterleaved(
        { run: () => model.session.run(feeds, undefined, { signal }) },
        {
          rounds: values.rounds ?? ROUNDS,
          warmUp: values.warmUp ?? WARM_UP,
          signal,
          onProgress: (done, total) => progress.update('bench', done, total),
        },
      );
      const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { type, dims }]) => [name, { type, dims }]));
      const json = { model: path, inputs: shapes, latencyMs: run, ...environment() };
      const text = textList([
        ['model', path],
        ...Object.entries(shapes).map(
          ([name, { type, dims }]) => ['input', `${name}: ${type} [${dims.join(', ')}]`] as const,
        ),
        ['median', millisecondsText(run.median)],
        ['min', millisecondsText(run.min)],
        ['95 %', millisecondsText(run.p95)],
        ['rounds', String(run.rounds)],
        ['runs on', environmentText(json)],
      ]);
      return { json, text };
    } finally {
      await model.session.dispose();
    }
  },
};
