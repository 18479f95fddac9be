// The report of a comparison as text for people.

import type { Comparison, ValueNoise } from './compare.js';
import { bytesText, decibelsText, millisecondsText, percentText, textList, textTable } from './text-table.js';

/** A comparison with what only the caller knows: files and the environment. */
export interface CompareReport extends Comparison {
  readonly models: { readonly reference: string; readonly candidate: string };
  readonly bytes: { readonly reference: number; readonly candidate: number; readonly ratio: number };
  readonly dataset: { readonly kind: string; readonly path?: string; readonly preprocess?: string };
  readonly version: string;
  readonly backend: string;
  readonly isa: string;
  readonly threads: number;
}

/** How many of the noisiest inner values are printed; JSON has all of them. */
const LAYERS_SHOWN = 10;

export function compareText(report: CompareReport): string {
  const { bytes, latencyMs } = report;
  const times = (ratio: number): string => `${ratio.toFixed(2)}x`;
  const summary = textTable(
    [{ title: '' }, { title: 'reference', align: 'right' }, { title: 'candidate', align: 'right' }, { title: '' }],
    [
      ['size', bytesText(bytes.reference), bytesText(bytes.candidate), percentText(bytes.ratio)],
      [
        'latency, median',
        millisecondsText(latencyMs.reference.median),
        millisecondsText(latencyMs.candidate.median),
        `${times(latencyMs.reference.median / latencyMs.candidate.median)} as fast`,
      ],
      ['latency, 95 %', millisecondsText(latencyMs.reference.p95), millisecondsText(latencyMs.candidate.p95), ''],
      ['top-1', percentText(report.reference.top1), percentText(report.candidate.top1), dropText(report)],
    ],
  );
  const parts = [
    textList([
      ['reference', report.models.reference],
      ['candidate', report.models.candidate],
      ['data', `${report.samples} samples, ${datasetText(report.dataset)}`],
      ['runs on', environmentText(report)],
    ]),
    summary,
    textList([
      ['agreement', percentText(report.agreement)],
      ...report.outputs.map((output) => [`noise of '${output.name}'`, noiseText(output)] as const),
    ]),
  ];
  if (report.layers.length > 0) parts.push(layersText(report.layers));
  return parts.join('\n\n');
}

/** 'lowbit 0.1.0, native, x86_avx512vnni, 4 threads'. */
export function environmentText(report: {
  readonly version: string;
  readonly backend: string;
  readonly isa: string;
  readonly threads: number;
}): string {
  const threads = report.threads === 1 ? '1 thread' : `${report.threads} threads`;
  return `lowbit ${report.version}, ${report.backend}, ${report.isa}, ${threads}`;
}

/** 'images of photos/, preprocessing imagenet'. */
export function datasetText(dataset: CompareReport['dataset']): string {
  const where = dataset.path === undefined ? dataset.kind : `${dataset.kind} of ${dataset.path}`;
  return dataset.preprocess === undefined ? where : `${where}, preprocessing ${dataset.preprocess}`;
}

function dropText({ reference, candidate }: CompareReport): string {
  if (reference.top1 === null || candidate.top1 === null) return '';
  const points = 100 * (candidate.top1 - reference.top1);
  return `${points >= 0 ? '+' : ''}${points.toFixed(2)} points`;
}

function noiseText({ sqnrDb, maxAbsoluteError }: ValueNoise): string {
  if (maxAbsoluteError === null) return 'not finite';
  if (sqnrDb === null) return maxAbsoluteError === 0 ? 'none: equal' : 'without signal';
  return `SQNR ${decibelsText(sqnrDb)}, largest error ${maxAbsoluteError.toPrecision(3)}`;
}

function layersText(layers: readonly ValueNoise[]): string {
  const noisiest = [...layers].sort((a, b) => (a.sqnrDb ?? Infinity) - (b.sqnrDb ?? Infinity)).slice(0, LAYERS_SHOWN);
  const table = textTable(
    [{ title: 'inner value' }, { title: 'noise' }],
    noisiest.map((layer) => [layer.name, noiseText(layer)]),
  );
  return `The noisiest ${noisiest.length} of ${layers.length} inner values that both models have:\n${table}`;
}
