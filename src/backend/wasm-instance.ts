// One instance of the WebAssembly module and its marshaller, and the worker that runs plans beside the caller.
//
// `instantiateWasm`, `serveWasm` and `serveThread` are sent to workers as text (Function.prototype.toString), so that the same code runs
// from src/, from dist/ and from a bundle without a second file to find. They must not refer to anything outside
// themselves but globals and types.

import type { AbiResult, AbiValue, ArgumentKind, FunctionDescription } from './abi.js';

export interface WasmInstance {
  /** Calls a row of abi.inc. Traps of the module are thrown as WebAssembly.RuntimeError. */
  call(row: Pick<FunctionDescription, 'name' | 'arguments'>, values: readonly AbiValue[]): AbiResult;
  /** What `count` threads need to help this instance, or fewer when there is no memory for more; none if it is not shared. */
  lend(count: number): LentThread[];
}

/** What serveThread gets. Addresses are of the shared memory. */
export interface LentThread {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly stackEnd: number;
  readonly locals: number;
  readonly struct: number;
}

/**
 * The module imports nothing, or the memory that it shares with the threads that are lent to it. Every call goes through
 * a struct of arguments in the memory (native/abi/abi.h).
 */
export function instantiateWasm(module: WebAssembly.Module): WasmInstance {
  const OUT_OF_MEMORY = 2; // status.inc
  const WORD = 4;
  const DETAIL_BYTES = 200; // Detail in abi.h
  const WORDS: Readonly<Record<ArgumentKind, number>> = {
    in_int: 1,
    in_bytes: 2,
    in_list: 2,
    out_list: 2,
    control: 2,
    plan: 1,
    run: 1,
    end_plan: 1,
    end_run: 1,
    out_int: 1,
    out_bytes: 2,
    out_plan: 1,
    out_run: 1,
  };
  // Pages of a shared memory, as wasm/sources.mjs has them. A host may lack the addresses for the most of them.
  const INITIAL_PAGES = 32;
  const MOST_PAGES = 65_536;
  const LEAST_PAGES = 4_096;
  const STACK_BYTES = 512 * 1024; // of a lent thread, which only runs tasks
  const sharedMemory = (maximum: number): WebAssembly.Memory => {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    } catch (error) {
      if (maximum <= LEAST_PAGES) throw error;
      return sharedMemory(maximum / 2);
    }
  };
  const shared = WebAssembly.Module.imports(module).length > 0 ? sharedMemory(MOST_PAGES) : undefined;
  const imports = shared === undefined ? {} : { env: { memory: shared } };
  const exports = new WebAssembly.Instance(module, imports).exports as unknown as {
    readonly memory?: WebAssembly.Memory;
    readonly malloc: (bytes: number) => number;
    readonly free: (address: number) => void;
    readonly _initialize?: () => void;
    readonly __tls_size?: WebAssembly.Global;
  } & Readonly<Record<string, (address: number) => number>>;
  const memory = shared ?? (exports.memory as WebAssembly.Memory);
  exports._initialize?.();

  /** What a call borrowed: memory to free, and outputs to copy to the caller's views. */
  interface Loan {
    readonly blocks: number[];
    readonly outputs: { readonly view: ArrayBufferView; readonly address: number }[];
  }
  /** Loans of runs that have begun, by the address of the run: they end with the run. */
  const running = new Map<number, Loan>();

  const bytesAt = (address: number, length: number) => new Uint8Array(memory.buffer, address, length);
  const wordsAt = (address: number, length: number) => new Uint32Array(memory.buffer, address, length);

  /** An address of that many bytes; throws `loan` itself when the memory cannot grow, which `call` turns into a status. */
  const allocate = (loan: Loan, bytes: number): number => {
    const address = exports.malloc(bytes) >>> 0;
    if (address === 0) throw loan;
    loan.blocks.push(address);
    return address;
  };
  const copyIn = (loan: Loan, view: ArrayBufferView): number => {
    const address = allocate(loan, view.byteLength);
    bytesAt(address, view.byteLength).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    return address;
  };
  const list = (loan: Loan, views: readonly ArrayBufferView[], written: boolean): [number, number] => {
    const slices = views.flatMap((view) => {
      const address = written ? allocate(loan, view.byteLength) : copyIn(loan, view);
      if (written) loan.outputs.push({ view, address });
      return [address, view.byteLength];
    });
    const table = allocate(loan, slices.length * WORD);
    wordsAt(table, slices.length).set(slices);
    return [table, views.length];
  };
  const wordsOf = (loan: Loan, kind: ArgumentKind, value: AbiValue): [number, number] => {
    switch (kind) {
      case 'in_bytes':
        return [copyIn(loan, value as ArrayBufferView), (value as ArrayBufferView).byteLength];
      case 'in_list':
      case 'out_list':
        return list(loan, value as readonly ArrayBufferView[], kind === 'out_list');
      case 'control':
        return [0, 0];
      default:
        return [value as number, 0];
    }
  };
  const settle = (loan: Loan, deliver: boolean): void => {
    if (deliver) {
      for (const { view, address } of loan.outputs) {
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytesAt(address, view.byteLength));
      }
    }
    for (const address of loan.blocks) exports.free(address);
  };
  const textAt = (address: number): string => {
    const bytes = bytesAt(address, DETAIL_BYTES);
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, end < 0 ? DETAIL_BYTES : end));
  };

  const call: WasmInstance['call'] = (row, values) => {
    const loan: Loan = { blocks: [], outputs: [] };
    let kept = false;
    let status = OUT_OF_MEMORY;
    try {
      const size = row.arguments.reduce((sum, { kind }) => sum + WORDS[kind], 0);
      const struct = allocate(loan, size * WORD + DETAIL_BYTES);
      bytesAt(struct, size * WORD + DETAIL_BYTES).fill(0);
      let at = struct;
      let value = 0;
      let ended: number | undefined;
      for (const { kind } of row.arguments) {
        if (!kind.startsWith('out_') || kind === 'out_list') {
          const given = values[value++];
          if (kind === 'end_run') ended = given as number;
          const [first, second] = wordsOf(loan, kind, given);
          const words = wordsAt(at, 2);
          words[0] = first;
          if (WORDS[kind] === 2) words[1] = second;
        }
        at += WORDS[kind] * WORD;
      }
      status = (exports[`lowbit_${row.name}`] as (address: number) => number)(struct);
      const results: unknown[] = [];
      at = struct;
      for (const { kind } of row.arguments) {
        const [first = 0, second = 0] = wordsAt(at, 2);
        if (kind === 'out_int') results.push(first | 0);
        else if (kind === 'out_bytes') results.push(bytesAt(first, second).slice());
        else if (kind === 'out_plan' || kind === 'out_run') results.push(first);
        if (kind === 'out_run' && status === 0) {
          running.set(first, loan);
          kept = true;
        }
        at += WORDS[kind] * WORD;
      }
      const detail = textAt(struct + size * WORD);
      if (ended !== undefined && status === 0) {
        const begun = running.get(ended);
        running.delete(ended);
        if (begun !== undefined) settle(begun, true);
      }
      return [status, detail, ...results];
    } catch (error) {
      if (error !== loan) throw error;
      return [OUT_OF_MEMORY, ''];
    } finally {
      if (!kept) settle(loan, status === 0);
    }
  };

  const lend: WasmInstance['lend'] = (count) => {
    const threads: LentThread[] = [];
    while (shared !== undefined && threads.length < count) {
      // One block that stays: the arguments of donate_thread, the word that would stop it (never set: a host ends its
      // threads from outside), the thread-local variables, the stack.
      const locals = 2 * WORD + DETAIL_BYTES + 2 * WORD;
      const stack = Math.ceil((locals + Number(exports.__tls_size?.value)) / 16) * 16;
      const struct = exports.malloc(stack + STACK_BYTES) >>> 0;
      if (struct === 0) break;
      bytesAt(struct, stack).fill(0);
      wordsAt(struct, 2).set([struct + locals - 2 * WORD, 2 * WORD]);
      threads.push({ module, memory: shared, struct, locals: struct + locals, stackEnd: struct + stack + STACK_BYTES });
    }
    return threads;
  };
  return { call, lend };
}

