// The WebAssembly backend: synchronous runs on the caller's instance, asynchronous ones in a worker.

import { LowbitError } from '../core/errors.js';
import {
  type AbiResult,
  type AbiValue,
  type FunctionDescription,
  type Handle,
  readDescription,
  resultsOf,
} from './abi.js';
import type { BackendPlan, PlanRunOptions } from './backend.js';
import { type BackendOptions, DescribedBackend, DONE, followRun } from './described.js';
import { machineThreads } from './processors.js';
import { instantiateWasm, type WasmInstance } from './wasm-instance.js';
import { startThreads, THREAD_SOURCE } from './wasm-threads.js';
import { resultOfReply, WasmWorker } from './wasm-worker.js';

/** The row of abi.inc that gives all the others. */
const DESCRIBE: FunctionDescription = {
  name: 'describe',
  mode: 'direct',
  arguments: [{ name: 'json', kind: 'out_bytes' }],
};

function invoke(instance: WasmInstance, row: FunctionDescription, values: readonly AbiValue[]): AbiResult {
  try {
    return instance.call(row, values);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      throw new LowbitError(
        'ERR_BACKEND',
        `The WebAssembly module trapped in ${row.name}: ${error.message}`,
        {},
        { cause: error },
      );
    }
    throw error;
  }
}

/** A page's own thread must not wait for others, so what it computes itself it computes alone. */
const MAY_WAIT = (globalThis as { document?: unknown }).document === undefined;

/**
 * A module of wasm/build.mjs as a backend; `where` names its file in errors, `version` is the one that it must have.
 * Without shared memory in the module it has one thread, whatever the options say.
 */
export class WasmBackend extends DescribedBackend {
  readonly kind = 'wasm';
  readonly threads: number;
  readonly #instance: WasmInstance;
  readonly #worker: WasmWorker;
  readonly #beginThreads: () => void;
  /** Frees plans that were never disposed of. */
  readonly #forgotten: FinalizationRegistry<() => void>;
  #plans = 0;

  constructor(module: WebAssembly.Module, where: string, version: string | undefined, options: BackendOptions = {}) {
    const instance = instantiateWasm(module);
    super(readDescription(invoke(instance, DESCRIBE, []), version, where), options);
    const { functions } = this.description;
    this.threads = WebAssembly.Module.imports(module).length > 0 ? (options.threads ?? machineThreads()) : 1;
    this.#instance = instance;
    this.#beginThreads = startThreads(instance, functions, MAY_WAIT ? this.threads : 1, THREAD_SOURCE);
    this.#worker = new WasmWorker(module, functions, this.threads);
    this.#forgotten = new FinalizationRegistry((free) => free());
  }

  /** Runs a loaded plan on this thread, with the help of others. */
  runPlan(handle: Handle, inputs: readonly ArrayBufferView[], outputs: readonly ArrayBufferView[]): void {
    this.#beginThreads();
    this.call('plan_run', handle, inputs, outputs, undefined);
  }

  /** Calls a row of abi.inc on this thread; its results. Tools and tests use it for rows that plans do not. */
  call(name: string, ...values: AbiValue[]): readonly unknown[] {
    const row = this.description.functions.find((known) => known.name === name);
    if (row === undefined) throw new LowbitError('ERR_BACKEND', `The WebAssembly module has no function '${name}'`);
    return resultsOf(name, invoke(this.#instance, row, values), this.description.statuses);
  }

  protected loadPlan(words: Int32Array, constants: Uint8Array, isa: string): BackendPlan {
    const name = new TextEncoder().encode(isa);
    const [handle] = this.call('plan_create', words, constants, name) as [Handle];
    const number = this.#plans++;
    const source = { words: words.slice(), constants: constants.slice(), isa: name };
    const free = () => {
      this.call('plan_destroy', handle);
      this.#worker.drop(number);
    };
    const unregister = {};
    const plan = new WasmPlan(this, this.#worker, handle, number, source, () => {
      this.#forgotten.unregister(unregister);
      free();
    });
    this.#forgotten.register(plan, free, unregister);
    return plan;
  }
}

interface PlanSource {
  readonly words: Int32Array;
  readonly constants: Uint8Array;
  readonly isa: Uint8Array;
}

class WasmPlan implements BackendPlan {
  readonly #backend: WasmBackend;
  readonly #worker: WasmWorker;
  readonly #handle: Handle;
  readonly #number: number;
  readonly #free: () => void;
  #source: PlanSource | undefined;

  constructor(
    backend: WasmBackend,
    worker: WasmWorker,
    handle: Handle,
    number: number,
    source: PlanSource,
    free: () => void,
  ) {
    this.#backend = backend;
    this.#worker = worker;
    this.#handle = handle;
    this.#number = number;
    this.#source = source;
    this.#free = free;
  }

  async run(
    inputs: readonly ArrayBufferView[],
    outputs: readonly ArrayBufferView[],
    options: PlanRunOptions = {},
  ): Promise<void> {
    const source = this.#live();
    // Without SharedArrayBuffer (a page that is not isolated) the worker has a copy, which says nothing while it runs.
    const shared = typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(8) : new SharedArrayBuffer(8);
    const control = new Int32Array(shared);
    const copies = inputs.map(copyOf);
    const sizes = outputs.map(({ byteLength }) => byteLength);
    const start = async () => {
      const { allowed } = this.#worker;
      if (allowed !== undefined && !(await allowed)) {
        this.#backend.runPlan(this.#liveHandle(), copies, outputs);
        this.#catchUp(control, source.words[3] as number, options);
        return;
      }
      this.#live();
      const load = () => ({ kind: 'load', plan: this.#number, ...source }) as const;
      const reply = await this.#worker.run(this.#number, load, copies, sizes, control);
      resultsOf('plan_run', resultOfReply(reply), this.#backend.description.statuses);
      if (shared instanceof ArrayBuffer) this.#catchUp(control, source.words[3] as number, options);
      outputs.forEach((view, i) => {
        if (view.byteLength !== sizes[i]) {
          throw new LowbitError('ERR_BAD_ARGUMENT', `Output ${i} was detached or resized during the run`);
        }
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(reply.outputs[i] as Uint8Array);
      });
    };
    await followRun(start, control, source.words[3] as number, options);
  }

  /** What a run without shared memory learns at its end: an abort still drops the results, and all is done. */
  #catchUp(control: Int32Array, total: number, { signal }: PlanRunOptions): void {
    if (signal?.aborted) {
      throw new LowbitError('ERR_ABORTED', 'The run was aborted by its AbortSignal', {}, { cause: signal.reason });
    }
    control[DONE] = total;
  }

  runSync(inputs: readonly ArrayBufferView[], outputs: readonly ArrayBufferView[]): void {
    this.#live();
    this.#backend.runPlan(this.#handle, inputs, outputs);
  }

  dispose(): void {
    if (this.#source === undefined) return;
    this.#source = undefined;
    this.#free();
  }

  #liveHandle(): Handle {
    this.#live();
    return this.#handle;
  }

  #live(): PlanSource {
    if (this.#source !== undefined) return this.#source;
    throw new LowbitError('ERR_DISPOSED', 'The plan was used after dispose()');
  }
}

function copyOf(view: ArrayBufferView): Uint8Array {
  const copy = new Uint8Array(view.byteLength);
  copy.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return copy;
}
