// Compiles a graph for one set of input shapes into a plan.

import type { Backend, BackendPlan } from '../backend/backend.js';
import { type BufferRef, PlanBuilder } from '../backend/plan-builder.js';
import { LowbitError } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { ConstantTensor } from '../core/tensor.js';
import type { Graph, Node } from '../ir/graph.js';
import { bindShapes } from '../ir/infer.js';
import { operatorName } from '../ir/ops.js';
import { concatInPlace } from './concat-in-place.js';
import { fuseResidual } from './fuse-residual.js';
import { type ConcreteType, Lowering } from './lowering.js';
import { loweringOf } from './ops/table.js';
import { CompiledPlan, type PlanParts, type PlanValue } from './plan.js';
import { isView, type Program, part, planArena, type View } from './program.js';
import { refuseUnknownOperators } from './support.js';

export interface CompileOptions {
  /** Concrete shapes of the inputs; inputs whose shapes the model fixes may be left out. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]> | undefined;
  /** Inputs that are compiled in as constants (a Reshape's shape, a scale): the plan does not take them as feeds. */
  readonly inputValues?: ReadonlyMap<string, ConstantTensor> | undefined;
  /** Values to fetch, any of the graph; its outputs by default. Nodes that none of them needs are left out. */
  readonly outputs?: readonly string[] | undefined;
  /**
   * Float values whose minimum and maximum every run reports. Float products are then computed without fused
   * multiply-add, so that the ranges, and what is quantized by them, are the same bytes on every machine.
   */
  readonly observe?: readonly string[] | undefined;
  /** What is done to the graph once its shapes are known: a function that keeps what it computes. */
  readonly rewrite?: ((graph: Graph) => Graph) | undefined;
  /** The highest instruction set to use. */
  readonly isa?: string | undefined;
  /** The most threads that a run may use. */
  readonly threads?: number | undefined;
  /** Packed constants that plans of the same graph share: filled and read by compilations. */
  readonly packed?: Map<string, Uint8Array> | undefined;
}

/**
 * Compiles without blocking for long: the packing of weights runs in the background.
 * Errors: ERR_UNSUPPORTED lists every operator, type or shape that the runtime cannot do, with node names; ERR_BAD_MODEL;
 * ERR_BAD_ARGUMENT for input shapes that do not fit.
 */
export async function compile(graph: Graph, backend: Backend, options: CompileOptions = {}): Promise<CompiledPlan> {
  const draft = draftPlan(graph, backend, options);
  const { job } = draft;
  if (job !== undefined) {
    try {
      await job.plan.run(job.inputs, job.outputs);
    } finally {
      job.plan.dispose();
    }
  }
  return finishPlan(draft, backend, options);
}

/** The same on the calling thread. */
export function compileSync(graph: Graph, backend: Backend, options: CompileOptions = {}): CompiledPlan {
  const draft = draftPlan(graph, backend, options);
  const { job } = draft;
  if (job !== undefined) {
    try {
      job.plan.runSync(job.inputs, job.outputs);
    } finally {
      job.plan.dispose();
    }
  }
  return finishPlan(draft, backend, options);
}

/** The constants that a prepare program fills, by buffer. */
type PreparedBytes = ReadonlyMap<number, Uint8Array>;

