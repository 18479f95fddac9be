// The pass that joins the pieces of a dynamically quantized product into one operator of the domain 'lowbit'.

import { type ConstantTensor, constantOf, floatsOf } from '../core/tensor.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { codeFormatOf } from '../numerics/formats.js';
import { clampOf } from './clamp.js';
import { GraphDraft, type Usage, usageOf } from './draft.js';

/** A product that was recognized, with the nodes that it replaces. */
interface Product {
  readonly op: 'DynamicGemm' | 'DynamicConv';
  readonly input: string;
  readonly weights: string;
  readonly weightScale: string;
  readonly weightZero: string;
  readonly bias: string;
  readonly output: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly parts: readonly Node[];
}

/**
 * DynamicQuantizeLinear -> MatMulInteger | ConvInteger -> Cast -> Mul by (x_scale * w_scale) -> (Add bias) -> (Relu | Clip),
 * and DynamicQuantizeMatMul of com.microsoft, become DynamicGemm and DynamicConv:
 * y = clamp(f32(f32(acc) * f32(x_scale * w_scale)) + bias). Patterns with other readers in between stay as they are.
 */
export function lowerDynamic(graph: Graph): Graph {
  const targets = ['MatMulInteger', 'ConvInteger', 'DynamicQuantizeMatMul'];
  if (!graph.nodes.some((node) => targets.includes(node.op))) return graph;
  const typed = inferTypes(graph);
  const draft = new GraphDraft(typed);
  const usage = usageOf(typed);
  const ends = new Map<string, Product>();
  const parts = new Set<Node>();
  for (const node of typed.nodes) {
    const found = node.domain === '' ? integerProduct(node, typed, usage, draft) : contribProduct(node, typed, draft);
    if (found === undefined) continue;
    const product = withClamp(found, typed, usage);
    ends.set((product.parts.at(-1) as Node).name, product);
    for (const part of product.parts) parts.add(part);
  }
  for (const node of typed.nodes) {
    const product = ends.get(node.name);
    if (product !== undefined) {
      draft.add({
        op: product.op,
        domain: 'lowbit',
        inputs: [product.input, product.weights, product.weightScale, product.weightZero, product.bias],
        outputs: [product.output],
        attributes: product.attributes,
        replaces: product.parts[0] as Node,
      });
    } else if (!parts.has(node)) {
      draft.keep(node);
    }
  }
  return draft.finish(ends.size === 0 ? graph.opsets : new Map(graph.opsets).set('lowbit', 1));
}

function next(value: string, op: string, usage: Usage): Node | undefined {
  const reader = usage.soleReader(value);
  return reader?.op === op && reader.domain === '' ? reader : undefined;
}

function integerProduct(node: Node, graph: Graph, usage: Usage, draft: GraphDraft): Product | undefined {
  if (node.op !== 'MatMulInteger' && node.op !== 'ConvInteger') return undefined;
  const isConv = node.op === 'ConvInteger';
  const [x = '', weights = '', xZero = '', weightZero = ''] = node.inputs;
  const quantize = usage.producers.get(x);
  const tensor = graph.constants.get(weights);
  if (quantize?.op !== 'DynamicQuantizeLinear' || quantize.outputs[0] !== x || quantize.outputs[2] !== xZero)
    return undefined;
  if (tensor === undefined || codeFormatOf(tensor.dtype) === undefined) return undefined;
  if (isConv ? tensor.dims.length < 3 : tensor.dims.length !== 2) return undefined;
  if (weightZero !== '' && !graph.constants.has(weightZero)) return undefined;
  const channels = tensor.dims[isConv ? 0 : 1] as number;
  const channelAxis = isConv ? tensor.dims.length - 2 : 0;

  const cast = next(node.outputs[0] as string, 'Cast', usage);
  const multiply = cast === undefined ? undefined : next(cast.outputs[0] as string, 'Mul', usage);
  if (cast === undefined || multiply === undefined) return undefined;
  const to = cast.attributes.get('to');
  if (to?.kind !== 'int' || to.value !== 1) return undefined;
  const scales = usage.producers.get(otherInput(multiply, cast.outputs[0] as string));
  if (scales?.op !== 'Mul' || !scales.inputs.includes(quantize.outputs[1] as string)) return undefined;
  const scaleName = otherInput(scales, quantize.outputs[1] as string);
  const weightScale = vectorAlong(graph.constants.get(scaleName), channels, channelAxis, scaleName, draft);
  if (weightScale === undefined) return undefined;

  const found = {
    op: isConv ? ('DynamicConv' as const) : ('DynamicGemm' as const),
    input: quantize.inputs[0] as string,
    weights,
    weightScale,
    weightZero: weightZero === '' ? zeroOf(tensor, draft) : weightZero,
    attributes: isConv ? node.attributes : new Map<string, Attribute>([['transB', { kind: 'int', value: 0 }]]),
  };
  const product = multiply.outputs[0] as string;
  const add = next(product, 'Add', usage);
  const biasName = add === undefined ? '' : otherInput(add, product);
  const bias = vectorAlong(graph.constants.get(biasName), channels, channelAxis, biasName, draft, true);
  if (add !== undefined && bias !== undefined) {
    return { ...found, bias, output: add.outputs[0] as string, parts: [node, cast, multiply, add] };
  }
  return { ...found, bias: '', output: product, parts: [node, cast, multiply] };
}

