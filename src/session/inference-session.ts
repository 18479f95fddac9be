// InferenceSession: a model that is ready to run, in the shape of onnxruntime's API.

import { Tensor } from 'onnxruntime-common';
import type { Backend, BackendInfo, BackendKind } from '../backend/backend.js';
import { fetchModule } from '../backend/fetch.js';
import { backendInfo, environmentThreads, loadBackend, loadBackendOf, MAX_THREADS } from '../backend/load.js';
import type { TypedArray } from '../core/dtype.js';
import { LowbitError, throwIfAborted } from '../core/errors.js';
import type { Dim } from '../core/shape.js';
import type { Graph } from '../ir/graph.js';
import type { CompiledPlan, PlanFeeds, PlanResult } from '../runtime/plan.js';
import { type CheckedFeed, checkFeeds, type Feeds, type InputSpec, type TensorLike } from './feeds.js';
import { describeValue, isBuffer, type ModelSource, openModel } from './open.js';
import { Planner, type PlanRequest } from './planner.js';

export interface SessionOptions {
  /** A backend, or its kind; by default the one that LOWBIT_BACKEND or the machine decides. */
  readonly backend?: Backend | BackendKind | undefined;
  /** The highest instruction set to use, such as 'x86_avx2'. */
  readonly isa?: string | undefined;
  /**
   * The most threads that a run of this session may use, itself included (default: as many as the process may, which
   * LOWBIT_THREADS or the processors of the machine and the limits of its container decide).
   */
  readonly threads?: number | undefined;
  /** Fold and fuse the graph before it runs (default true). */
  readonly optimize?: boolean | undefined;
  /** Plans that are kept, one per set of input shapes (default 8). */
  readonly planCacheSize?: number | undefined;
}

export interface RunOptions {
  /** Stops the run; the promise rejects with ERR_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of instructions that are done, and how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Names of values, or an object whose keys are names: null asks for a new tensor, a tensor is filled. */
export type Fetches = readonly string[] | Readonly<Record<string, TensorLike | null>>;

export type RunResult = Record<string, Tensor>;

/** What is known of an input or an output. A dimension is a number, or the name of one that a run decides. */
export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: Tensor.Type;
  readonly shape: readonly Dim[];
}

/**
 * A model and its plans. Sessions are independent; any number of runs may go on at once.
 * Errors of every method: ERR_DISPOSED after dispose().
 */
