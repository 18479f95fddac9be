// Rewrites a graph of an older ai.onnx operator set in the words of a newer one.

import { LowbitError } from '../core/errors.js';
import { constantOf } from '../core/tensor.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { GraphDraft, intAttribute } from './draft.js';

/** Per-channel DequantizeLinear exists from here on. */
export const QDQ_OPSET = 13;
/** Older sets broadcast by attributes; no exporter of this decade writes them. */
const OLDEST_OPSET = 7;

/** Operators of sets 7 to 12 whose nodes mean the same in set 13. */
const UNCHANGED: ReadonlySet<string> = new Set(
  `Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Concat Constant ConstantOfShape Conv ConvInteger
  ConvTranspose Cos DepthToSpace DequantizeLinear Div DynamicQuantizeLinear Elu Equal Erf Exp Expand Flatten Floor Gather
  GatherND Gemm GlobalAveragePool GlobalMaxPool Greater HardSigmoid Identity InstanceNormalization LRN LeakyRelu Less Log
  LpNormalization MatMul MatMulInteger Max MaxPool Mean Min Mul Neg NonZero Not Or PRelu Pow QLinearConv QLinearMatMul
  QuantizeLinear Range Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare Relu Reshape
  Round Selu Shape Sigmoid Sin Size Softplus Softsign SpaceToDepth Sqrt Sub Sum Tanh Tile Transpose Where`.split(/\s+/),
);

/** Rewrites one node for set 13; `from` is the set it was written for. Returns a complaint when it cannot. */
type Rewrite = (node: Node, draft: GraphDraft, from: number) => string | undefined;

const REWRITES: Readonly<Record<string, Rewrite>> = {
  Clip: clip,
  Dropout: dropout,
  Pad: (node, draft, from) => moveAttributes(node, draft, from < 11, ['pads', 'value']),
  Slice: slice,
  Softmax: softmax,
  LogSoftmax: softmax,
  Squeeze: (node, draft) => moveAttributes(node, draft, true, ['axes']),
  Unsqueeze: (node, draft) => moveAttributes(node, draft, true, ['axes']),
  ReduceSum: (node, draft) => moveAttributes(node, draft, true, ['axes']),
  Split: (node, draft) => moveAttributes(node, draft, true, ['split']),
  Upsample: upsample,
  Resize: resize,
};

/**
 * The graph with ai.onnx at least at `wanted` (up to 13): the same values under the same names.
 * Errors: ERR_UNSUPPORTED that lists every operator that cannot be rewritten.
 */
export function upgradeOpset(graph: Graph, wanted: number = QDQ_OPSET): Graph {
  const from = graph.opsets.get('') ?? wanted;
  if (from >= wanted) return graph;
  if (from < OLDEST_OPSET) {
    throw new LowbitError(
      'ERR_UNSUPPORTED',
      `The model uses operator set ${from}; at least ${OLDEST_OPSET} is supported. Export it again with a newer one`,
    );
  }
  const draft = new GraphDraft(graph);
  const complaints: string[] = [];
  for (const node of graph.nodes) {
    const complaint = upgradeNode(node, draft, from);
    if (complaint !== undefined) complaints.push(`${node.op} '${node.name}' ${complaint}`);
  }
  if (complaints.length > 0) {
    throw new LowbitError(
      'ERR_UNSUPPORTED',
      `The model uses operator set ${from} and cannot be rewritten for set ${QDQ_OPSET}: ${complaints.join('; ')}. ` +
        `Export it again with operator set ${QDQ_OPSET} or newer`,
    );
  }
  return draft.finish(new Map(graph.opsets).set('', QDQ_OPSET));
}

function upgradeNode(node: Node, draft: GraphDraft, from: number): string | undefined {
  if (node.domain !== '') {
    draft.keep(node);
    return undefined;
  }
  for (const attribute of node.attributes.values()) if (attribute.kind === 'opaque') return 'has a subgraph';
  const rewrite = Object.hasOwn(REWRITES, node.op) ? REWRITES[node.op] : undefined;
  if (rewrite !== undefined) return rewrite(node, draft, from);
  if (!UNCHANGED.has(node.op)) return 'is not known';
  if (node.op === 'BatchNormalization' && intAttribute(node, 'spatial', 1) === 0) return 'is not spatial';
  draft.keep({ ...node, attributes: without(node, 'spatial', 'consumed_inputs') });
  return undefined;
}

