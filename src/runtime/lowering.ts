// The state of a compilation while nodes become instructions: where every value is, in which layouts.

import { bytesOf, DTYPES, type DType, type TypedArray } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import { type ConstantTensor, elementsOf, floatsOf, integersOf } from '../core/tensor.js';
import type { Node } from '../ir/graph.js';
import { collapse, type Layout, layoutsCoincide, padWalk, physicalDims, stridesIn } from './layout.js';
import { type FieldValue, Program, type View } from './program.js';

/** A value's type when every dimension is known. */
export interface ConcreteType {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

interface ValueState {
  readonly type: ConcreteType;
  /** The layout that its producer wrote. */
  native: Layout;
  readonly copies: Map<Layout, View>;
}

/** The most axes that one `transpose` instruction walks. */
const TRANSPOSE_AXES = 6;

/** One function per operator: reads its inputs from the lowering, emits instructions, defines its outputs. */
export type Lower = (node: Node, at: Lowering) => void;

/** A row of the lowering table. */
export interface LoweringRow {
  readonly lower: Lower;
  /** Positions of inputs whose values are needed while planning. */
  readonly constants?: readonly number[];
}

export class Lowering {
  /** What runs once, before the first run: packing and reordering of constants. */
  readonly prepare: Program;
  readonly program: Program;
  readonly #values = new Map<string, ValueState>();
  readonly #constants: Map<string, ConstantTensor>;
  readonly #types: ReadonlyMap<string, ConcreteType>;
  readonly #wanted: ReadonlySet<string>;
  readonly #prepared = new Map<string, View>();
  readonly #made = new Map<string, object>();
  #node = '';
  /** Version of ai.onnx. */
  readonly opset: number;
  /** 1: float products without fused multiply-add, the same bytes on every instruction set. */
  readonly exact: 0 | 1;

  /** `wanted` are the values that the caller fetches, always in the logical layout. */
  constructor(
    opset: number,
    types: ReadonlyMap<string, ConcreteType>,
    constants: ReadonlyMap<string, ConstantTensor>,
    wanted: ReadonlySet<string>,
    exact: 0 | 1,
  ) {
    this.opset = opset;
    this.exact = exact;
    this.program = new Program();
    this.prepare = new Program(this.program.buffers);
    this.#types = types;
    this.#constants = new Map(constants);
    this.#wanted = wanted;
  }

  /** Instructions emitted from here on belong to this node. */
  enter(node: string): void {
    this.#node = node;
  }

  isWanted(name: string): boolean {
    return this.#wanted.has(name);
  }