export class InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  readonly #planner: Planner;
  readonly #inputs: readonly InputSpec[];
  #disposed = false;

  private constructor(planner: Planner) {
    const { graph } = planner;
    this.#planner = planner;
    this.#inputs = inputSpecs(graph);
    this.inputNames = [...graph.inputs];
    this.outputNames = [...graph.outputs];
    this.inputMetadata = metadataOf(graph, graph.inputs);
    this.outputMetadata = metadataOf(graph, graph.outputs);
  }

  /**
   * Reads, optimizes and compiles a model; weights are packed in the background.
   * `model` is a path (not in browsers), the bytes of a file (which must not change afterwards), or a graph.
   * Errors: ERR_IO, ERR_BAD_FILE, ERR_BAD_MODEL, ERR_UNSUPPORTED (lists everything that is not supported, with node
   * names), ERR_BAD_ARGUMENT, ERR_BACKEND_UNAVAILABLE.
   */
  static async create(model: ModelSource, options?: SessionOptions): Promise<InferenceSession>;
  static async create(
    model: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    model: ModelSource,
    second?: SessionOptions | number,
    third?: number,
    fourth?: SessionOptions,
  ): Promise<InferenceSession> {
    const options = (typeof second === 'number' ? fourth : second) ?? {};
    const source = typeof second === 'number' ? sliceOf(model, second, third) : model;
    requireCount(options.planCacheSize, 'planCacheSize', Number.MAX_SAFE_INTEGER);
    requireCount(options.threads, 'threads', MAX_THREADS);
    const graph = await openModel(source, options);
    if (typeof options.backend !== 'object') await fetchModule();
    const session = new InferenceSession(new Planner(graph, backendOf(options.backend), options));
    await session.#warm();
    return session;
  }

  /** The backend that runs it. */
  get backend(): Backend {
    return this.#planner.backend;
  }

  /** Backend, version, instruction set and threads. */
  backendInfo(): BackendInfo {
    return backendInfo(this.#planner.backend);
  }

  /**
   * Runs the model off the JavaScript thread. `feeds` are tensors by input name; `fetches` (default: all outputs) may name
   * any value of the optimized graph. Feeds are read before the first await ends a turn: they may be reused afterwards.
   * Errors: ERR_BAD_FEED, ERR_BAD_ARGUMENT (fetches), ERR_ABORTED, ERR_UNSUPPORTED (shapes that cannot be planned).
   */
  async run(feeds: Feeds, options?: RunOptions): Promise<RunResult>;
  async run(feeds: Feeds, fetches: Fetches | undefined, options?: RunOptions): Promise<RunResult>;
  async run(feeds: Feeds, second?: Fetches | RunOptions, third?: RunOptions): Promise<RunResult> {
    const { fetches, options } = this.#split(second, third);
    throwIfAborted(options.signal);
    const { request, plain } = this.#prepare(feeds, fetches);
    const copies = this.#planner.isReady(request) ? plain : copiesOf(plain);
    return this.#planner.use(request, async (plan) => {
      throwIfAborted(options.signal);
      return tensorsOf(plan, await plan.run(copies, options), request.outputs, fetches);
    });
  }

  /** The same on the calling thread, for workers. */
  runSync(feeds: Feeds, fetches?: Fetches): RunResult {
    const { request, plain } = this.#prepare(feeds, fetches);
    return this.#planner.useSync(request, (plan) => tensorsOf(plan, plan.runSync(plain), request.outputs, fetches));
  }

  /** The instructions of the plan for these feeds, with layouts and bytes. */
  async describe(feeds: Feeds): Promise<string> {
    const { request } = this.#prepare(feeds, undefined);
    return this.#planner.use(request, async (plan) => plan.describe());
  }

  /** Frees the plans and the weights; runs that are under way end first. Calling it again does nothing. */
  dispose(): void {
    this.#disposed = true;
    this.#planner.dispose();
  }

  /** As in onnxruntime: dispose(). */
  async release(): Promise<void> {
    this.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Makes the plan that the first run will most likely want. */
  async #warm(): Promise<void> {
    const usual = this.#planner.usualShapes();
    if (usual === undefined) return;
    try {
      await this.#planner.use(usual, async () => {});
    } catch (error) {
      // A model may be wrong for a batch of 1 and right for the batch that it will be fed.
      const open = this.inputMetadata.some(({ shape }) => shape.some((dim) => typeof dim === 'string'));
      if (!(open && error instanceof LowbitError && error.code === 'ERR_BAD_MODEL')) throw error;
    }
  }

  #prepare(feeds: Feeds, fetches: Fetches | undefined): { request: PlanRequest; plain: Map<string, Uint8Array> } {
    if (this.#disposed) throw new LowbitError('ERR_DISPOSED', 'The session was used after dispose()');
    const checked = checkFeeds(feeds, this.#inputs);
    const outputs = fetches === undefined ? this.outputNames : this.#fetchNames(fetches);
    // Outputs alone share the plan of all outputs.
    const wanted = outputs.every((name) => this.outputNames.includes(name)) ? this.outputNames : outputs;
    return { request: this.#planner.requestOf(checked, wanted), plain: dataOf(checked) };
  }

  #fetchNames(fetches: Fetches): readonly string[] {
    const names = Array.isArray(fetches) ? (fetches as readonly string[]) : Object.keys(fetches);
    const { graph } = this.#planner;
    const made = (name: string): boolean => graph.nodes.some((node) => node.outputs.includes(name));
    for (const name of names) {
      if (typeof name === 'string' && (this.outputNames.includes(name) || graph.inputs.includes(name) || made(name)))
        continue;
      const outputs = this.outputNames.map((output) => `'${output}'`).join(', ');
      throw new LowbitError(
        'ERR_BAD_ARGUMENT',
        `The model has no value '${String(name)}' to fetch; its outputs are ${outputs}`,
        {
          argument: 'fetches',
        },
      );
    }
    return [...new Set(names)];
  }

  /** The second argument is fetches or options, as in onnxruntime. */
  #split(
    second: Fetches | RunOptions | undefined,
    third: RunOptions | undefined,
  ): { fetches: Fetches | undefined; options: RunOptions } {
    if (second === undefined || second === null) return { fetches: undefined, options: third ?? {} };
    if (typeof second !== 'object') {
      throw new LowbitError('ERR_BAD_ARGUMENT', `Fetches are names; found ${describeValue(second)}`, {
        argument: 'fetches',
      });
    }
    const named = Object.keys(second).some((name) => this.outputNames.includes(name));
    if (Array.isArray(second) || third !== undefined || named)
      return { fetches: second as Fetches, options: third ?? {} };
    return { fetches: undefined, options: second as RunOptions };
  }
}