function without(node: Node, ...names: string[]): Map<string, Attribute> {
  return new Map([...node.attributes].filter(([name]) => !names.includes(name)));
}

/** An attribute as the constant input that took its place; '' when the node has no such attribute. */
function asInput(node: Node, draft: GraphDraft, name: string): string {
  const attribute = node.attributes.get(name);
  const base = `${node.outputs[0]}_${name}`;
  switch (attribute?.kind) {
    case 'ints': {
      const values = BigInt64Array.from(attribute.value, int64Of);
      return draft.constant(base, constantOf('int64', [values.length], values));
    }
    case 'floats':
      return draft.floats(base, Float32Array.from(attribute.value));
    case 'float':
      return draft.floats(base, attribute.value);
    default:
      return '';
  }
}

/** "To the end" is written as 2^63 - 1, which as a double is 2^63 and would wrap around. */
function int64Of(value: number): bigint {
  return value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value);
}

function moveAttributes(node: Node, draft: GraphDraft, moves: boolean, names: string[]): string | undefined {
  if (!moves) {
    draft.keep(node);
    return undefined;
  }
  const added = names.map((name) => asInput(node, draft, name));
  while (added.at(-1) === '') added.pop();
  draft.keep({ ...node, attributes: without(node, ...names) }, [node.inputs[0] as string, ...added]);
  return undefined;
}

function clip(node: Node, draft: GraphDraft, from: number): string | undefined {
  return moveAttributes(node, draft, from < 11, ['min', 'max']);
}

/** At inference it passes its input through. */
function dropout(node: Node, draft: GraphDraft): string | undefined {
  if (node.outputs.length > 1 && node.outputs[1] !== '') return 'gives its mask away';
  draft.keep(
    { ...node, op: 'Identity', attributes: new Map() },
    [node.inputs[0] as string],
    [node.outputs[0] as string],
  );
  return undefined;
}

function slice(node: Node, draft: GraphDraft, from: number): string | undefined {
  return moveAttributes(node, draft, from < 10, ['starts', 'ends', 'axes']);
}

/**
 * Before set 13 the axis cut the shape in two, and the softmax went over all that followed. Over the last axis both mean
 * the same; otherwise the tensor is flattened first and gets its shape back after.
 */
function softmax(node: Node, draft: GraphDraft): string | undefined {
  const axis = intAttribute(node, 'axis', 1);
  const [x = '', y = ''] = [node.inputs[0], node.outputs[0]];
  const rank = draft.typeOf(x)?.dims?.length;
  const last = new Map<string, Attribute>([['axis', { kind: 'int', value: -1 }]]);
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) {
    draft.keep({ ...node, attributes: last });
    return undefined;
  }
  const [shape, flat, soft] = ['shape', 'flat', 'soft'].map((part) => draft.freshValue(`${y}_${part}`)) as [
    string,
    string,
    string,
  ];
  draft.add({ op: 'Shape', inputs: [x], outputs: [shape] });
  draft.add({
    op: 'Flatten',
    inputs: [x],
    outputs: [flat],
    attributes: new Map([['axis', { kind: 'int', value: axis }]]),
  });
  draft.keep({ ...node, attributes: last }, [flat], [soft]);
  draft.add({ op: 'Reshape', inputs: [soft, shape], outputs: [y] });
  return undefined;
}

/** Upsample and Resize-10 map coordinates as Resize-11 does with `asymmetric`, and round down. */
function resizeAttributes(node: Node): Map<string, Attribute> {
  const mode = node.attributes.get('mode');
  return new Map<string, Attribute>([
    ['mode', mode?.kind === 'string' ? mode : { kind: 'string', value: 'nearest' }],
    ['coordinate_transformation_mode', { kind: 'string', value: 'asymmetric' }],
    ['nearest_mode', { kind: 'string', value: 'floor' }],
  ]);
}

function upsample(node: Node, draft: GraphDraft): string | undefined {
  const scales = node.inputs[1] ?? asInput(node, draft, 'scales');
  if (scales === '') return 'has no scales';
  draft.keep({ ...node, op: 'Resize', attributes: resizeAttributes(node) }, [node.inputs[0] as string, '', scales]);
  return undefined;
}

function resize(node: Node, draft: GraphDraft, from: number): string | undefined {
  if (from >= 11) draft.keep(node);
  else
    draft.keep({ ...node, attributes: resizeAttributes(node) }, [
      node.inputs[0] as string,
      '',
      node.inputs[1] as string,
    ]);
  return undefined;
}