  type(name: string): ConcreteType {
    const type = this.#types.get(name) ?? this.#constants.get(name);
    if (type === undefined) {
      throw new LowbitError('ERR_BAD_MODEL', 'No type is known for this value', { tensor: name, node: this.#node });
    }
    return type;
  }

  dims(name: string): readonly number[] {
    return this.type(name).dims;
  }

  constant(name: string): ConstantTensor | undefined {
    return this.#constants.get(name);
  }

  /** Says that an output of the node at hand is known while planning. */
  defineConstant(name: string, tensor: ConstantTensor): void {
    this.#constants.set(name, tensor);
  }

  /** A constant that planning needs. Errors: ERR_UNSUPPORTED when the value is known only at run time. */
  needConstant(name: string, what: string): ConstantTensor {
    const tensor = this.#constants.get(name);
    if (tensor === undefined) {
      throw new LowbitError('ERR_UNSUPPORTED', `${what} must be a constant, but '${name}' is computed by the model`, {
        node: this.#node,
      });
    }
    return tensor;
  }

  floats(name: string, what: string): Float32Array {
    const tensor = this.needConstant(name, what);
    if (tensor.dtype !== 'float32') this.unsupported(`${what} has type ${tensor.dtype}; float32 is supported`);
    return floatsOf(tensor);
  }

  float(name: string, what: string): number {
    const values = this.floats(name, what);
    if (values.length !== 1) this.unsupported(`${what} has ${values.length} elements; one is supported here`);
    return values[0] as number;
  }

  integers(name: string, what: string): number[] {
    return integersOf(this.needConstant(name, what));
  }

  unsupported(message: string): never {
    throw new LowbitError('ERR_UNSUPPORTED', message, { node: this.#node });
  }

  /** Throws ERR_UNSUPPORTED unless the value has one of the types. */
  expectType(name: string, ...dtypes: readonly DType[]): DType {
    const { dtype } = this.type(name);
    if (!dtypes.includes(dtype)) this.unsupported(`'${name}' is ${dtype}; supported here: ${dtypes.join(', ')}`);
    return dtype;
  }

  bytes(name: string): number {
    const { dtype, dims } = this.type(name);
    return bytesOf(dtype, sizeOf(dims, name));
  }

  // ---- constants ----

  /** A constant block of the plan. */
  block(array: TypedArray, label: string): View {
    const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    return this.program.buffer(data.byteLength, 'constant', label, data);
  }

  /**
   * A buffer that `emit` fills: once, before the first run, when `source` is a constant (the same key gives the same
   * buffer), else in every run.
   */
  derive(
    source: string,
    key: string,
    bytes: number,
    op: string,
    fields: (from: View, to: View) => Readonly<Record<string, FieldValue>>,
  ): View {
    const constant = this.#constants.has(source);
    const label = `${source} ${key}`;
    const cached = constant ? this.#prepared.get(label) : undefined;
    if (cached !== undefined) return cached;
    const from = this.read(source, 'logical');
    const to = this.program.buffer(bytes, constant ? 'prepared' : 'arena', label);
    const target = constant ? this.prepare : this.program;
    target.emit({ op, fields: fields(from, to), inPlace: [], node: this.#node });
    if (constant) this.#prepared.set(label, to);
    return to;
  }

  /** What `make` gives the first time that this key is asked for. */
  once<Made extends object>(key: string, make: () => Made): Made {
    const known = this.#made.get(key) as Made | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    return made;
  }

  // ---- values ----

  /** The layout that needs no reordering; channels-last where both exist. */
  layout(name: string): Layout {
    const state = this.#state(name);
    return state.copies.has('channels-last') ? 'channels-last' : state.native;
  }

  /** Layouts in which the value can be read without reordering. */
  layouts(name: string): readonly Layout[] {
    return layoutsCoincide(this.dims(name)) ? ['logical', 'channels-last'] : [...this.#state(name).copies.keys()];
  }

  /** The bytes of a value in a layout; reorders them if no copy in that layout exists yet. */
  read(name: string, layout: Layout): View {
    const state = this.#state(name);
    const existing = state.copies.get(layout);
    if (existing !== undefined) return existing;
    const other = state.copies.get(layout === 'logical' ? 'channels-last' : 'logical') as View;
    if (layoutsCoincide(state.type.dims)) {
      state.copies.set(layout, other);
      return other;
    }
    const { dtype, dims } = state.type;
    const constant = this.#constants.has(name);
    const view = this.program.buffer(this.bytes(name), constant ? 'prepared' : 'arena', `${name} ${layout}`);
    const from = stridesIn(dims, layout === 'logical' ? 'channels-last' : 'logical');
    const order = physicalDims(
      dims.map((_, axis) => axis),
      layout,
    );
    const fields = this.transposeFields(
      other,
      view,
      dtype,
      order.map((axis) => dims[axis] as number),
      order.map((axis) => from[axis] as number),
    );
    const target = constant ? this.prepare : this.program;
    target.emit({ op: 'transpose', fields, inPlace: [], node: this.#node });
    state.copies.set(layout, view);
    return view;
  }

  /** Reserves the bytes of an output that the node at hand writes in `layout`. */
  write(name: string, layout: Layout): View {
    const stored = physicalDims(this.dims(name), layout);
    const view = this.program.buffer(this.bytes(name), 'arena', `${name} [${stored.join(', ')}] ${layout}`);
    this.define(name, layout, view);
    return view;
  }

  /** Says that a value is already there, in a layout. */
  define(name: string, layout: Layout, view: View): void {
    this.#values.set(name, { type: this.type(name), native: layout, copies: new Map([[layout, view]]) });
  }

  /** Memory for the node at hand alone. */
  scratch(bytes: number, label = 'scratch'): View {
    return this.program.buffer(bytes, 'arena', label);
  }

  emit(op: string, fields: Readonly<Record<string, FieldValue>>, ...inPlace: (readonly [string, string])[]): void {
    this.program.emit({ op, fields, inPlace, node: this.#node });
  }

  /** Fields of y[index] = x[sum of index * stride], a gather over any number of axes that collapses to six. */
  transposeFields(
    x: View,
    y: View,
    dtype: DType,
    dims: readonly number[],
    strides: readonly number[],
  ): Readonly<Record<string, FieldValue>> {
    const walk = padWalk(collapse(dims, [strides]), TRANSPOSE_AXES);
    if (walk === undefined)
      this.unsupported(`a reordering of ${dims.length} axes; at most ${TRANSPOSE_AXES} move at once`);
    const fields: Record<string, FieldValue> = { x, y, element_bytes: DTYPES[dtype].bits / 8 };
    walk.dims.forEach((dim, axis) => {
      fields[`d${axis}`] = dim;
      fields[`s${axis}`] = walk.strides[0]?.[axis];
    });
    return fields;
  }

  #state(name: string): ValueState {
    const state = this.#values.get(name);
    if (state !== undefined) return state;
    const tensor = this.#constants.get(name);
    if (tensor === undefined) {
      throw new LowbitError('ERR_BAD_MODEL', 'This value is read before it is computed', {
        tensor: name,
        node: this.#node,
      });
    }
    const array = elementsOf(tensor);
    this.define(name, 'logical', this.block(array, name));
    return this.#values.get(name) as ValueState;
  }
}
