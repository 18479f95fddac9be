// The pass for static quantization: a float graph and its statistics to a graph with QuantizeLinear and DequantizeLinear.

import { LowbitError } from '../core/errors.js';
import { type ConstantTensor, constantOf, floatsOf } from '../core/tensor.js';
import type { Attribute, Graph, Node } from '../ir/graph.js';
import { type CodeFormat, NUMBER_FORMATS } from '../numerics/formats.js';
import { geometryOf } from '../numerics/granularity.js';
import { chooseParameters, type QuantizationParameters, type Range } from '../numerics/params.js';
import { quantizeArray, rangesOf } from '../numerics/quantize.js';
import { roleOf } from '../schemes/operators.js';
import type { Scheme } from '../schemes/scheme.js';
import { clampOf, isImplied } from './clamp.js';
import { GraphDraft } from './draft.js';
import { activationsOf, codedOutput, parametersOf, planQdq, type QdqPlan, valuesToObserve } from './insert-qdq-plan.js';
import { vectorOf, type WeightedNode } from './quantize-weighted.js';
import { accumulatorScales, biasRoom, quantizeBias, quantizeWeights } from './quantize-weights.js';
import { QDQ_OPSET, upgradeOpset } from './upgrade-opset.js';

export { valuesToObserve };

/**
 * Puts QuantizeLinear/DequantizeLinear pairs around the operators that the scheme selects:
 *
 *   - weights become i8 constants with a DequantizeLinear per output channel, biases i32 with scale f32(x_scale * w_scale);
 *   - every activation that a selected operator reads or writes gets one pair, with the parameters of its range; a Relu or
 *     Clip right after an operator belongs to it, and is left out of the file where saturation does the same;
 *   - operators that only move codes keep the parameters of their input;
 *   - the outputs of the graph stay float32 under their names.
 *
 * The graph must be verified, and batch norms folded, for the best result. Set 13 of ai.onnx is needed; older graphs are upgraded.
 * Errors: ERR_BAD_ARGUMENT (a dynamic scheme, statistics that miss values, weights that are not finite),
 * ERR_UNSUPPORTED (no operator to quantize, operators that cannot be upgraded).
 */
export function insertQdq(graph: Graph, scheme: Scheme, statistics: ReadonlyMap<string, Range>): Graph {
  if (scheme.activations.mode !== 'static') {
    throw new LowbitError('ERR_BAD_ARGUMENT', `The scheme '${scheme.name}' is dynamic; insertQdq wants a static one`, {
      argument: 'scheme',
    });
  }
  const upgraded = upgradeOpset(graph, QDQ_OPSET);
  const plan = planQdq(upgraded, scheme);
  if (plan.selected.size === 0) {
    throw new LowbitError(
      'ERR_UNSUPPORTED',
      `Nothing to quantize: no node of types ${scheme.operators.join(', ')} has constant float32 weights`,
    );
  }
  return new QdqWriter(upgraded, plan, scheme, parametersOf(upgraded, plan, scheme, statistics)).write();
}

class QdqWriter {
  readonly #graph: Graph;
  readonly #plan: QdqPlan;
  readonly #scheme: Scheme;
  readonly #parameters: ReadonlyMap<string, QuantizationParameters>;
  readonly #draft: GraphDraft;
  /** Dequantized constants, by everything that makes them what they are. */
  readonly #dequantized = new Map<string, string>();
  /** The float name under which the producer of a coded value writes, and the dequantized name that readers read. */
  readonly #raw = new Map<string, string>();
  readonly #read = new Map<string, string>();

  constructor(graph: Graph, plan: QdqPlan, scheme: Scheme, parameters: ReadonlyMap<string, QuantizationParameters>) {
    this.#graph = graph;
    this.#plan = plan;
    this.#scheme = scheme;
    this.#parameters = parameters;
    this.#draft = new GraphDraft(graph);
  }

