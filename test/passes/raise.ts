// The opposite of lowering, for tests: every node of the domain 'lowbit' as standard operators that onnxruntime runs.

import { DTYPES } from '../../src/core/dtype.js';
import { type ConstantTensor, constantOf, elementsOf, floatsOf, integersOf } from '../../src/core/tensor.js';
import { editGraph, type GraphEditor } from '../../src/ir/edit.js';
import type { Attribute, Graph, Node } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';

/** Standard ONNX that says what the lowered graph says, one float operator between DQ and Q per lowered node. */
export function raise(graph: Graph): Graph {
  const editor = editGraph(graph);
  for (const node of editor) if (node.domain === 'lowbit') new Raiser(editor, node).raise();
  const raised = editor.build();
  return verifyGraph({ ...raised, opsets: new Map([...raised.opsets].filter(([domain]) => domain !== 'lowbit')) });
}

class Raiser {
  readonly #editor: GraphEditor;
  readonly #node: Node;

  constructor(editor: GraphEditor, node: Node) {
    this.#editor = editor;
    this.#node = node;
  }

  #in(index: number): string {
    return this.#node.inputs[index] ?? '';
  }

  #constant(name: string): ConstantTensor {
    const tensor = this.#editor.constant(name);
    if (tensor === undefined) throw new Error(`${this.#node.name}: '${name}' is not constant`);
    return tensor;
  }

  #add(op: string, inputs: string[], attributes: Record<string, Attribute> = {}, domain = ''): string {
    const output = this.#editor.fresh(`${this.#node.name}_${op}`);
    this.#editor.addNode({ op, domain, inputs, outputs: [output], attributes }, this.#node);
    return output;
  }

  #dq(codes: string, scale: string, zero: string, axis = 0): string {
    const vector = this.#constant(scale).dims.length > 0 && floatsOf(this.#constant(scale)).length > 1;
    return this.#add('DequantizeLinear', [codes, scale, zero], vector ? { axis: { kind: 'int', value: axis } } : {});
  }

  /** The last node takes the place of the lowered one. */
  #end(
    op: string,
    inputs: string[],
    attributes: Record<string, Attribute> | ReadonlyMap<string, Attribute> = {},
  ): void {
    this.#editor.replaceNode(this.#node, { op, inputs, outputs: this.#node.outputs, attributes });
  }

  #number(name: string): number | undefined {
    const attribute = this.#node.attributes.get(name);
    return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : undefined;
  }

  /** Clamps in floats or codes, and the quantization of the output. */
  #finish(value: string, scale: string, zero: string): void {
    if (scale === '') {
      this.#clip(value, 'float32', this.#number('lo'), this.#number('hi'));
      return;
    }
    const codes = this.#add('QuantizeLinear', [value, scale, zero]);
    this.#clip(codes, this.#constant(zero).dtype, this.#number('qlo'), this.#number('qhi'));
  }

  #clip(value: string, dtype: ConstantTensor['dtype'], lo: number | undefined, hi: number | undefined): void {
    const Values = DTYPES[dtype].array ?? Float32Array;
    const bound = (number: number | undefined): string =>
      number === undefined
        ? ''
        : this.#editor.addConstant('bound', constantOf(dtype, [], new (Values as Float32ArrayConstructor)([number])));
    if (lo === undefined && hi === undefined) this.#end('Identity', [value]);
    else this.#end('Clip', [value, bound(lo), bound(hi)]);
  }

  #attributes(...kept: string[]): Record<string, Attribute> {
    return Object.fromEntries([...this.#node.attributes].filter(([name]) => kept.includes(name)));
  }

  /** An int32 bias in the scale of the accumulator, dequantized. */
  #bias(codes: string, xScale: string, wScale: string): string {
    if (codes === '') return '';
    const x = floatsOf(this.#constant(xScale))[0] as number;
    const scales = floatsOf(this.#constant(wScale)).map((w) => x * w);
    const count = integersOf(this.#constant(codes)).length;
    const dims = scales.length === 1 ? [] : [count];
    const scale = this.#editor.addConstant('bias_scale', constantOf('float32', dims, scales));
    const zero = this.#editor.addConstant('bias_zero', constantOf('int32', dims, new Int32Array(scales.length)));
    return this.#dq(codes, scale, zero);
  }

  raise(): void {
    const conv = ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides'];
    const pool = [...conv, 'count_include_pad', 'ceil_mode'];
    switch (this.#node.op) {
      case 'QConv': {
        const floats = this.#in(9);
        const bias = floats === '' ? this.#bias(this.#in(8), this.#in(1), this.#in(4)) : floats;
        const inputs = [
          this.#dq(this.#in(0), this.#in(1), this.#in(2)),
          this.#dq(this.#in(3), this.#in(4), this.#in(5)),
        ];
        const y = this.#add('Conv', bias === '' ? inputs : [...inputs, bias], this.#attributes(...conv));
        this.#finish(y, this.#in(6), this.#in(7));
        return;
      }
      case 'QGemm': {
        const transB = this.#number('transB') ?? 0;
        const a = this.#dq(this.#in(0), this.#in(1), this.#in(2));
        const b = this.#dq(this.#in(3), this.#in(4), this.#in(5), transB === 0 ? 1 : 0);
        const bias = this.#bias(this.#in(6), this.#in(1), this.#in(4));
        if (bias !== '') {
          this.#finish(this.#add('Gemm', [a, b, bias], this.#attributes('transB')), this.#in(7), this.#in(8));
          return;
        }
        const turned = transB === 0 ? b : this.#add('Transpose', [b], { perm: { kind: 'ints', value: [1, 0] } });
        this.#finish(this.#add('MatMul', [a, turned]), this.#in(7), this.#in(8));
        return;
      }
      case 'QAdd':
      case 'QMul': {
        const a = this.#dq(this.#in(0), this.#in(1), this.#in(2));
        const b = this.#dq(this.#in(3), this.#in(4), this.#in(5));
        this.#finish(this.#add(this.#node.op.slice(1), [a, b]), this.#in(6), this.#in(7));
        return;
      }
      case 'QAveragePool':
      case 'QGlobalAveragePool': {
        const x = this.#dq(this.#in(0), this.#in(1), this.#in(2));
        this.#finish(this.#add(this.#node.op.slice(1), [x], this.#attributes(...pool)), this.#in(3), this.#in(4));
        return;
      }
      case 'QConcat': {
        const parts: string[] = [];
        for (let at = 2; at < this.#node.inputs.length; at += 3) {
          parts.push(this.#dq(this.#in(at), this.#in(at + 1), this.#in(at + 2)));
        }
        this.#finish(this.#add('Concat', parts, this.#attributes('axis')), this.#in(0), this.#in(1));
        return;
      }
      case 'QLookup': {
        // Gather counts negative indices from the end, so the byte of an i8 code is found by the code itself.
        const bytes = elementsOf(this.#constant(this.#in(1))) as Uint8Array;
        const signed = this.#number('to') === DTYPES.int8.onnx;
        const table = signed ? constantOf('int8', [256], Int8Array.from(bytes)) : constantOf('uint8', [256], bytes);
        const index = this.#add('Cast', [this.#in(0)], { to: { kind: 'int', value: DTYPES.int32.onnx } });
        this.#end('Gather', [this.#editor.addConstant('table', table), index], {
          axis: { kind: 'int', value: 0 },
        });
        return;
      }
      case 'DynamicGemm':
      case 'DynamicConv':
        this.#dynamic(this.#node.op === 'DynamicConv', conv);
        return;
      default:
        throw new Error(`${this.#node.op} has no standard form here`);
    }
  }

  /** The formula: f32(f32(acc) * f32(a_scale * b_scale)) + bias, then the clamp. */
  #dynamic(isConv: boolean, kept: readonly string[]): void {
    const [codes, scale, zero] = ['codes', 'scale', 'zero'].map((part) =>
      this.#editor.fresh(`${this.#node.name}_${part}`),
    );
    const outputs = [codes, scale, zero] as [string, string, string];
    this.#editor.addNode({ op: 'DynamicQuantizeLinear', inputs: [this.#in(0)], outputs }, this.#node);
    const weights = this.#constant(this.#in(1));
    const channels = weights.dims[isConv ? 0 : 1] as number;
    const behind = new Array<number>(isConv ? weights.dims.length - 2 : 0).fill(1);
    const along = (name: string): string => {
      const values = floatsOf(this.#constant(name));
      const dims = values.length === 1 ? [] : [channels, ...behind];
      return this.#editor.addConstant('along', constantOf('float32', dims, values));
    };
    const op = isConv ? 'ConvInteger' : 'MatMulInteger';
    const inputs = [outputs[0], this.#in(1), outputs[2], this.#in(3)];
    const acc = this.#add(op, inputs, isConv ? this.#attributes(...kept) : {});
    const real = this.#add('Cast', [acc], { to: { kind: 'int', value: DTYPES.float32.onnx } });
    const product = this.#add('Mul', [real, this.#add('Mul', [outputs[1], along(this.#in(2))])]);
    this.#finish(this.#in(4) === '' ? product : this.#add('Add', [product, along(this.#in(4))]), '', '');
  }
}
