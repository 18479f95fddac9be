// The report of a quantization as text for people.

import type { QuantizeReport } from '../calibrate/quantize-model.js';
import { datasetText, environmentText } from './print-compare.js';
import { bytesText, percentText, textList, textTable } from './text-table.js';

/** How many nodes that stayed in float are listed by name for each reason. */
const NAMES_SHOWN = 6;

/** A quantization's report with what only the caller knows: files and the environment. */
export interface QuantizeFileReport extends QuantizeReport {
  readonly model: string;
  readonly output: string;
  readonly version: string;
  readonly backend: string;
  readonly isa: string;
  readonly threads: number;
}

export function quantizeText(report: QuantizeFileReport): string {
  const { bytes, nodes, dataset } = report;
  const quantized = nodes.filter((node) => node.quantized).length;
  const data =
    dataset === null
      ? 'none needed'
      : `${report.samples} samples, ${datasetText(dataset)}, observer ${report.observer}`;
  const reference = bytes.reference === null ? '' : `${bytesText(bytes.reference)} -> `;
  const ratio = bytes.ratio === null ? '' : ` (${percentText(bytes.ratio)})`;
  const parts = [
    textList([
      ['model', report.model],
      ['written', report.output],
      ['size', `${reference}${bytesText(bytes.candidate)}${ratio}`],
      ['scheme', report.scheme],
      ['calibration', data],
      ['nodes', `${quantized} of ${nodes.length} run on 8-bit integers`],
      ['runs on', environmentText(report)],
    ]),
    operatorsText(nodes),
  ];
  const left = floatText(nodes);
  if (left !== '') parts.push(left);
  return parts.join('\n\n');
}

function operatorsText(nodes: QuantizeReport['nodes']): string {
  const counts = new Map<string, { quantized: number; float: number }>();
  for (const { op, quantized } of nodes) {
    const count = counts.get(op) ?? { quantized: 0, float: 0 };
    count[quantized ? 'quantized' : 'float']++;
    counts.set(op, count);
  }
  return textTable(
    [{ title: 'operator' }, { title: 'quantized', align: 'right' }, { title: 'float', align: 'right' }],
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([op, { quantized, float }]) => [op, String(quantized), String(float)]),
  );
}

function floatText(nodes: QuantizeReport['nodes']): string {
  const reasons = new Map<string, string[]>();
  for (const { name, reason } of nodes) {
    if (reason !== null) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  const rows = [...reasons].map(([reason, names]) => {
    const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
    return [reason, names.slice(0, NAMES_SHOWN).join(', ') + more];
  });
  return rows.length === 0 ? '' : textTable([{ title: 'left in float because' }, { title: 'nodes' }], rows);
}