interface PrepareJob {
  readonly plan: BackendPlan;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

interface Draft {
  readonly lowering: Lowering;
  readonly inputs: readonly PlanValue[];
  readonly outputs: readonly PlanValue[];
  readonly outputViews: readonly View[];
  readonly inputViews: readonly View[];
  readonly observed: readonly string[];
  readonly prepared: PreparedBytes;
  readonly job: PrepareJob | undefined;
}

function draftPlan(graph: Graph, backend: Backend, options: CompileOptions): Draft {
  const outputs = options.outputs ?? graph.outputs;
  const observed = options.observe ?? [];
  const bound = bindGraph(graph, [...new Set([...outputs, ...observed])], options);
  refuseUnknownOperators(bound.nodes);
  const types = concreteTypes(bound);
  const exact = options.observe !== undefined || bound.nodes.some(isQuantized) ? 1 : 0;
  const lowering = new Lowering(bound.opsets.get('') ?? 1, types, bound.constants, new Set(outputs), exact);
  const typed = (name: string): PlanValue => ({ name, ...lowering.type(name) });
  const inputViews = bound.inputs.map((name) => {
    const view = lowering.program.buffer(lowering.bytes(name), 'input', name);
    lowering.define(name, 'logical', view);
    return view;
  });
  const statistics = observeInto(lowering, observed);
  for (const name of [...bound.inputs, ...bound.constants.keys()]) statistics?.observe(name);
  lowerNodes(bound, lowering, (name) => statistics?.observe(name));
  const outputViews = outputs.map((name) => placeOutput(lowering, name));
  if (statistics !== undefined) outputViews.push(statistics.view);
  const { prepared, job } = prepareConstants(lowering.prepare, backend, options);
  return {
    lowering,
    inputs: bound.inputs.map(typed),
    outputs: outputs.map(typed),
    inputViews,
    outputViews,
    observed,
    prepared,
    job,
  };
}

/** A node on codes: a model with one gives the same bytes on every machine, its float products included. */
function isQuantized(node: Node): boolean {
  return node.domain === 'lowbit' ? /^(Q[A-Z]|Dynamic)/.test(node.op) : /^(QLinear|Dynamic|Quantize)/.test(node.op);
}

/** The part of the graph that `wanted` needs, with concrete shapes; inputs that nothing reads are gone. */
function bindGraph(
  graph: Graph,
  wanted: readonly string[],
  { inputShapes, inputValues, rewrite }: CompileOptions,
): Graph {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const needed = new Set<string>();
  const nodes = new Set<Node>();
  const open = [...wanted];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === '' || needed.has(name)) continue;
    needed.add(name);
    const node = makers.get(name);
    if (node === undefined) {
      if (graph.inputs.includes(name) || graph.constants.has(name)) continue;
      throw new LowbitError('ERR_BAD_ARGUMENT', `The model has no value '${name}'`, { tensor: name });
    }
    nodes.add(node);
    open.push(...node.inputs);
  }
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  for (const [name, tensor] of inputValues ?? []) if (needed.has(name)) constants.set(name, tensor);
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    if (!nodes.has(node)) continue;
    const value = node.op === 'Constant' && node.domain === '' ? node.attributes.get('value') : undefined;
    if (value?.kind === 'tensor') constants.set(node.outputs[0] as string, value.value);
    else kept.push(node);
  }
  const inputs = graph.inputs.filter((name) => needed.has(name) && inputValues?.has(name) !== true);
  const part: Graph = { ...graph, inputs, outputs: wanted, nodes: kept, constants };
  const shapes = new Map([...(inputShapes ?? [])].filter(([name]) => inputs.includes(name)));
  const concrete = bindShapes(part, shapes);
  const bound = rewrite === undefined ? concrete : rewrite(concrete);
  const read = new Set([...bound.outputs, ...bound.nodes.flatMap((node) => node.inputs)]);
  return { ...bound, inputs: bound.inputs.filter((name) => read.has(name)) };
}

function concreteTypes(graph: Graph): Map<string, ConcreteType> {
  const types = new Map<string, ConcreteType>();
  for (const [name, { dtype, dims }] of graph.types) {
    const numbers = dims?.filter((dim) => typeof dim === 'number');
    if (dims === undefined || numbers === undefined || numbers.length !== dims.length) continue;
    types.set(name, { dtype, dims: numbers });
  }
  for (const [name, { dtype, dims }] of graph.constants) types.set(name, { dtype, dims });
  const values = new Set([...graph.inputs, ...graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs])]);
  values.delete('');
  const missing = [...values].filter((name) => !types.has(name));
  if (missing.length > 0) {
    const list = missing.map((name) => {
      const type = graph.types.get(name);
      return `'${name}' ${type === undefined ? '(unknown type)' : `${type.dtype} [${type.dims?.join(', ') ?? '?'}]`}`;
    });
    throw new LowbitError(
      'ERR_UNSUPPORTED',
      `Shapes that are known only while the model runs are not supported: ${list.join('; ')}`,
    );
  }
  return types;
}

/** Lowers every node; what cannot be lowered is collected and reported together. */
function lowerNodes(graph: Graph, lowering: Lowering, made: (name: string) => void): void {
  const failures: LowbitError[] = [];
  for (const node of graph.nodes) {
    lowering.enter(node.name);
    const outputs = node.outputs.filter((name) => name !== '');
    try {
      if (outputs.every((name) => sizeOf(lowering.dims(name)) === 0)) {
        for (const name of outputs) lowering.write(name, 'logical');
      } else {
        loweringOf(node.domain, node.op)?.lower(node, lowering);
      }
    } catch (error) {
      if (!(error instanceof LowbitError) || error.code !== 'ERR_UNSUPPORTED') throw error;
      failures.push(
        new LowbitError('ERR_UNSUPPORTED', `${operatorName(node)}: ${error.message}`, {}, { cause: error }),
      );
      // Nodes behind it can still be looked at.
      for (const name of outputs) lowering.write(name, 'logical');
    }
    for (const name of outputs) made(name);
  }
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  const list = failures.map(({ message }) => message).join('; ');
  throw new LowbitError('ERR_UNSUPPORTED', `${failures.length} nodes cannot be run: ${list}`);
}

interface Statistics {
  readonly view: View;
  observe(name: string): void;
}

/** One output of [minimum, maximum] per observed value, written as soon as each value is there. */
function observeInto(lowering: Lowering, observed: readonly string[]): Statistics | undefined {
  if (observed.length === 0) return undefined;
  const view = lowering.program.buffer(observed.length * 8, 'output', 'statistics');
  const rows = new Map(observed.map((name, row) => [name, row]));
  const observe = (name: string): void => {
    const row = rows.get(name);
    if (row === undefined) return;
    lowering.expectType(name, 'float32');
    const x = lowering.read(name, lowering.layout(name));
    lowering.emit('min_max', { x, out: part(view, row * 8, 8), n: sizeOf(lowering.dims(name)) });
  };
  return { view, observe };
}

