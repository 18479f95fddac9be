// `lowbit inspect MODEL`: what is in a model file.

import { readInput } from '../../calibrate/input-file.js';
import { bytesOf } from '../../core/dtype.js';
import type { Dim } from '../../core/shape.js';
import { onnxInfo, readOnnx } from '../../formats/onnx/onnx.js';
import type { Graph } from '../../ir/graph.js';
import { operatorName } from '../../ir/ops.js';
import { verifyGraph } from '../../ir/verify.js';
import { bytesText, textList, textTable } from '../../report/text-table.js';
import type { CommandRow } from '../command.js';

interface ValueRow {
  readonly name: string;
  readonly type: string;
  /** Names for dimensions that a run decides; null when not even the rank is known. */
  readonly dims: readonly Dim[] | null;
}

export const inspectCommand: CommandRow = {
  summary: 'print the inputs, outputs, operators and weights of a model',
  arguments: [{ name: '<model>', description: 'an ONNX file' }],
  options: [{ flags: '--nodes', description: 'list every node' }],
  example: 'lowbit inspect mobilenetv2.onnx',
  async run([path = ''], options) {
    const bytes = await readInput(path);
    const graph = verifyGraph(readOnnx(bytes, { file: path }));
    const info = onnxInfo(graph);
    const operators = countBy(graph.nodes, operatorName);
    const weights = [...graph.constants.values()];
    const types = countBytes(graph);
    const json: InspectReport = {
      file: path,
      bytes: bytes.byteLength,
      name: graph.name,
      producer: [info?.producer, info?.producerVersion].filter((word) => word).join(' '),
      opsets: Object.fromEntries([...graph.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
      inputs: graph.inputs.map((name) => valueRow(graph, name)),
      outputs: graph.outputs.map((name) => valueRow(graph, name)),
      nodes: graph.nodes.length,
      operators: Object.fromEntries(operators),
      weights: {
        tensors: weights.length,
        elements: weights.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0),
        bytes: Object.fromEntries(types),
      },
      ...(options['nodes'] === true
        ? {
            nodeList: graph.nodes.map(({ name, inputs, outputs, ...node }) => ({
              name,
              op: operatorName(node),
              inputs,
              outputs,
            })),
          }
        : {}),
    };
    return { json, text: inspectText(json) };
  },
};

interface InspectReport {
  readonly file: string;
  readonly bytes: number;
  readonly name: string;
  readonly producer: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueRow[];
  readonly outputs: readonly ValueRow[];
  readonly nodes: number;
  readonly operators: Readonly<Record<string, number>>;
  readonly weights: {
    readonly tensors: number;
    readonly elements: number;
    readonly bytes: Readonly<Record<string, number>>;
  };
  readonly nodeList?: readonly { name: string; op: string; inputs: readonly string[]; outputs: readonly string[] }[];
}

function inspectText(report: InspectReport): string {
  const dims = (row: ValueRow): string => `${row.type} [${row.dims?.join(', ') ?? '?'}]`;
  const weightBytes = Object.entries(report.weights.bytes).map(([type, bytes]) => `${bytesText(bytes)} ${type}`);
  const parts = [
    textList([
      ['file', `${report.file}, ${bytesText(report.bytes)}`],
      ['graph', report.name],
      ['producer', report.producer],
      [
        'operator sets',
        Object.entries(report.opsets)
          .map(([domain, version]) => `${domain} ${version}`)
          .join(', '),
      ],
      ...report.inputs.map((row) => ['input', `${row.name}: ${dims(row)}`] as const),
      ...report.outputs.map((row) => ['output', `${row.name}: ${dims(row)}`] as const),
      ['weights', `${report.weights.elements} in ${report.weights.tensors} tensors: ${weightBytes.join(', ')}`],
      ['nodes', String(report.nodes)],
    ]),
    textTable(
      [{ title: 'operator' }, { title: 'nodes', align: 'right' }],
      Object.entries(report.operators).map(([operator, count]) => [operator, String(count)]),
    ),
  ];
  if (report.nodeList !== undefined) {
    parts.push(
      textTable(
        [{ title: 'node' }, { title: 'operator' }, { title: 'inputs' }, { title: 'outputs' }],
        report.nodeList.map(({ name, op, inputs, outputs }) => [name, op, inputs.join(' '), outputs.join(' ')]),
      ),
    );
  }
  return parts.join('\n\n');
}

function valueRow(graph: Graph, name: string): ValueRow {
  const type = graph.types.get(name);
  return { name, type: type?.dtype ?? 'unknown', dims: type?.dims ?? null };
}

/** Descending counts, equal ones by name. */
function countBy<Item>(items: readonly Item[], key: (item: Item) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

function countBytes(graph: Graph): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const { dtype, dims } of graph.constants.values()) {
    const size = bytesOf(
      dtype,
      dims.reduce((product, dim) => product * dim, 1),
    );
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + size);
  }
  return bytes;
}
