// `lowbit bench MODEL`: how long a run takes; `lowbit bench --kernels`: how fast the kernels are on this machine.

import { loadBackend } from '../../backend/load.js';
import { kernelCases } from '../../report/kernels/cases.js';
import { measureKernels } from '../../report/kernels/measure.js';
import { kernelTable } from '../../report/kernels/print.js';
import { environmentText } from '../../report/print-compare.js';
import { millisecondsText, textList } from '../../report/text-table.js';
import { measureInterleaved } from '../../report/timing.js';
import type { CommandContext, CommandResult, CommandRow } from '../command.js';
import { environment } from '../environment.js';
import { FEED_OPTIONS, type FeedValues, feedsOf } from '../feeds.js';
import { openModel } from '../open-model.js';
import { integer, usage } from '../option-values.js';

const ROUNDS = 50;
const WARM_UP = 5;

/** Of the kernels: turns of a kernel and its peak, and the milliseconds of one. */
const KERNEL_ROUNDS = 7;
const KERNEL_TURN_MS = 20;

interface Values extends FeedValues {
  readonly kernels?: boolean;
  readonly filter?: string;
  readonly isa?: string;
  readonly rounds?: number;
  readonly warmUp?: number;
}

export const benchCommand: CommandRow = {
  summary: 'measure the latency of a model, or the kernels of this machine',
  arguments: [{ name: '[model]', description: 'an ONNX file' }],
  options: [
    { flags: '--kernels', description: 'instead of a model: every kernel beside what limits it on this machine' },
    { flags: '--filter <text>', description: 'only kernels whose name and shape contain the text' },
    { flags: '--isa <name>', description: 'measure the kernels for another instruction set than the best' },
    {
      flags: '--rounds <n>',
      description: `measured runs (default: ${ROUNDS}; of kernels: ${KERNEL_ROUNDS})`,
      parse: integer('--rounds', 1),
    },
    { flags: '--warm-up <n>', description: `runs before those (default: ${WARM_UP})`, parse: integer('--warm-up', 0) },
    ...FEED_OPTIONS,
  ],
  example: 'LOWBIT_THREADS=1 lowbit bench mobilenetv2.int8.onnx --rounds 100\nlowbit bench --kernels --filter gemm',
  async run([path], options, context) {
    const values = options as Values;
    const { signal, progress } = context;
    if (values.kernels) return benchKernels(path, values, context);
    if (path === undefined) throw usage('Expected a model, or --kernels');
    if (values.filter !== undefined || values.isa !== undefined) throw usage('--filter and --isa are for --kernels');
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

async function benchKernels(path: string | undefined, values: Values, context: CommandContext): Promise<CommandResult> {
  if (path !== undefined) throw usage(`Expected a model or --kernels but received both ('${path}')`);
  const backend = loadBackend();
  const isa = values.isa ?? backend.isa;
  if (!backend.isas.includes(isa)) {
    throw usage(`Unknown instruction set '${isa}' for --isa; expected one of ${backend.isas.join(', ')}`);
  }
  const cases = kernelCases().filter(({ name, shape }) => `${name} ${shape}`.includes(values.filter ?? ''));
  if (cases.length === 0) throw usage(`No kernel's name and shape contain '${values.filter}'`);
  const timings = await measureKernels(backend, {
    ...{ cases, isas: [isa], rounds: values.rounds ?? KERNEL_ROUNDS, turnMs: KERNEL_TURN_MS, signal: context.signal },
    onProgress: (done, total) => context.progress.update('bench', done, total),
  });
  const json = { kernels: timings, ...environment(), isa };
  return { json, text: `${kernelTable(timings)}\n\nruns on ${environmentText(json)}` };
}
