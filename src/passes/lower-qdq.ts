// The pass that turns a graph of QuantizeLinear and DequantizeLinear into operators on codes, of the domain 'lowbit'.

import { LowbitError } from '../core/errors.js';
import { constantOf } from '../core/tensor.js';
import { usesOf } from '../ir/edit.js';
import type { Graph, Node } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { type CodeFormat, NUMBER_FORMATS } from '../numerics/formats.js';
import { lookupTable } from '../numerics/quantize.js';
import { GraphDraft, onnxNumberOf, type Usage, usageOf } from './draft.js';
import {
  type Coded,
  type CodeParameters,
  codedOf,
  formatIn,
  formatOfZero,
  parametersOfInputs,
  type Quantizer,
  quantizersOf,
  sameParameters,
  scalarParameters,
  type Tail,
  tailOf,
} from './lower-qdq-codes.js';
import { LOWERINGS } from './lower-qdq-operators.js';
import { unaryOf } from './lower-qdq-unary.js';
import { isQOperator, lowerQOperator } from './lower-qoperator.js';

/**
 * Lowers what can run on codes:
 *
 *   - DQ -> Conv | Gemm | MatMul | Add | Mul | AveragePool | GlobalAveragePool | Concat -> (Relu | Clip) -> Q become
 *     QConv, QGemm, QAdd, …; without the Q, Conv, Gemm and MatMul give float32;
 *   - operators that only move elements take codes and hand their parameters on, and MaxPool too (DQ is monotone);
 *   - functions of one value between DQ and Q become tables; so does a Q of other parameters right after a DQ, and one of
 *     the same parameters disappears;
 *   - QLinearConv, QLinearMatMul and the QLinear… operators of com.microsoft become the same nodes.
 *
 * Whatever does not fit stays as it is, on dequantized values. Scales and zero points are only carried; the requantization rule
 * is the runtime's. Names of inputs and outputs stay.
 */
export function lowerQdq(graph: Graph): Graph {
  const found = graph.nodes.some((node) => isQuantization(node) || isQOperator(node));
  return found ? new Lowerer(inferTypes(graph)).lower() : graph;
}

function isQuantization(node: Node): boolean {
  return (
    (node.op === 'QuantizeLinear' || node.op === 'DequantizeLinear') &&
    (node.domain === '' || node.domain === 'com.microsoft')
  );
}

