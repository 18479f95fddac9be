// What the rest of the package sees of a backend: its tables, and plans that it runs.

export type FieldKind = 'buffer' | 'int' | 'float';

/** A row of native/kernels/ops.inc; a field is one word of the instruction, in this order. */
export interface OpDescription {
  readonly name: string;
  readonly opcode: number;
  readonly fields: readonly { readonly name: string; readonly kind: FieldKind }[];
}

/** A row of native/kernels/kernels.inc. `tile` is rows, columns and depth of the register tile, 0 where there is none. */
export interface KernelDescription {
  readonly slot: string;
  readonly isa: string;
  readonly exactness: 'exact' | 'ulp';
  readonly tile: readonly [number, number, number];
}

/** A row of native/isa/isa.inc; `usable` says whether this build runs it on this machine. */
export interface IsaDescription {
  readonly name: string;
  readonly architecture: string;
  readonly rank: number;
  readonly features: number;
  readonly usable: boolean;
}

export interface PlanOptions {
  /** The highest instruction set that the plan may use; the backend's own by default. */
  readonly isa?: string | undefined;
  /** The most threads that a run may use; by default, and at most, as many as the process may. */
  readonly threads?: number | undefined;
}

export interface PlanRunOptions {
  /** Stops the run soon after it fires; the promise rejects with ERR_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of instructions that are done, and once with all of them. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * A program that was checked and loaded. Several runs may go on at once. Each input and output must have exactly the
 * bytes that the plan declares.
 * Errors: ERR_BAD_ARGUMENT for views of another size, ERR_DISPOSED after dispose(), ERR_ABORTED, ERR_OUT_OF_MEMORY.
 */
export interface BackendPlan {
  /** Runs off the calling thread. Inputs are copied before this returns; outputs are written when the promise resolves. */
  run(inputs: readonly ArrayBufferView[], outputs: readonly ArrayBufferView[], options?: PlanRunOptions): Promise<void>;
  /** Runs on the calling thread, on the memory that was given. */
  runSync(inputs: readonly ArrayBufferView[], outputs: readonly ArrayBufferView[]): void;
  /** Gives the memory back once runs that are under way have ended. Calling it again does nothing. */
  dispose(): void;
}

export type BackendKind = 'native' | 'wasm';

export interface Backend {
  readonly kind: BackendKind;
  readonly version: string;
  /** Usable here, lowest first: `portable`, `x86_avx2`, … */
  readonly isas: readonly string[];
  /** The one in use. */
  readonly isa: string;
  readonly threads: number;
  readonly ops: ReadonlyMap<string, OpDescription>;
  readonly kernels: readonly KernelDescription[];
  /**
   * Loads a plan in the words of native/plan/plan.h (PlanBuilder writes them); both arrays are copied.
   * Errors: ERR_BACKEND for words that do not describe a valid program, ERR_BAD_ARGUMENT for an ISA that is not usable.
   */
  createPlan(words: Int32Array, constants: Uint8Array, options?: PlanOptions): BackendPlan;
}

/** What reports and benchmarks name. */
export interface BackendInfo {
  readonly backend: BackendKind;
  readonly version: string;
  readonly isa: string;
  readonly isas: readonly string[];
  readonly threads: number;
}