/** Inputs [A, B, b_scale, b_zero, bias]. */
function contribProduct(node: Node, graph: Graph, draft: GraphDraft): Product | undefined {
  if (node.domain !== 'com.microsoft' || node.op !== 'DynamicQuantizeMatMul') return undefined;
  const [input = '', weights = '', scaleName = '', weightZero = '', biasName = ''] = node.inputs;
  const tensor = graph.constants.get(weights);
  if (tensor?.dims.length !== 2) return undefined;
  if (weightZero !== '' && !graph.constants.has(weightZero)) return undefined;
  const channels = tensor.dims[1] as number;
  const weightScale = vectorAlong(graph.constants.get(scaleName), channels, 0, scaleName, draft);
  const bias = biasName === '' ? '' : vectorAlong(graph.constants.get(biasName), channels, 0, biasName, draft, true);
  if (weightScale === undefined || bias === undefined) return undefined;
  return {
    op: 'DynamicGemm',
    input,
    weights,
    weightScale,
    weightZero: weightZero === '' ? zeroOf(tensor, draft) : weightZero,
    bias,
    output: node.outputs[0] as string,
    attributes: new Map([['transB', { kind: 'int', value: 0 }]]),
    parts: [node],
  };
}

function withClamp(product: Product, graph: Graph, usage: Usage): Product {
  const reader = usage.soleReader(product.output);
  const clamp = reader === undefined ? undefined : clampOf(reader, graph.constants);
  if (reader === undefined || clamp === undefined || reader.inputs[0] !== product.output) return product;
  const attributes = new Map(product.attributes);
  if (Number.isFinite(clamp.lo)) attributes.set('lo', { kind: 'float', value: clamp.lo });
  if (Number.isFinite(clamp.hi)) attributes.set('hi', { kind: 'float', value: clamp.hi });
  return { ...product, output: reader.outputs[0] as string, attributes, parts: [...product.parts, reader] };
}

function otherInput(node: Node, input: string): string {
  return (node.inputs[0] === input ? node.inputs[1] : node.inputs[0]) ?? '';
}

/**
 * The name of a float constant as a vector of one element per channel: from a tensor whose only long dimension is the channel
 * (with `behind` dimensions of 1 after it). One element stays one, or is repeated with `full`. undefined for other shapes.
 */
function vectorAlong(
  tensor: ConstantTensor | undefined,
  channels: number,
  behind: number,
  name: string,
  draft: GraphDraft,
  full = false,
): string | undefined {
  if (tensor?.dtype !== 'float32') return undefined;
  const values = floatsOf(tensor);
  if (values.length === 1) {
    const repeated = full ? new Float32Array(channels).fill(values[0] as number) : values;
    return draft.constant(`${name}_vector`, constantOf('float32', [repeated.length], repeated));
  }
  const { dims } = tensor;
  const at = dims.length - 1 - behind;
  if (values.length !== channels || dims[at] !== channels) return undefined;
  return dims.length === 1 ? name : draft.constant(`${name}_vector`, constantOf('float32', [channels], values));
}

function zeroOf(tensor: ConstantTensor, draft: GraphDraft): string {
  return tensor.dtype === 'uint8' ? draft.codes('u8_0', 'u8', 0) : draft.codes('i8_0', 'i8', 0);
}
