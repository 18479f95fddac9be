// Plans by key, the least recently used one dropped when there are too many.

import { LowbitError } from '../core/errors.js';

/** What the cache keeps: something that must be disposed of. */
interface Disposable {
  dispose(): void;
}

interface Entry<Plan> {
  plan: Plan | undefined;
  promise: Promise<Plan> | undefined;
  /** Uses that are waiting for the plan or running on it. */
  users: number;
  dropped: boolean;
}

/**
 * Compilations are shared: who asks for a key that is being compiled waits for the same one. A failed compilation is
 * forgotten. A dropped plan is disposed of when its last use ends. Errors: ERR_DISPOSED after dispose().
 */
export class PlanCache<Plan extends Disposable> {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry<Plan>>();
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  isReady(key: string): boolean {
    return this.#entries.get(key)?.plan !== undefined;
  }

  async use<Result>(key: string, make: () => Promise<Plan>, use: (plan: Plan) => Promise<Result>): Promise<Result> {
    this.#check();
    const entry = this.#entry(key);
    entry.users++;
    try {
      if (entry.plan === undefined) {
        entry.promise ??= make();
        try {
          entry.plan = await entry.promise;
        } catch (error) {
          if (this.#entries.get(key) === entry) this.#entries.delete(key);
          throw error;
        }
      }
      this.#check();
      return await use(entry.plan);
    } finally {
      this.#leave(entry);
    }
  }

  useSync<Result>(key: string, make: () => Plan, use: (plan: Plan) => Result): Result {
    this.#check();
    const entry = this.#entry(key);
    entry.users++;
    try {
      if (entry.plan !== undefined) return use(entry.plan);
      const plan = make();
      // Somebody waits for the plan that is being made in the background: this one is for here alone.
      if (entry.promise !== undefined) return useOnce(plan, use);
      entry.plan = plan;
      return use(plan);
    } catch (error) {
      if (entry.plan === undefined && entry.promise === undefined) this.#entries.delete(key);
      throw error;
    } finally {
      this.#leave(entry);
    }
  }

  dispose(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
  }

  #check(): void {
    if (this.#closed) throw new LowbitError('ERR_DISPOSED', 'The session was used after dispose()');
  }

  /** The entry of a key, now the most recently used one. */
  #entry(key: string): Entry<Plan> {
    const entry = this.#entries.get(key) ?? { plan: undefined, promise: undefined, users: 0, dropped: false };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [oldest, other] of this.#entries) {
      if (this.#entries.size <= this.#limit) break;
      this.#entries.delete(oldest);
      this.#drop(other);
    }
    return entry;
  }

  #drop(entry: Entry<Plan>): void {
    entry.dropped = true;
    if (entry.users === 0) entry.plan?.dispose();
  }

  #leave(entry: Entry<Plan>): void {
    entry.users--;
    if (entry.users === 0 && entry.dropped) entry.plan?.dispose();
  }
}

function useOnce<Plan extends Disposable, Result>(plan: Plan, use: (plan: Plan) => Result): Result {
  try {
    return use(plan);
  } finally {
    plan.dispose();
  }
}
