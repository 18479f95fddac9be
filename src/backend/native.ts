// The native backend: the addon's functions as plans.

import { LowbitError } from '../core/errors.js';
import { type AbiDescription, type AbiResult, type AbiValue, type Handle, readDescription, resultsOf } from './abi.js';
import type { BackendPlan, PlanRunOptions } from './backend.js';
import { type BackendOptions, CANCEL, DescribedBackend, followRun } from './described.js';

/** What build/Release/lowbit.node exports: a function per direct or background row of abi.inc, and its `_async` twin. */
export type Addon = Readonly<Record<string, (...values: AbiValue[]) => AbiResult>> & {
  readonly plan_run_async: (...values: AbiValue[]) => Promise<AbiResult>;
};

/** The addon as a backend; `where` names its file in errors, `version` is the one that it must have. */
export class NativeBackend extends DescribedBackend {
  readonly kind = 'native';
  readonly threads: number;
  readonly #addon: Addon;

  constructor(addon: Addon, where: string, version: string | undefined, options: BackendOptions = {}) {
    super(readDescription(functionOf(addon, 'describe')(), version, where), options);
    this.#addon = addon;
    this.threads = this.call('threads', options.threads ?? 0)[0] as number;
  }

  /** Calls a row of abi.inc on this thread; its results. Tools and tests use it for rows that plans do not. */
  call(name: string, ...values: AbiValue[]): readonly unknown[] {
    return resultsOf(name, functionOf(this.#addon, name)(...values), this.description.statuses);
  }

  protected loadPlan(words: Int32Array, constants: Uint8Array, isa: string): BackendPlan {
    const [handle] = this.call('plan_create', words, constants, new TextEncoder().encode(isa)) as [Handle];
    return new NativePlan(this.#addon, this.description, handle, words[3] as number);
  }
}

function functionOf(addon: Addon, name: string): (...values: AbiValue[]) => AbiResult {
  const found = addon[name];
  if (found === undefined) throw new LowbitError('ERR_BACKEND', `The native addon has no function '${name}'`);
  return found;
}

/** The control words of runs that are under way. A process that exits must not wait for them. */
const underWay = new Set<Int32Array>();
let exitIsWatched = false;

function watchExit(): void {
  if (exitIsWatched) return;
  exitIsWatched = true;
  process.on('exit', () => {
    for (const control of underWay) Atomics.store(control, CANCEL, 1);
  });
}

class NativePlan implements BackendPlan {
  readonly #addon: Addon;
  readonly #description: AbiDescription;
  readonly #handle: Handle;
  readonly #instructions: number;
  #disposed = false;

  constructor(addon: Addon, description: AbiDescription, handle: Handle, instructions: number) {
    this.#addon = addon;
    this.#description = description;
    this.#handle = handle;
    this.#instructions = instructions;
  }

  async run(
    inputs: readonly ArrayBufferView[],
    outputs: readonly ArrayBufferView[],
    options: PlanRunOptions = {},
  ): Promise<void> {
    this.#check();
    watchExit();
    const control = new Int32Array(2);
    underWay.add(control);
    try {
      const start = async () => {
        const result = await this.#addon.plan_run_async(this.#handle, inputs, outputs, control);
        resultsOf('plan_run', result, this.#description.statuses);
      };
      await followRun(start, control, this.#instructions, options);
    } finally {
      underWay.delete(control);
    }
  }

  runSync(inputs: readonly ArrayBufferView[], outputs: readonly ArrayBufferView[]): void {
    this.#check();
    const result = functionOf(this.#addon, 'plan_run')(this.#handle, inputs, outputs, undefined);
    resultsOf('plan_run', result, this.#description.statuses);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    resultsOf('plan_destroy', functionOf(this.#addon, 'plan_destroy')(this.#handle), this.#description.statuses);
  }

  #check(): void {
    if (this.#disposed) throw new LowbitError('ERR_DISPOSED', 'The plan was used after dispose()');
  }
}