/** The output buffer of a fetched value: the buffer that its producer writes, or a copy where that one is shared. */
function placeOutput(lowering: Lowering, name: string): View {
  const view = lowering.read(name, 'logical');
  const { buffer } = view;
  if (buffer.space === 'arena' && view.offset === 0 && view.bytes === buffer.bytes) {
    buffer.space = 'output';
    return view;
  }
  const copy = lowering.program.buffer(view.bytes, 'output', name);
  const row = { rows: 1, row_bytes: view.bytes, x_stride: 0, x_offset: 0, y_stride: 0, y_offset: 0 };
  if (view.bytes > 0) lowering.emit('copy_rows', { x: view, y: copy, ...row });
  return copy;
}

/** Loads the prepare program; what another compilation has already packed is taken over. */
function prepareConstants(
  prepare: Program,
  backend: Backend,
  { packed, isa, threads }: CompileOptions,
): { prepared: PreparedBytes; job: PrepareJob | undefined } {
  const prepared = new Map<number, Uint8Array>();
  const builder = new PlanBuilder(backend);
  const inputs: Uint8Array[] = [];
  const outputs: Uint8Array[] = [];
  const refs = new Map<number, BufferRef>();
  for (const { op, fields } of prepare.instructions) {
    const views = Object.values(fields).filter(isView);
    const target = views.find(({ buffer }) => buffer.space === 'prepared' && !prepared.has(buffer.id))?.buffer;
    if (target === undefined) continue;
    const shared = packed?.get(target.label);
    if (shared !== undefined) {
      prepared.set(target.id, shared);
      continue;
    }
    const ref = (view: View): BufferRef => {
      const { buffer } = view;
      let whole = refs.get(buffer.id);
      if (whole === undefined) {
        const filled = prepared.get(buffer.id);
        const data = buffer.space === 'constant' ? buffer.data : filled;
        if (data === undefined) {
          const bytes = new Uint8Array(buffer.bytes);
          prepared.set(buffer.id, bytes);
          packed?.set(buffer.label, bytes);
          outputs.push(bytes);
          whole = builder.output(buffer.bytes);
        } else {
          inputs.push(data);
          whole = builder.input(buffer.bytes);
        }
        refs.set(buffer.id, whole);
      }
      return view.offset === 0 && view.bytes === buffer.bytes ? whole : builder.part(whole, view.offset, view.bytes);
    };
    builder.op(op, mapViews(fields, ref));
  }
  if (outputs.length === 0) return { prepared, job: undefined };
  return { prepared, job: { plan: builder.build(0, { isa, threads }), inputs, outputs } };
}

function mapViews(
  fields: Readonly<Record<string, number | View | undefined>>,
  ref: (view: View) => BufferRef,
): Record<string, number | BufferRef | undefined> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, isView(value) ? ref(value) : value]));
}

function finishPlan(draft: Draft, backend: Backend, { isa, threads }: CompileOptions): CompiledPlan {
  const { program } = draft.lowering;
  fuseResidual(program);
  concatInPlace(program);
  const arena = planArena(program);
  const builder = new PlanBuilder(backend);
  const wholes = new Map<number, BufferRef>();
  for (const { buffer } of draft.inputViews) wholes.set(buffer.id, builder.input(buffer.bytes));
  for (const { buffer } of draft.outputViews) wholes.set(buffer.id, builder.output(buffer.bytes));
  let constantsBytes = 0;
  const whole = ({ buffer }: View): BufferRef => {
    let ref = wholes.get(buffer.id);
    if (ref !== undefined) return ref;
    const data = buffer.space === 'prepared' ? draft.prepared.get(buffer.id) : buffer.data;
    if (data !== undefined) {
      ref = builder.constant(data);
      constantsBytes += data.byteLength;
    } else {
      ref = builder.arena(arena.offsetOf.get(buffer.id) as number, buffer.bytes);
    }
    wholes.set(buffer.id, ref);
    return ref;
  };
  const parts = new Map<string, BufferRef>();
  const refOf = (view: View): BufferRef => {
    const ref = whole(view);
    if (view.offset === 0 && view.bytes === ref.bytes) return ref;
    const key = `${view.buffer.id} ${view.offset} ${view.bytes}`;
    const known = parts.get(key) ?? builder.part(ref, view.offset, view.bytes);
    parts.set(key, known);
    return known;
  };
  for (const { op, fields } of program.instructions) builder.op(op, mapViews(fields, refOf));
  const planParts: PlanParts = {
    inputs: draft.inputs,
    outputs: draft.outputs,
    observed: draft.observed,
    program,
    arena,
    constantsBytes,
  };
  return new CompiledPlan(builder.build(arena.arenaBytes, { isa, threads }), planParts);
}
