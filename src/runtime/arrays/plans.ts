// The plans behind the typed-array functions, kept by geometry so that repeated calls cost nothing but the work.

import type { Backend, BackendPlan } from '../../backend/backend.js';
import { loadBackend, MAX_THREADS } from '../../backend/load.js';
import { type BufferRef, PlanBuilder } from '../../backend/plan-builder.js';
import { throwIfAborted } from '../../core/errors.js';
import { type CallOptions, wantInteger } from './arguments.js';

/** Plans that a cache keeps; the least recently used one goes first. */
const PLANS_KEPT = 32;

/** What tells plans of one function apart. */
export type Geometry = readonly (string | number)[];

export class ArrayPlans {
  readonly #plans = new Map<string, BackendPlan>();
  readonly #limit: number;
  /** The last call's: most calls repeat the one before, and comparing takes less than looking up. */
  #last: (PlanKey & { readonly plan: BackendPlan }) | undefined;

  constructor(limit = PLANS_KEPT) {
    this.#limit = limit;
  }

  of(wanted: PlanKey, make: () => BackendPlan): BackendPlan {
    const last = this.#last;
    if (last !== undefined && sameKey(last, wanted)) return last.plan;
    const { backend, threads, geometry } = wanted;
    const key = [backend.kind, backend.isa, threads, ...geometry].join();
    const plan = this.#plans.get(key) ?? make();
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    this.#last = { ...wanted, plan };
    for (const [oldest, dropped] of this.#plans) {
      if (this.#plans.size <= this.#limit) break;
      this.#plans.delete(oldest);
      dropped.dispose();
    }
    return plan;
  }

  dispose(): void {
    for (const plan of this.#plans.values()) plan.dispose();
    this.#plans.clear();
    this.#last = undefined;
  }
}

interface PlanKey {
  readonly backend: Backend;
  /** 0: as many as the process may use. */
  readonly threads: number;
  readonly geometry: Geometry;
}

function sameKey(one: PlanKey, other: PlanKey): boolean {
  if (one.backend !== other.backend || one.threads !== other.threads) return false;
  if (one.geometry.length !== other.geometry.length) return false;
  for (let i = 0; i < one.geometry.length; i++) {
    if (one.geometry[i] !== other.geometry[i]) return false;
  }
  return true;
}

const shared = new WeakMap<Backend, ArrayPlans>();

/** A call that is checked and ready: run it here, or in the background. */
export interface ArrayCall<Result> {
  readonly plan: BackendPlan | undefined;
  readonly inputs: readonly ArrayBufferView[];
  readonly outputs: readonly ArrayBufferView[];
  readonly result: () => Result;
}

/** A builder that hands out arena space one buffer after the other: these plans have few and short-lived ones. */
export class ArrayPlanBuilder extends PlanBuilder {
  #arena = 0;

  temporary(bytes: number): BufferRef {
    const ref = this.arena(this.#arena, bytes);
    this.#arena += Math.ceil(bytes / 64) * 64;
    return ref;
  }

  finish(threads: number): BackendPlan {
    return this.build(this.#arena, { threads });
  }
}

/** The plan of a geometry, made at most once per backend and number of threads. Errors: ERR_BAD_ARGUMENT for `threads`. */
export function planOf(
  options: Pick<CallOptions, 'backend' | 'threads'>,
  geometry: Geometry,
  make: (builder: ArrayPlanBuilder) => void,
  plans?: ArrayPlans,
): BackendPlan {
  const backend = options.backend ?? loadBackend();
  const threads = options.threads === undefined ? 0 : wantInteger(options.threads, 'threads', 1, MAX_THREADS);
  let own = plans ?? shared.get(backend);
  if (own === undefined) {
    own = new ArrayPlans();
    shared.set(backend, own);
  }
  return own.of({ backend, threads, geometry }, () => {
    const builder = new ArrayPlanBuilder(backend);
    make(builder);
    return builder.finish(threads);
  });
}

export async function runCall<Result>(
  { plan, inputs, outputs, result }: ArrayCall<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  await plan?.run(inputs, outputs, { signal });
  throwIfAborted(signal);
  return result();
}

export function runCallSync<Result>({ plan, inputs, outputs, result }: ArrayCall<Result>): Result {
  plan?.runSync(inputs, outputs);
  return result();
}
