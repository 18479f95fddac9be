// Threads that help an instance of the WebAssembly module: Node's worker_threads, or Workers of an isolated page.

import type { FunctionDescription } from './abi.js';
import { type LentThread, serveThread, type WasmInstance } from './wasm-instance.js';

/** What a thread runs, in Node and in browsers. */
export const THREAD_SOURCE = `const serveThread = ${serveThread.toString()};
const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
if (node !== undefined) serveThread(node.workerData);
else self.onmessage = ({ data }) => serveThread(data);`;

/**
 * Sets the thread limit of an instance, and gives what is to be called before each run: the first time it starts the
 * threads, which sleep while there is nothing to do and never keep the process. Runs do not wait for them to start.
 * Sent to workers as text, like the functions of wasm-instance.ts.
 */
export function startThreads(
  instance: WasmInstance,
  functions: readonly FunctionDescription[],
  threads: number,
  source: string,
): () => void {
  type Host = { readonly process?: { getBuiltinModule?(name: string): typeof import('node:worker_threads') } };
  const row = functions.find(({ name }) => name === 'threads') as FunctionDescription;
  if (threads > 1) instance.call(row, [threads]);
  let missing = threads - 1;

  const start = (data: LentThread): void => {
    const node = (globalThis as Host).process?.getBuiltinModule?.('node:worker_threads');
    if (node === undefined) {
      const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
      new Worker(url).postMessage(data);
      return;
    }
    const worker = new node.Worker(source, { eval: true, workerData: data, execArgv: [], name: 'lowbit thread' });
    worker.unref();
  };
  return () => {
    const count = missing;
    missing = 0;
    if (count > 0) for (const data of instance.lend(count)) start(data);
  };
}
