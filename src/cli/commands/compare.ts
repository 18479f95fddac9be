// `lowbit compare REFERENCE CANDIDATE --data PATH`: size, speed and accuracy of two models, side by side.

import { openDataset } from '../../calibrate/open-dataset.js';
import { compareModels } from '../../report/compare.js';
import { type CompareReport, compareText } from '../../report/print-compare.js';
import { type OpenSubject, subjectOf } from '../../report/subject.js';
import type { CommandResult, CommandRow } from '../command.js';
import {
  datasetOptions,
  PREPROCESS_OPTIONS,
  type PreprocessValues,
  SAMPLING_OPTIONS,
  type SamplingValues,
} from '../data-options.js';
import { environment } from '../environment.js';
import { EXIT_CODES } from '../exit-codes.js';
import { checkLimits, LIMIT_OPTIONS, type LimitValues, limitsText } from '../limits.js';
import { openModel } from '../open-model.js';
import { integer } from '../option-values.js';

interface Values extends PreprocessValues, SamplingValues, LimitValues {
  readonly data: string;
  readonly labels?: string;
  readonly rounds?: number;
  /** false after --no-layers. */
  readonly layers: boolean;
}

export const compareCommand: CommandRow = {
  summary: 'compare two models on data: size, latency, top-1, agreement, noise of outputs and inner values',
  arguments: [
    { name: '<reference>', description: 'an ONNX file' },
    { name: '<candidate>', description: 'an ONNX file, such as the quantized one' },
  ],
  options: [
    { flags: '--data <path>', description: 'images, .npy, CIFAR-10 or idx data: a folder or a file', required: true },
    { flags: '--labels <file>', description: 'JSON { "file name": class index }, or an idx file' },
    ...SAMPLING_OPTIONS,
    ...PREPROCESS_OPTIONS,
    { flags: '--rounds <n>', description: 'measured runs of each model (default: 20)', parse: integer('--rounds', 1) },
    { flags: '--no-layers', description: 'leave inner values out' },
    ...LIMIT_OPTIONS,
  ],
  example: 'lowbit compare model.onnx model.int8.onnx --data images/ --labels labels.json --max-drop 1',
  async run([referencePath = '', candidatePath = ''], options, { signal, progress }) {
    const values = options as unknown as Values;
    const dataset = await openDataset(values.data, datasetOptions(values));
    const reference = await openSubject(referencePath, values.layers, signal);
    try {
      const candidate = await openSubject(candidatePath, values.layers, signal);
      try {
        const comparison = await compareModels(reference.subject, candidate.subject, dataset, {
          ...(values.rounds === undefined ? {} : { rounds: values.rounds }),
          signal,
          onProgress: (stage, done, total) => progress.update(stage, done, total),
        });
        const bytes = {
          reference: reference.bytes,
          candidate: candidate.bytes,
          ratio: candidate.bytes / reference.bytes,
        };
        const models = { reference: referencePath, candidate: candidatePath };
        return result({ models, dataset: dataset.description, bytes, ...comparison, ...environment() }, values);
      } finally {
        await candidate.close();
      }
    } finally {
      await reference.close();
    }
  },
};

function result(report: CompareReport, values: LimitValues): CommandResult {
  const limits = checkLimits(report, values);
  if (limits.length === 0) return { json: report, text: compareText(report) };
  return {
    json: { ...report, limits },
    text: `${compareText(report)}\n\n${limitsText(limits)}`,
    exitCode: limits.every((limit) => limit.met) ? EXIT_CODES.done : EXIT_CODES.limitNotMet,
  };
}

async function openSubject(
  path: string,
  inner: boolean,
  signal: AbortSignal,
): Promise<{ subject: OpenSubject; bytes: number; close(): Promise<void> }> {
  const { graph, session, inputs, bytes } = await openModel(path);
  const subject = subjectOf(graph, session, inputs, { inner, signal });
  return {
    subject,
    bytes,
    async close() {
      await subject.close();
      await session.dispose();
    },
  };
}
