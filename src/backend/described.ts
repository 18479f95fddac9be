// What both backends do alike: reading their tables from the description, and choosing the instruction set.

import { LowbitError } from '../core/errors.js';
import type { AbiDescription } from './abi.js';
import type {
  Backend,
  BackendKind,
  BackendPlan,
  KernelDescription,
  OpDescription,
  PlanOptions,
  PlanRunOptions,
} from './backend.js';

export interface BackendOptions {
  /** The highest instruction set to use; the best that the machine has by default. */
  readonly isa?: string | undefined;
  /** Threads that one operation may use. The limit is the process's: the last backend that sets it wins. */
  readonly threads?: number | undefined;
}

export abstract class DescribedBackend implements Backend {
  abstract readonly kind: BackendKind;
  abstract readonly threads: number;
  readonly version: string;
  readonly isas: readonly string[];
  readonly isa: string;
  readonly ops: ReadonlyMap<string, OpDescription>;
  readonly kernels: readonly KernelDescription[];
  readonly description: AbiDescription;

  constructor(description: AbiDescription, options: BackendOptions) {
    this.description = description;
    this.version = description.version;
    this.isas = description.isas.filter(({ usable }) => usable).map(({ name }) => name);
    this.isa = this.#usable(options.isa ?? (this.isas.at(-1) as string));
    this.ops = new Map(description.ops.map((op) => [op.name, op]));
    this.kernels = description.kernels;
  }

  createPlan(words: Int32Array, constants: Uint8Array, options: PlanOptions = {}): BackendPlan {
    return this.loadPlan(words, constants, this.#usable(options.isa ?? this.isa));
  }

  protected abstract loadPlan(words: Int32Array, constants: Uint8Array, isa: string): BackendPlan;

  #usable(isa: string): string {
    if (this.isas.includes(isa)) return isa;
    const known = this.description.isas.some(({ name }) => name === isa);
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `${known ? 'This machine or backend does not have the' : 'Unknown'} instruction set '${isa}'; ` +
        `usable here: ${this.isas.join(', ')}`,
      { argument: 'isa' },
    );
  }
}

/** Milliseconds between two looks at the progress of a run: smooth for a bar, nothing for the machine. */
const PROGRESS_INTERVAL = 50;

/** Index of the word that stops a run, and of the one that counts finished instructions. */
export const CANCEL = 0;
export const DONE = 1;

/**
 * Follows a run that shares `control` with the backend: passes an abort on, reports progress, and turns the failure that
 * an abort causes into ERR_ABORTED with the signal's reason as its cause.
 */
export async function followRun(
  start: () => Promise<void>,
  control: Int32Array,
  total: number,
  options: PlanRunOptions,
): Promise<void> {
  const { signal, onProgress } = options;
  const aborted = () =>
    new LowbitError('ERR_ABORTED', 'The run was aborted by its AbortSignal', {}, { cause: signal?.reason });
  if (signal?.aborted) throw aborted();
  const abort = () => {
    Atomics.store(control, CANCEL, 1);
  };
  signal?.addEventListener('abort', abort, { once: true });
  let reported = 0;
  const report = () => {
    const done = Atomics.load(control, DONE);
    if (done === reported) return;
    reported = done;
    onProgress?.(done, total);
  };
  const timer = onProgress === undefined ? undefined : setInterval(report, PROGRESS_INTERVAL);
  try {
    await start();
  } catch (error) {
    if (signal?.aborted && error instanceof LowbitError && error.code === 'ERR_ABORTED') throw aborted();
    throw error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', abort);
  }
  if (onProgress !== undefined) report();
}