/**
 * In a thread of its own: helps the instance that lent it what it needs, until the thread is ended. A trap ends it too: the
 * run that it helped with then fails, and later ones do without it.
 */
export function serveThread({ module, memory, stackEnd, locals, struct }: LentThread): void {
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as {
    readonly __stack_pointer: WebAssembly.Global;
    readonly __wasm_init_tls: (address: number) => void;
    readonly lowbit_donate_thread: (struct: number) => number;
    readonly lowbit_lose_thread: () => void;
  };
  exports.__stack_pointer.value = stackEnd;
  exports.__wasm_init_tls(locals);
  try {
    exports.lowbit_donate_thread(struct);
  } catch {
    exports.__stack_pointer.value = stackEnd;
    exports.lowbit_lose_thread();
  }
}

/** To the worker: load a plan under a number, run it, forget it. */
export type WasmRequest =
  | {
      readonly kind: 'load';
      readonly plan: number;
      readonly words: Int32Array;
      readonly constants: Uint8Array;
      readonly isa: Uint8Array;
    }
  | {
      readonly kind: 'run';
      readonly plan: number;
      readonly run: number;
      readonly inputs: readonly Uint8Array[];
      readonly outputBytes: readonly number[];
      readonly control: Int32Array;
    }
  | { readonly kind: 'drop'; readonly plan: number };

