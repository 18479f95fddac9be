// Turns checked feeds into plans of one graph: which key, which shapes, which inputs are compiled in.

import type { Backend } from '../backend/backend.js';
import type { ConstantTensor } from '../core/tensor.js';
import type { Graph } from '../ir/graph.js';
import { optimizeBound } from '../passes/passes.js';
import { type CompileOptions, compile, compileSync } from '../runtime/compile.js';
import type { CompiledPlan } from '../runtime/plan.js';
import { planningInputs, refuseUnsupported } from '../runtime/support.js';
import type { CheckedFeed } from './feeds.js';
import { PlanCache } from './plan-cache.js';

/** Inputs beyond this are never compiled into a plan: a plan per value would be absurd. */
const MAX_PLANNING_BYTES = 1 << 14;

export interface PlannerOptions {
  readonly isa?: string | undefined;
  readonly threads?: number | undefined;
  /** Plans that are kept, one per set of input shapes. */
  readonly planCacheSize?: number | undefined;
  readonly observe?: readonly string[] | undefined;
  /** False runs the nodes as they are. */
  readonly optimize?: boolean | undefined;
}

/** What a plan is made for. */
export interface PlanRequest {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly values: ReadonlyMap<string, ConstantTensor>;
  readonly outputs: readonly string[];
}

/** Plans of a graph on a backend, kept per request. */
export class Planner {
  readonly graph: Graph;
  readonly backend: Backend;
  readonly #options: PlannerOptions;
  readonly #cache: PlanCache<CompiledPlan>;
  readonly #planning: readonly string[];
  /** Packed weights, kept when plans of several shapes share them. */
  readonly #packed: Map<string, Uint8Array> | undefined;

  /** Errors: ERR_UNSUPPORTED for operators that the runtime does not have. */
  constructor(graph: Graph, backend: Backend, options: PlannerOptions = {}) {
    refuseUnsupported(graph);
    this.graph = graph;
    this.backend = backend;
    this.#options = options;
    this.#cache = new PlanCache(options.planCacheSize ?? 8);
    this.#planning = planningInputs(graph);
    const open = graph.inputs.some(
      (name) => graph.types.get(name)?.dims?.every((dim) => typeof dim === 'number') !== true,
    );
    this.#packed = open ? new Map() : undefined;
  }

  requestOf(feeds: ReadonlyMap<string, CheckedFeed>, outputs: readonly string[]): PlanRequest {
    const shapes = new Map([...feeds].map(([name, { dims }]) => [name, dims]));
    const values = new Map<string, ConstantTensor>();
    for (const name of this.#planning) {
      const feed = feeds.get(name);
      if (feed !== undefined && feed.data.byteLength <= MAX_PLANNING_BYTES) {
        values.set(name, { dtype: feed.dtype, dims: feed.dims, data: feed.data.slice() });
      }
    }
    return { shapes, values, outputs };
  }

  /** The shapes of the inputs when only the batch, the first dimension of each, is open; with a batch of 1. */
  usualShapes(): PlanRequest | undefined {
    if (this.#planning.length > 0) return undefined;
    const shapes = new Map<string, readonly number[]>();
    for (const name of this.graph.inputs) {
      const dims = this.graph.types.get(name)?.dims;
      if (dims?.slice(1).some((dim) => typeof dim !== 'number') !== false) return undefined;
      shapes.set(
        name,
        dims.map((dim) => (typeof dim === 'number' ? dim : 1)),
      );
    }
    return { shapes, values: new Map(), outputs: this.graph.outputs };
  }

  use<Result>(request: PlanRequest, use: (plan: CompiledPlan) => Promise<Result>): Promise<Result> {
    return this.#cache.use(keyOf(request), () => compile(this.graph, this.backend, this.#compileOptions(request)), use);
  }

  useSync<Result>(request: PlanRequest, use: (plan: CompiledPlan) => Result): Result {
    return this.#cache.useSync(
      keyOf(request),
      () => compileSync(this.graph, this.backend, this.#compileOptions(request)),
      use,
    );
  }

  /** Whether a plan for the request is there already. */
  isReady(request: PlanRequest): boolean {
    return this.#cache.isReady(keyOf(request));
  }

  dispose(): void {
    this.#cache.dispose();
    this.#packed?.clear();
  }

  #compileOptions({ shapes, values, outputs }: PlanRequest): CompileOptions {
    const { isa, threads, observe, optimize } = this.#options;
    const rewrite = optimize === false || observe !== undefined ? undefined : optimizeBound;
    // Packed inputs differ from run to run: only plans without compiled-in inputs share.
    const packed = values.size === 0 ? this.#packed : undefined;
    return { inputShapes: shapes, inputValues: values, outputs, observe, isa, threads, packed, rewrite };
  }
}

function keyOf({ shapes, values, outputs }: PlanRequest): string {
  const dims = [...shapes].map(([name, list]) => [name, ...list]);
  const contents = [...values].map(([name, { data }]) => [name, ...data]);
  return JSON.stringify([dims, contents, outputs]);
}
