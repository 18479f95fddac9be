// Readable text of a graph, for `lowbit inspect` and for debugging.

import type { Graph } from './graph.js';
import { type GraphSummary, summarizeGraph, type ValueSummary } from './summary.js';

/** `float32[N, 3, 224, 224]`; a question mark for what is not known. */
export function printType({ dtype, dims }: Pick<ValueSummary, 'dtype' | 'dims'>): string {
  return `${dtype ?? '?'}${dims === undefined ? '[?]' : `[${dims.join(', ')}]`}`;
}

/** 1234567 as `1.23 M`; three digits are kept. */
export function printCount(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${units[unit]}`;
}

/** The graph as text: a head, one line per node, and a foot with the totals. */
export function printGraph(graph: Graph): string {
  return printSummary(summarizeGraph(graph));
}

/** The same from a summary. */
export function printSummary(summary: GraphSummary): string {
  const opsets = Object.entries(summary.opsets).map(([domain, version]) => `${domain} ${version}`);
  const head = [
    `graph ${summary.name} (${opsets.join(', ')})`,
    ...summary.inputs.map((value) => `  input  ${value.name}: ${printType(value)}`),
    ...summary.outputs.map((value) => `  output ${value.name}: ${printType(value)}`),
  ];
  const rows = summary.nodes.map((node) => [
    node.op,
    node.name,
    node.outputs.map(printType).join(' '),
    node.parameters === 0 ? '' : printCount(node.parameters),
    node.macs === undefined ? '?' : node.macs === 0 ? '' : printCount(node.macs),
  ]);
  const operators = Object.entries(summary.operators).map(([op, count]) => `${op} ${count}`);
  const macs = summary.macs === undefined ? 'unknown (a dimension is not)' : printCount(summary.macs);
  const foot = [
    `${summary.nodes.length} nodes: ${operators.join(', ')}`,
    `parameters ${printCount(summary.parameters)}, ${printCount(summary.bytes)}B; multiply-adds ${macs}`,
  ];
  return [...head, ...columns([['operator', 'node', 'output', 'parameters', 'macs'], ...rows]), ...foot].join('\n');
}

/** Columns as wide as their widest cell; the last two are numbers and stand to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] as string).length)));
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at >= row.length - 2 ? cell.padStart(widths[at] as number) : cell.padEnd(widths[at] as number),
      )
      .join('  ')
      .trimEnd(),
  );
}