export function inputSpecs(graph: Graph): InputSpec[] {
  return graph.inputs.map((name) => {
    const type = graph.types.get(name);
    if (type === undefined) throw new LowbitError('ERR_UNSUPPORTED', 'The input is no tensor', { tensor: name });
    return { name, dtype: type.dtype, dims: type.dims };
  });
}

const backends = new Map<BackendKind, Backend>();

/** The backend of an option; one per kind for all sessions. Errors: ERR_BAD_ARGUMENT, ERR_BACKEND_UNAVAILABLE. */
export function backendOf(backend: Backend | BackendKind | undefined): Backend {
  if (backend === undefined) return loadBackend();
  if (typeof backend === 'object' && backend !== null && 'createPlan' in backend) return backend;
  if (backend !== 'native' && backend !== 'wasm') {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `Expected 'native', 'wasm' or a backend for backend but received ${describeValue(backend)}`,
      { argument: 'backend' },
    );
  }
  const loaded = backends.get(backend) ?? loadBackendOf(backend, { threads: environmentThreads() });
  backends.set(backend, loaded);
  return loaded;
}

export function dataOf(checked: ReadonlyMap<string, CheckedFeed>): Map<string, Uint8Array> {
  return new Map([...checked].map(([name, { data }]) => [name, data]));
}

function copiesOf(feeds: ReadonlyMap<string, Uint8Array>): PlanFeeds {
  return new Map([...feeds].map(([name, data]) => [name, data.slice()]));
}

function metadataOf(graph: Graph, names: readonly string[]): ValueMetadata[] {
  return names.map((name) => {
    const type = graph.types.get(name);
    return { name, isTensor: true, type: (type?.dtype ?? 'float32') as Tensor.Type, shape: type?.dims ?? [] };
  });
}

function sliceOf(model: ModelSource, byteOffset: number, byteLength: number | undefined): Uint8Array {
  if (!isBuffer(model)) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `An offset needs an ArrayBuffer; found ${describeValue(model)}`, {
      argument: 'model',
    });
  }
  const length = byteLength ?? model.byteLength - byteOffset;
  const fits = Number.isSafeInteger(byteOffset) && Number.isSafeInteger(length) && byteOffset >= 0 && length >= 0;
  if (!fits || byteOffset + length > model.byteLength) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `Bytes ${byteOffset} to ${byteOffset + length} lie outside of the ${model.byteLength} bytes of the buffer`,
      { argument: 'byteOffset' },
    );
  }
  return new Uint8Array(model, byteOffset, length);
}

function tensorsOf(
  plan: CompiledPlan,
  { outputs }: PlanResult,
  made: readonly string[],
  fetches: Fetches | undefined,
): RunResult {
  const result: RunResult = {};
  const names = fetches === undefined ? made : Array.isArray(fetches) ? fetches : Object.keys(fetches);
  for (const name of names as readonly string[]) {
    const { dtype, dims } = plan.outputs.find((output) => output.name === name) as CompiledPlan['outputs'][number];
    const data = outputs.get(name) as TypedArray;
    const given =
      fetches === undefined || Array.isArray(fetches)
        ? undefined
        : (fetches as Record<string, TensorLike | null>)[name];
    if (given !== undefined && given !== null) fill(given, name, dtype, dims, data);
    const owned = given === undefined || given === null ? data : given.data;
    result[name] = new Tensor(dtype as 'float32', owned as Float32Array, dims);
  }
  return result;
}

/** Copies a result into the tensor that the caller gave for it. */
function fill(given: TensorLike, name: string, dtype: string, dims: readonly number[], data: TypedArray): void {
  const view = given.data;
  const fits = given.type === dtype && given.dims.join() === dims.join();
  if (!fits || !ArrayBuffer.isView(view) || view.byteLength !== data.byteLength) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `The tensor for output '${name}' is ${given.type} [${given.dims.join(', ')}]; the result is ${dtype} [${dims.join(', ')}]`,
      { argument: 'fetches' },
    );
  }
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
}

/** Errors: ERR_BAD_ARGUMENT unless the option is absent or an integer from 1 to `most`. */
function requireCount(value: number | undefined, option: string, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) return;
  const range = most === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${most}`;
  throw new LowbitError(
    'ERR_BAD_ARGUMENT',
    `Expected an integer ${range} for ${option} but received ${String(value)}`,
    { argument: option },
  );
}