/** From the worker: how a run ended. `trap` is the message of a trap of the module. */
export interface WasmReply {
  readonly run: number;
  readonly result: AbiResult;
  readonly outputs: readonly Uint8Array[];
  readonly trap?: string;
}

/** The port of a worker, the same for Node's and the web's. */
export interface WasmPort {
  post(reply: WasmReply, transfer: ArrayBuffer[]): void;
  listen(listener: (request: WasmRequest) => void): void;
}

/**
 * Serves requests with an instance of its own, which `begin` gives threads before its first run. A run goes in slices of
 * instructions, between which it looks whether it was cancelled and says how far it is.
 */
export function serveWasm(
  instance: WasmInstance,
  functions: readonly FunctionDescription[],
  port: WasmPort,
  begin: () => void,
): void {
  const CANCELLED = 1; // status.inc
  const SLICE_MS = 10; // an abort is seen about this soon, unless one instruction takes longer
  const row = (name: string) => functions.find((known) => known.name === name) as FunctionDescription;
  const plans = new Map<number, AbiResult>();

  const execute = (
    plan: number,
    inputs: readonly Uint8Array[],
    outputs: readonly Uint8Array[],
    control: Int32Array,
  ): AbiResult => {
    const loaded = plans.get(plan) as AbiResult;
    if (loaded[0] !== 0) return loaded;
    const begun = instance.call(row('run_begin'), [loaded[2] as number, inputs, outputs]);
    if (begun[0] !== 0) return begun;
    const run = begun[2] as number;
    let result: AbiResult = begun;
    let count = 1;
    for (let left = 1; left > 0; ) {
      if (Atomics.load(control, 0) !== 0) {
        result = [CANCELLED, ''];
        break;
      }
      const start = performance.now();
      result = instance.call(row('run_step'), [run, count]);
      if (result[0] !== 0) break;
      left = result[2] as number;
      Atomics.add(control, 1, count);
      const took = performance.now() - start;
      if (took < SLICE_MS / 4) count *= 2;
      else if (took > SLICE_MS && count > 1) count = Math.ceil(count / 2);
      count = Math.max(1, Math.min(count, left));
    }
    instance.call(row('run_end'), [run]);
    return result;
  };

  port.listen((request) => {
    switch (request.kind) {
      case 'load':
        plans.set(request.plan, instance.call(row('plan_create'), [request.words, request.constants, request.isa]));
        break;
      case 'drop': {
        const loaded = plans.get(request.plan);
        plans.delete(request.plan);
        if (loaded?.[0] === 0) instance.call(row('plan_destroy'), [loaded[2] as number]);
        break;
      }
      case 'run': {
        const outputs = request.outputBytes.map((bytes) => new Uint8Array(bytes));
        let result: AbiResult = [0, ''];
        let trap: string | undefined;
        try {
          begin();
          result = execute(request.plan, request.inputs, outputs, request.control);
        } catch (error) {
          trap = String(error);
        }
        const reply: WasmReply = { run: request.run, result: [result[0], result[1]], outputs };
        port.post(
          trap === undefined ? reply : { ...reply, trap },
          outputs.map(({ buffer }) => buffer as ArrayBuffer),
        );
      }
    }
  });
}
