// The plans behind the typed-array functions, kept by geometry so that repeated calls cost nothing but the work.

import type { Backend, BackendPlan } from '../../backend/backend.js';
import { loadBackend } from '../../backend/load.js';
import { type BufferRef, PlanBuilder } from '../../backend/plan-builder.js';
import { runSlices, type SlicedWork } from './codec.js';

/** Plans that a cache keeps; the least recently used one goes first. */
const PLANS_KEPT = 32;

/** What tells plans of one function apart. */
export type Geometry = readonly (string | number)[];

export class ArrayPlans {
  readonly #plans = new Map<string, BackendPlan>();
  readonly #limit: number;
  /** The last call's: most calls repeat the one before, and comparing takes less than looking up. */
  #last: { readonly backend: Backend; readonly geometry: Geometry; readonly plan: BackendPlan } | undefined;

  constructor(limit = PLANS_KEPT) {
    this.#limit = limit;
  }

  of(backend: Backend, geometry: Geometry, make: () => BackendPlan): BackendPlan {
    const last = this.#last;
    if (last !== undefined && last.backend === backend && sameGeometry(last.geometry, geometry)) return last.plan;
    const key = [backend.kind, backend.isa, ...geometry].join();
    const plan = this.#plans.get(key) ?? make();
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    this.#last = { backend, geometry, plan };
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

function sameGeometry(one: Geometry, other: Geometry): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    if (one[i] !== other[i]) return false;
  }
  return true;
}

const shared = new WeakMap<Backend, ArrayPlans>();

/** A call that is checked and ready: run it here, or in the background. */
export interface ArrayCall<Result> {
  readonly plan: BackendPlan | undefined;
  /** In the place of a plan: what is not done by kernels. */
  readonly work?: SlicedWork | undefined;
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

  finish(): BackendPlan {
    return this.build(this.#arena);
  }
}

/** The plan of a geometry, made at most once per backend. */
export function planOf(
  backend: Backend | undefined,
  geometry: Geometry,
  make: (builder: ArrayPlanBuilder) => void,
  plans?: ArrayPlans,
): BackendPlan {
  const used = backend ?? loadBackend();
  let own = plans ?? shared.get(used);
  if (own === undefined) {
    own = new ArrayPlans();
    shared.set(used, own);
  }
  return own.of(used, geometry, () => {
    const builder = new ArrayPlanBuilder(used);
    make(builder);
    return builder.finish();
  });
}

export async function runCall<Result>(
  { plan, work, inputs, outputs, result }: ArrayCall<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  await plan?.run(inputs, outputs, { signal });
  if (work !== undefined) await runSlices(work, signal);
  return result();
}

export function runCallSync<Result>({ plan, work, inputs, outputs, result }: ArrayCall<Result>): Result {
  plan?.runSync(inputs, outputs);
  work?.step(0, work.units);
  return result();
}
