// The worker that runs plans of WebAssembly off the caller's thread: Node's worker_threads, or the web's Worker.

import { LowbitError } from '../core/errors.js';
import type { AbiResult, FunctionDescription } from './abi.js';
import { nodeWorker } from './location.js';
import { instantiateWasm, serveWasm, type WasmReply, type WasmRequest } from './wasm-instance.js';
import { startThreads, THREAD_SOURCE } from './wasm-threads.js';

/** The code of the warning that asynchronous runs block their thread, once per page or worker. */
export const NO_WORKER_WARNING = 'LOWBIT_NO_WORKER';

/** The little that both kinds of worker have in common. */
interface Channel {
  send(request: WasmRequest, transfer: ArrayBuffer[]): void;
  /** Whether runs are under way, for which the process must stay. */
  hold(busy: boolean): void;
}

interface Pending {
  readonly resolve: (reply: WasmReply) => void;
  readonly reject: (error: LowbitError) => void;
}

const NODE_PORT = `(() => {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const port = { post: (reply, transfer) => parentPort.postMessage(reply, transfer), listen: (f) => parentPort.on('message', f) };
  return { port, data: Promise.resolve(workerData) };
})()`;

const WEB_PORT = `(() => {
  let listener = () => {};
  let begin;
  const data = new Promise((resolve) => { begin = resolve; });
  const waiting = [];
  self.onmessage = ({ data }) => { begin(data); self.onmessage = (event) => waiting.push(event.data); };
  self.postMessage('ready');
  const port = {
    post: (reply, transfer) => self.postMessage(reply, transfer),
    listen: (f) => { listener = f; waiting.forEach(f); self.onmessage = (event) => listener(event.data); },
  };
  return { port, data };
})()`;

function sourceOf(host: string): string {
  return `const instantiateWasm = ${instantiateWasm.toString()};
const serveWasm = ${serveWasm.toString()};
const startThreads = ${startThreads.toString()};
const { port, data } = ${host};
data.then(({ module, functions, threads, threadSource }) => {
  const instance = instantiateWasm(module);
  serveWasm(instance, functions, port, startThreads(instance, functions, threads, threadSource));
});`;
}

/** Started by the first run, kept for the next ones; it never keeps the process alive while it has nothing to do. */
export class WasmWorker {
  readonly #module: WebAssembly.Module;
  readonly #functions: readonly FunctionDescription[];
  readonly #threads: number;
  readonly #pending = new Map<number, Pending>();
  readonly #loaded = new Set<number>();
  #channel: Channel | undefined;
  /** Browsers only: whether the page's policy lets the worker start; it is known when the worker has said so. */
  #allowed: Promise<boolean> | undefined;
  #runs = 0;

  constructor(module: WebAssembly.Module, functions: readonly FunctionDescription[], threads: number) {
    this.#module = module;
    this.#functions = functions;
    this.#threads = threads;
  }

  /**
   * Whether runs can go to a worker: undefined in Node, where they always can. A page's Content-Security-Policy may
   * forbid workers from blobs; then runs go on the calling thread, and one warning says so.
   */
  get allowed(): Promise<boolean> | undefined {
    if (nodeWorker === undefined) this.#channel ??= this.#start();
    return this.#allowed;
  }

  /** Runs a plan; `load` gives what the worker needs when it does not have the plan yet. */
  run(
    plan: number,
    load: () => Extract<WasmRequest, { kind: 'load' }>,
    inputs: readonly Uint8Array[],
    outputBytes: readonly number[],
    control: Int32Array,
  ): Promise<WasmReply> {
    this.#channel ??= this.#start();
    if (!this.#loaded.has(plan)) {
      this.#loaded.add(plan);
      this.#channel.send(load(), []);
    }
    const run = this.#runs++;
    const channel = this.#channel;
    return new Promise<WasmReply>((resolve, reject) => {
      this.#pending.set(run, { resolve, reject });
      channel.hold(true);
      const transfer = inputs.map(({ buffer }) => buffer as ArrayBuffer);
      channel.send({ kind: 'run', plan, run, inputs, outputBytes, control }, transfer);
    });
  }

  drop(plan: number): void {
    if (this.#loaded.delete(plan)) this.#channel?.send({ kind: 'drop', plan }, []);
  }

  #receive(reply: WasmReply): void {
    const pending = this.#pending.get(reply.run);
    this.#pending.delete(reply.run);
    if (this.#pending.size === 0) this.#channel?.hold(false);
    pending?.resolve(reply);
  }

  /** The worker died: what it owed fails, and the next run starts another. */
  #fail(cause: unknown): void {
    this.#channel = undefined;
    this.#loaded.clear();
    const error = new LowbitError('ERR_BACKEND', `The WebAssembly worker ended: ${String(cause)}`, {}, { cause });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #start(): Channel {
    const threads = { threads: this.#threads, threadSource: THREAD_SOURCE };
    const data = { module: this.#module, functions: this.#functions, ...threads };
    return nodeWorker === undefined ? this.#startWeb(data) : this.#startNode(nodeWorker, data);
  }

  #startNode({ Worker }: typeof import('node:worker_threads'), data: object): Channel {
    // The process's own flags (loaders, --input-type) are not for this source.
    const worker = new Worker(sourceOf(NODE_PORT), { eval: true, workerData: data, execArgv: [], name: 'lowbit' });
    worker.on('message', (reply: WasmReply) => this.#receive(reply));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => this.#fail(`exit code ${code}`));
    worker.unref();
    return {
      send: (request, transfer) => worker.postMessage(request, transfer),
      hold: (busy) => (busy ? worker.ref() : worker.unref()),
    };
  }

  #startWeb(data: object): Channel {
    const url = URL.createObjectURL(new Blob([sourceOf(WEB_PORT)], { type: 'text/javascript' }));
    let worker: Worker;
    try {
      worker = new Worker(url);
    } catch {
      // Some engines refuse here, others by an event.
      this.#allowed = Promise.resolve(this.#refused());
      return { send: () => {}, hold: () => {} };
    }
    this.#allowed = new Promise((resolve) => {
      worker.onmessage = () => {
        URL.revokeObjectURL(url);
        worker.onmessage = ({ data: reply }: MessageEvent<WasmReply>) => this.#receive(reply);
        worker.onerror = ({ message }) => this.#fail(message);
        resolve(true);
      };
      worker.onerror = () => resolve(this.#refused());
    });
    worker.postMessage(data);
    return { send: (request, transfer) => worker.postMessage(request, transfer), hold: () => {} };
  }

  #refused(): false {
    console.warn(
      `[${NO_WORKER_WARNING}] lowbit runs on the calling thread, which stands still meanwhile: the page does not allow ` +
        `workers from blobs; add blob: to worker-src of its Content-Security-Policy`,
    );
    return false;
  }
}

/** status and detail of a reply; a trap is an error of its own. */
export function resultOfReply(reply: WasmReply): AbiResult {
  if (reply.trap === undefined) return reply.result;
  throw new LowbitError('ERR_BACKEND', `The WebAssembly module trapped: ${reply.trap}`);
}