/** What the operators' own functions need of the pass. */
export class Lowerer {
  readonly graph: Graph;
  readonly usage: Usage;
  readonly draft: GraphDraft;
  readonly #formatOf: (value: string) => CodeFormat | undefined;
  /** Float values that exist as codes so far; their DequantizeLinear is written only when a node wants floats. */
  readonly #coded = new Map<string, Coded>();
  readonly #materialized = new Set<string>();
  /** Nodes that became part of another one. */
  readonly #consumed = new Set<string>();
  /** Codes that are known under another name. */
  readonly #aliases = new Map<string, string>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.usage = usageOf(graph);
    this.draft = new GraphDraft(graph);
    this.#formatOf = formatIn(graph);
  }

  lower(): Graph {
    for (const node of this.graph.nodes) if (!this.#consumed.has(node.name)) this.#lowerNode(node);
    for (const value of this.usage.pinned) this.float(value);
    return this.draft.finish(new Map(this.graph.opsets).set('lowbit', 1));
  }

  #lowerNode(node: Node): void {
    if (isQuantization(node)) {
      if (node.op === 'DequantizeLinear' ? this.#lowerDequantize(node) : this.#lowerQuantize(node)) return;
    } else if (isQOperator(node)) {
      if (lowerQOperator(node, this)) return;
    } else if (node.domain === '') {
      const lowering = Object.hasOwn(LOWERINGS, node.op) ? LOWERINGS[node.op] : undefined;
      if (lowering?.(node, this)) return;
      if (this.#lowerUnary(node)) return;
    }
    for (const value of usesOf(node)) this.float(value); // captures of subgraphs too
    this.draft.keep(
      node,
      node.inputs.map((input) => this.float(input)),
    );
  }

  #lowerDequantize(node: Node): boolean {
    const coded = codedOf(node, this.graph.constants, this.#formatOf, (format, dims) => this.zero(format, dims));
    if (coded === undefined) return false;
    this.#coded.set(node.outputs[0] as string, { ...coded, codes: this.codes(coded.codes) });
    return true;
  }

  /** Q after DQ: nothing for equal parameters, a table for others. */
  #lowerQuantize(node: Node): boolean {
    const coded = this.coded(node.inputs[0] as string);
    const quantizer = this.quantizerOf(node);
    const output = node.outputs[0] as string;
    if (quantizer === undefined || coded === undefined || scalarParameters(coded) === undefined) return false;
    if (sameParameters(coded, quantizer.parameters)) {
      this.#alias(output, coded.codes);
      return true;
    }
    this.lookup(coded, (x) => x, quantizer.parameters, output);
    return true;
  }

  /** DQ -> f -> g -> … -> Q as one table. */
  #lowerUnary(node: Node): boolean {
    const coded = this.coded(node.inputs[0] ?? '');
    if (coded === undefined || scalarParameters(coded) === undefined) return false;
    const steps: ((x: number) => number)[] = [];
    const chain: Node[] = [];
    let next: Node | undefined = node;
    let value = node.inputs[0] as string;
    while (next !== undefined && next.inputs[0] === value) {
      const step = unaryOf(next, this.graph.constants);
      if (step === undefined) break;
      steps.push(step);
      chain.push(next);
      value = next.outputs[0] as string;
      next = this.usage.soleReader(value);
    }
    const quantizers = quantizersOf(value, this.usage, (reader) => this.quantizerOf(reader));
    const first = quantizers[0];
    if (steps.length === 0 || first === undefined) return false;
    for (const member of chain) this.consume(member);
    this.lookup(coded, (x) => steps.reduce((y, step) => step(y), x), first.parameters, this.output(quantizers));
    return true;
  }

  /** The codes behind a float value, when it has any. */
  coded(value: string): Coded | undefined {
    return this.#coded.get(value);
  }

  /** Hands codes on under a new float value. */
  setCoded(value: string, coded: Coded): void {
    this.#coded.set(value, coded);
  }

  /** The name that nodes read for codes. */
  codes(value: string): string {
    return this.#aliases.get(value) ?? value;
  }

  /** The name that nodes read for a float value: where it exists only as codes, its DequantizeLinear is written now. */
  float(value: string): string {
    const coded = this.#coded.get(value);
    if (coded === undefined) return this.codes(value);
    if (!this.#materialized.has(value)) {
      this.#materialized.add(value);
      this.draft.add({
        op: 'DequantizeLinear',
        inputs: [coded.codes, coded.scaleName, coded.zeroName],
        outputs: [value],
        attributes: coded.axis === undefined ? new Map() : new Map([['axis', { kind: 'int', value: coded.axis }]]),
        name: `${value}_dequantize`,
      });
    }
    return value;
  }

  /** A QuantizeLinear with constant scalar parameters. */
  quantizerOf(node: Node): Quantizer | undefined {
    if (node.op !== 'QuantizeLinear' || !isQuantization(node)) return undefined;
    const [, scale = '', zero = ''] = node.inputs;
    const format = formatOfZero(this.graph.constants, zero) ?? this.#formatOf(node.outputs[0] as string);
    if (format === undefined || format === 'i32') return undefined;
    const parameters = this.parameters(scale, zero, format);
    return parameters?.scale.length === 1 ? { node, parameters } : undefined;
  }

  /** Constant parameters by the names of the scale and the zero point, which is made when it is absent. */
  parameters(scale: string, zero: string, format: CodeFormat): CodeParameters | undefined {
    return parametersOfInputs(this.graph.constants, scale, zero, format, (of, dims) => this.zero(of, dims));
  }

  tail(output: string): Tail {
    return tailOf(output, this.graph, this.usage, (node) => this.quantizerOf(node));
  }

  consume(node: Node | undefined): void {
    if (node !== undefined) this.#consumed.add(node.name);
  }

  /** The name for the codes that these quantizers would have made: that of the first, the others become aliases of it. */
  output(quantizers: readonly Quantizer[]): string {
    const [first, ...others] = quantizers;
    if (first === undefined) throw new LowbitError('ERR_BAD_MODEL', 'A lowered node has no output');
    const name = first.node.outputs[0] as string;
    this.consume(first.node);
    for (const { node } of others) {
      this.consume(node);
      this.#alias(node.outputs[0] as string, name);
    }
    return name;
  }

  /** Every later reader of `value` reads `codes`; where the name must stay, an Identity makes it. */
  #alias(value: string, codes: string): void {
    if (this.usage.pinned.has(value)) this.draft.add({ op: 'Identity', inputs: [codes], outputs: [value] });
    else this.#aliases.set(value, codes);
  }

  /** Writes y = table[x], table = Q(f(DQ)). Both sides have scalar parameters. */
  lookup(from: Coded, f: (x: number) => number, to: CodeParameters, output: string): void {
    const side = (coded: CodeParameters): { format: CodeFormat; scale: number; zeroPoint: number } => ({
      format: coded.format,
      scale: coded.scale[0] as number,
      zeroPoint: coded.zeroPoint[0] as number,
    });
    const table = lookupTable(side(from), f, side(to));
    this.draft.add({
      op: 'QLookup',
      domain: 'lowbit',
      inputs: [from.codes, this.draft.constant(`${output}_table`, constantOf('uint8', [256], table))],
      outputs: [output],
      attributes: new Map([['to', { kind: 'int', value: onnxNumberOf(to.format) }]]),
    });
  }

  /** A zero point of 0 in the shape of its scale. */
  zero(format: CodeFormat, dims: readonly number[]): string {
    return this.draft.codes(`${format}_0`, format, 0, dims.length === 0 ? undefined : dims[0]);
  }

  /** Notes the type of codes that have no type yet. */
  typeCodes(codes: string, like: string, format: CodeFormat): void {
    const known = this.draft.typeOf(like);
    if (known !== undefined) this.draft.setType(codes, { dtype: NUMBER_FORMATS[format].dtype, dims: known.dims });
  }
}
