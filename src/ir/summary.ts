// What a graph holds, as data: nodes with shapes, parameters, sizes and multiply-adds.

import type { DType } from '../core/dtype.js';
import type { Dim } from '../core/shape.js';
import type { Graph, Node } from './graph.js';
import { operatorName } from './ops.js';

export interface ValueSummary {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly dims: readonly Dim[] | undefined;
}

export interface NodeSummary {
  readonly name: string;
  /** The operator, with its domain where that is not ai.onnx. */
  readonly op: string;
  readonly outputs: readonly ValueSummary[];
  /** Elements and bytes of the constants that this node is the first to read. */
  readonly parameters: number;
  readonly bytes: number;
  /** Multiply-adds of products and convolutions; undefined where a dimension is not known. */
  readonly macs: number | undefined;
}

export interface GraphSummary {
  readonly name: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueSummary[];
  readonly outputs: readonly ValueSummary[];
  readonly nodes: readonly NodeSummary[];
  /** How often each operator occurs, most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  readonly parameters: number;
  readonly bytes: number;
  /** Undefined when one node's count is: give the dimensions that are named a size first. */
  readonly macs: number | undefined;
}

/** A summary of a graph whose types have been inferred (`inferTypes`); give input shapes there to get multiply-adds. */
export function summarizeGraph(graph: Graph): GraphSummary {
  const value = (name: string): ValueSummary => {
    const type = graph.types.get(name);
    return { name, dtype: type?.dtype, dims: type?.dims };
  };
  const counted = new Set<string>();
  const nodes = graph.nodes.map((node): NodeSummary => {
    let parameters = 0;
    let bytes = 0;
    for (const name of node.inputs) {
      const tensor = graph.constants.get(name);
      if (tensor === undefined || counted.has(name)) continue;
      counted.add(name);
      parameters += tensor.dims.reduce((product, dim) => product * dim, 1);
      bytes += tensor.data.byteLength;
    }
    const outputs = node.outputs.filter((name) => name !== '').map(value);
    return { name: node.name, op: operatorName(node), outputs, parameters, bytes, macs: macsOf(graph, node) };
  });
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const macs = nodes.reduce<number | undefined>(
    (sum, node) => (sum === undefined || node.macs === undefined ? undefined : sum + node.macs),
    0,
  );
  return {
    name: graph.name,
    opsets: Object.fromEntries([...graph.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    nodes,
    operators: Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    parameters: nodes.reduce((sum, node) => sum + node.parameters, 0),
    bytes: nodes.reduce((sum, node) => sum + node.bytes, 0),
    macs,
  };
}

/** Where the weights of a product are, and whether they are those of a convolution. */
const PRODUCTS: Readonly<Record<string, { readonly weights: number; readonly convolution: boolean }>> = {
  Conv: { weights: 1, convolution: true },
  ConvInteger: { weights: 1, convolution: true },
  QLinearConv: { weights: 3, convolution: true },
  QConv: { weights: 3, convolution: true },
  DynamicConv: { weights: 1, convolution: true },
  Gemm: { weights: 1, convolution: false },
  MatMul: { weights: 1, convolution: false },
  MatMulInteger: { weights: 1, convolution: false },
  QLinearMatMul: { weights: 3, convolution: false },
  QGemm: { weights: 3, convolution: false },
  DynamicGemm: { weights: 1, convolution: false },
};

/** Outputs times the length of the sum behind each: c / group * kernel for a convolution [o, c / group, …], k else. */
function macsOf(graph: Graph, node: Node): number | undefined {
  const product = Object.hasOwn(PRODUCTS, node.op) ? PRODUCTS[node.op] : undefined;
  if (product === undefined || (node.domain !== '' && node.domain !== 'lowbit')) return 0;
  const output = graph.types.get(node.outputs[0] ?? '')?.dims;
  const weights = graph.types.get(node.inputs[product.weights] ?? '')?.dims;
  if (output === undefined || weights === undefined || weights.length === 0) return undefined;
  const transB = node.attributes.get('transB');
  const transposed = transB?.kind === 'int' && transB.value !== 0;
  const summed = product.convolution
    ? weights.slice(1)
    : [weights[transposed ? weights.length - 1 : Math.max(weights.length - 2, 0)] as Dim];
  let macs = 1;
  for (const dim of [...output, ...summed]) {
    if (typeof dim === 'string') return undefined;
    macs *= dim;
  }
  return macs;
}