  write(): Graph {
    for (const value of this.#plan.coded) {
      // An output keeps its name for the dequantized value, so that callers find it where it was.
      const swaps = this.#plan.written.has(value) && this.#plan.usage.pinned.has(value);
      this.#raw.set(value, swaps ? this.#draft.freshValue(`${value}_f`) : value);
      this.#read.set(value, swaps ? value : this.#draft.freshValue(`${value}_dq`));
    }
    for (const input of this.#graph.inputs) this.#writePair(input);
    for (const node of this.#graph.nodes) this.#writeNode(node);
    return this.#draft.finish();
  }

  #writeNode(node: Node): void {
    const { selected, absorbed, written, weighted } = this.#plan;
    const owner = absorbed.get(node.name);
    if (owner !== undefined && written.has(node.outputs[0] as string)) return; // written with its owner
    if (!selected.has(node.name)) {
      const inputs = node.inputs.map((input) => (written.has(input) ? (this.#read.get(input) as string) : input));
      this.#draft.keep(node, inputs);
      for (const output of node.outputs) this.#writePair(output);
      return;
    }
    const form = weighted.get(node.name);
    const inputs = form === undefined ? this.#operands(node) : this.#weightedOperands(node, form);
    const attributes = form?.attributes ?? node.attributes;
    this.#writeSelected({ ...node, attributes }, inputs);
  }

  #writeSelected(node: Node, inputs: readonly string[]): void {
    const { usage, absorbed, written } = this.#plan;
    const output = node.outputs[0] as string;
    const value = codedOutput(node, usage, absorbed);
    if (!written.has(value)) {
      this.#draft.keep(node, inputs); // float output, for readers that want no codes
      return;
    }
    const raw = this.#raw.get(value) as string;
    this.#draft.typeLike(raw, value);
    if (value === output) {
      this.#draft.keep(node, inputs, [raw]);
    } else {
      const clampNode = usage.soleReader(output) as Node;
      const clamp = clampOf(clampNode, this.#graph.constants);
      const parameters = this.#parameters.get(value) as QuantizationParameters;
      if (clamp !== undefined && isImplied(clamp, this.#scheme.activations.format, parameters)) {
        this.#draft.keep(node, inputs, [raw]);
      } else {
        this.#draft.keep(node, inputs);
        this.#draft.keep(clampNode, clampNode.inputs, [raw]);
      }
    }
    this.#writePair(value);
  }

  /** The QuantizeLinear and DequantizeLinear of a value, when it is to have codes. */
  #writePair(value: string): void {
    const parameters = this.#parameters.get(value);
    if (parameters === undefined) return;
    const { format } = this.#scheme.activations;
    const raw = this.#raw.get(value) as string;
    const read = this.#read.get(value) as string;
    const codes = this.#draft.freshValue(`${value}_q`);
    const scale = this.#draft.floats(`${value}_scale`, parameters.scale);
    const zero = this.#draft.codes(`${format}_${parameters.zeroPoint}`, format, parameters.zeroPoint);
    this.#draft.add({ op: 'QuantizeLinear', inputs: [raw, scale, zero], outputs: [codes], name: codes });
    this.#draft.add({ op: 'DequantizeLinear', inputs: [codes, scale, zero], outputs: [read], name: `${value}_dq` });
    this.#draft.typeLike(codes, value, format);
    this.#draft.typeLike(read, value);
  }

  /** Inputs of a selected node without weights: activations dequantized, constants of an elementwise one quantized. */
  #operands(node: Node): string[] {
    const activations = new Set(activationsOf(node, this.#graph));
    const role = roleOf(node.op);
    return node.inputs.map((input) => {
      if (activations.has(input)) return this.#read.get(input) as string;
      const constant = this.#graph.constants.get(input);
      const takesCodes = role === 'elementwise' || role === 'concat';
      return takesCodes && constant !== undefined ? this.#constantOperand(input, constant) : input;
    });
  }

  #constantOperand(name: string, tensor: ConstantTensor): string {
    const { format, symmetric } = this.#scheme.activations;
    const geometry = geometryOf({ kind: 'tensor' }, tensor.dims);
    const values = floatsOf(tensor);
    const { scale, zeroPoint } = chooseParameters(rangesOf(values, geometry)[0] as Range, { format, symmetric });
    const parameters = { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) };
    const codes = quantizeArray(values, geometry, parameters, { format, symmetric });
    const stored = constantOf(NUMBER_FORMATS[format].dtype, tensor.dims, codes);
    return this.#dequantize(name, stored, format, parameters.scale, zeroPoint, undefined);
  }

  #weightedOperands(node: Node, form: WeightedNode): string[] {
    const { weights: scheme } = this.#scheme;
    const inputScale = (this.#parameters.get(form.input) as QuantizationParameters).scale;
    const { depth, channels, bias } = form;
    const demand = { bias: bias ?? new Float32Array(channels), inputScale, depth };
    const quantized = quantizeWeights(form.tensor, form.axis, scheme, demand);
    const perChannel = scheme.granularity === 'channel';
    const inputs = [
      this.#read.get(form.input) as string,
      this.#dequantize(
        form.weights,
        quantized.codes,
        quantized.format,
        quantized.scale,
        quantized.zeroPoint,
        perChannel ? form.axis : undefined,
      ),
    ];
    if (bias === undefined) return inputs;
    const scale = accumulatorScales(inputScale, quantized.scale);
    const codes = quantizeBias(bias, scale, biasRoom(depth) as number);
    if (codes === undefined) {
      throw new LowbitError(
        'ERR_BAD_ARGUMENT',
        'The bias is not finite; look for NaN or infinite values in the model',
        {
          node: node.name,
          tensor: form.biasName,
        },
      );
    }
    inputs.push(this.#dequantize(form.biasName, vectorOf(codes), 'i32', scale, 0, perChannel ? 0 : undefined));
    return inputs;
  }

  /** A stored constant and its DequantizeLinear; equal ones (weights that nodes share) are written once. */
  #dequantize(
    base: string,
    codes: ConstantTensor,
    format: CodeFormat,
    scale: Float32Array,
    zeroPoint: number,
    axis: number | undefined,
  ): string {
    const key = `${base} ${axis} ${codes.dims.join('x')} ${scale.join(' ')}`;
    const known = this.#dequantized.get(key);
    if (known !== undefined) return known;
    const stored = this.#draft.constant(`${base}_q`, codes);
    const output = this.#draft.freshValue(`${base}_dq`);
    const inputs = [
      stored,
      this.#draft.floats(`${base}_scale`, axis === undefined ? (scale[0] as number) : scale),
      axis === undefined
        ? this.#draft.codes(`${format}_${zeroPoint}`, format, zeroPoint)
        : this.#draft.codes(`${format}_${zeroPoint}x${scale.length}`, format, zeroPoint, scale.length),
    ];
    const attributes = new Map<string, Attribute>(axis === undefined ? [] : [['axis', { kind: 'int', value: axis }]]);
    this.#draft.add({ op: 'DequantizeLinear', inputs, outputs: [output], attributes, name: output });
    this.#draft.setType(output, { dtype: 'float32', dims: codes.dims });
    this.#dequantized.set(key, output);
    return output;
  }
}
