// The pass for dynamic quantization: weights become codes, activations are quantized in every run.

import { LowbitError } from '../core/errors.js';
import { type ConstantTensor, constantOf } from '../core/tensor.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import type { WeightScheme } from '../schemes/scheme.js';
import { isSelected, type Scheme } from '../schemes/scheme.js';
import { GraphDraft } from './draft.js';
import { type WeightedNode, weightedNodeOf } from './quantize-weighted.js';
import { type QuantizedWeights, quantizeWeights, transposed } from './quantize-weights.js';
import { QDQ_OPSET, upgradeOpset } from './upgrade-opset.js';

/** The codes, the scale and the zero point that DynamicQuantizeLinear gives. */
type Quantized = readonly [codes: string, scale: string, zero: string];

/**
 * MatMul and Gemm with constant weights become
 *
 *     DynamicQuantizeLinear -> MatMulInteger (u8 x i8) -> Cast -> Mul (x_scale * w_scale) -> Add (bias)
 *
 * and Conv the same with ConvInteger, whose weights are u8 with zero point 128, because onnxruntime has no other. Biases stay
 * float32. An activation that several nodes read is quantized once; weights that they share are stored once.
 * Errors: ERR_BAD_ARGUMENT (a static scheme, weights that are not finite), ERR_UNSUPPORTED (nothing to quantize, an operator
 * set that cannot be upgraded).
 */
export function quantizeDynamic(graph: Graph, scheme: Scheme): Graph {
  if (scheme.activations.mode !== 'dynamic') {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `The scheme '${scheme.name}' is static; quantizeDynamic wants a dynamic one`,
      {
        argument: 'scheme',
      },
    );
  }
  const upgraded = upgradeOpset(graph, QDQ_OPSET);
  const writer = new DynamicWriter(upgraded, scheme);
  const result = writer.write();
  if (writer.count === 0) {
    throw new LowbitError(
      'ERR_UNSUPPORTED',
      `Nothing to quantize: no node of types ${scheme.operators.join(', ')} has constant float32 weights`,
    );
  }
  return result;
}

class DynamicWriter {
  /** Nodes that were quantized. */
  count = 0;
  readonly #graph: Graph;
  readonly #scheme: Scheme;
  readonly #draft: GraphDraft;
  readonly #activations = new Map<string, Quantized>();
  readonly #weights = new Map<string, { codes: string; quantized: QuantizedWeights }>();

  constructor(graph: Graph, scheme: Scheme) {
    this.#graph = graph;
    this.#scheme = scheme;
    this.#draft = new GraphDraft(graph);
  }

  write(): Graph {
    for (const node of this.#graph.nodes) {
      const selected = node.domain === '' && isSelected(this.#scheme, node.op, node.name);
      const form = selected ? weightedNodeOf(node, this.#graph) : undefined;
      if (form === undefined) this.#draft.keep(node);
      else if (node.op === 'Conv') this.#writeConv(node, form);
      else this.#writeProduct(node, form);
    }
    return this.#draft.finish();
  }

  #writeProduct(node: Node, form: WeightedNode): void {
    const matrix = form.axis === 1 ? form.tensor : transposed(form.tensor);
    const { codes, quantized } = this.#store(node, form, matrix, 1, this.#scheme.weights);
    const [x, scale, zero] = this.#activation(form.input);
    const zeros = quantized.zeroPoint === 0 ? [] : [this.#draft.codes('w_zero', quantized.format, quantized.zeroPoint)];
    this.#writeEnd(node, {
      op: 'MatMulInteger',
      inputs: [x, codes, zero, ...zeros],
      attributes: new Map(),
      scale,
      weightScale: this.#vector(`${form.weights}_scale`, quantized.scale, []),
      bias: form.bias === undefined ? undefined : this.#vector(form.biasName, form.bias, []),
    });
  }

  #writeConv(node: Node, form: WeightedNode): void {
    const scheme: WeightScheme = { ...this.#scheme.weights, format: 'u8' };
    const { codes, quantized } = this.#store(node, form, form.tensor, 0, scheme);
    const [x, scale, zero] = this.#activation(form.input);
    const spatial = new Array<number>(form.tensor.dims.length - 2).fill(1);
    this.#writeEnd(node, {
      op: 'ConvInteger',
      inputs: [x, codes, zero, this.#draft.codes('w_zero', 'u8', quantized.zeroPoint)],
      attributes: node.attributes,
      scale,
      weightScale: this.#vector(`${form.weights}_scale`, quantized.scale, spatial),
      bias: form.bias === undefined ? undefined : this.#vector(form.biasName, form.bias, spatial),
    });
  }

  /** A constant of one element per channel, broadcast over the dimensions behind it; a scalar for one element. */
  #vector(base: string, values: Float32Array, behind: readonly number[]): string {
    const dims = values.length === 1 ? [] : [values.length, ...behind];
    return this.#draft.constant(base, constantOf('float32', dims, values));
  }

  #activation(value: string): Quantized {
    const known = this.#activations.get(value);
    if (known !== undefined) return known;
    const names = ['q', 'scale', 'zero'].map((part) => this.#draft.freshValue(`${value}_${part}`));
    const made = names as unknown as Quantized;
    this.#draft.add({ op: 'DynamicQuantizeLinear', inputs: [value], outputs: names });
    this.#draft.typeLike(made[0], value, 'u8');
    this.#draft.setType(made[1], { dtype: 'float32', dims: [] });
    this.#draft.setType(made[2], { dtype: 'uint8', dims: [] });
    this.#activations.set(value, made);
    return made;
  }

  #store(
    node: Node,
    form: WeightedNode,
    tensor: ConstantTensor,
    axis: number,
    scheme: WeightScheme,
  ): { codes: string; quantized: QuantizedWeights } {
    const alpha = node.attributes.get('alpha');
    const factor = alpha?.kind === 'float' ? alpha.value : 1;
    const key = `${form.weights} ${form.axis} ${scheme.format} ${factor}`;
    const known = this.#weights.get(key);
    if (known !== undefined) return known;
    const quantized = quantizeWeights(tensor, axis, scheme);
    const made = { codes: this.#draft.constant(`${form.weights}_q`, quantized.codes), quantized };
    this.#weights.set(key, made);
    return made;
  }

  #writeEnd(
    node: Node,
    part: {
      op: string;
      inputs: string[];
      attributes: ReadonlyMap<string, Attribute>;
      scale: string;
      weightScale: string;
      bias: string | undefined;
    },
  ): void {
    this.count++;
    const y = node.outputs[0] as string;
    const fresh = (suffix: string): string => this.#draft.freshValue(`${y}_${suffix}`);
    const [acc, real, scale] = [fresh('acc'), fresh('real'), fresh('scale')] as const;
    const product = part.bias === undefined ? y : fresh('product');
    const { op, inputs, attributes } = part;
    this.#draft.add({ op, inputs, outputs: [acc], attributes, replaces: node });
    const to: Attribute = { kind: 'int', value: 1 }; // TensorProto.FLOAT
    this.#draft.add({ op: 'Cast', inputs: [acc], outputs: [real], attributes: new Map([['to', to]]) });
    this.#draft.add({ op: 'Mul', inputs: [part.scale, part.weightScale], outputs: [scale] });
    this.#draft.add({ op: 'Mul', inputs: [real, scale], outputs: [product] });
    if (part.bias !== undefined) this.#draft.add({ op: 'Add', inputs: [product, part.bias], outputs: [y] });
    this.#draft.typeLike(acc, y, 'i32');
    for (const value of [real, product]) this.#draft.typeLike(value, y);
  }
}
