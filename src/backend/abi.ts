// The C ABI seen from JavaScript: its description, the shape of a call, and status codes as errors.

import { type ErrorCode, LowbitError } from '../core/errors.js';
import type { IsaDescription, KernelDescription, OpDescription } from './backend.js';

/** The kinds of arguments and results; native/abi/abi.inc says what each means. */
export type ArgumentKind =
  | 'in_int'
  | 'in_bytes'
  | 'in_list'
  | 'out_list'
  | 'control'
  | 'plan'
  | 'run'
  | 'end_plan'
  | 'end_run'
  | 'out_int'
  | 'out_bytes'
  | 'out_plan'
  | 'out_run';

export interface FunctionDescription {
  readonly name: string;
  readonly mode: 'direct' | 'background' | 'hosted';
  readonly arguments: readonly { readonly name: string; readonly kind: ArgumentKind }[];
}

export interface StatusDescription {
  readonly name: string;
  readonly number: number;
  readonly sentence: string;
}

/** The JSON of `describe`. */
export interface AbiDescription {
  readonly version: string;
  readonly architecture: string;
  readonly features: number;
  readonly isas: readonly IsaDescription[];
  readonly ops: readonly OpDescription[];
  readonly slots: readonly string[];
  readonly kernels: readonly KernelDescription[];
  readonly functions: readonly FunctionDescription[];
  readonly statuses: readonly StatusDescription[];
}

/** A plan or run of the library: an external of the addon, an address in WebAssembly. */
export type Handle = { readonly handle: never } | number;

export type AbiValue = number | ArrayBufferView | readonly ArrayBufferView[] | Handle | undefined;

/** status, detail, then the results of the row. */
export type AbiResult = readonly [status: number, detail: string, ...results: unknown[]];

const ERROR_OF_STATUS: Readonly<Record<string, ErrorCode>> = {
  cancelled: 'ERR_ABORTED',
  out_of_memory: 'ERR_OUT_OF_MEMORY',
  bad_argument: 'ERR_BAD_ARGUMENT',
  bad_plan: 'ERR_BACKEND',
  bad_packed_weights: 'ERR_BAD_ARGUMENT',
  unknown_isa: 'ERR_BAD_ARGUMENT',
  unsupported_isa: 'ERR_BAD_ARGUMENT',
  bad_handle: 'ERR_DISPOSED',
  bad_index: 'ERR_BAD_ARGUMENT',
  thread_lost: 'ERR_BACKEND',
};

/** The results of a call; throws the LowbitError of its status when that is not ok. */
export function resultsOf(name: string, result: AbiResult, statuses: readonly StatusDescription[]): readonly unknown[] {
  const [status, detail, ...results] = result;
  if (status === 0) return results;
  const row = statuses.find(({ number }) => number === status);
  const sentence = row === undefined ? `status ${status} is in no table` : row.sentence;
  const code = (row === undefined ? undefined : ERROR_OF_STATUS[row.name]) ?? 'ERR_BACKEND';
  throw new LowbitError(code, `${name}: ${sentence}${detail === '' ? '' : `: ${detail}`}`);
}

/** Reads the JSON that `describe` gave. Errors: ERR_BACKEND_UNAVAILABLE when it is not of the version `wanted`. */
export function readDescription(result: AbiResult, wanted: string | undefined, where: string): AbiDescription {
  const [json] = resultsOf('describe', result, []) as [Uint8Array];
  const description = JSON.parse(new TextDecoder().decode(json)) as AbiDescription;
  if (wanted !== undefined && description.version !== wanted) {
    throw new LowbitError(
      'ERR_BACKEND_UNAVAILABLE',
      `Found a build of version ${description.version} but wanted ${wanted}; rebuild it (npm run build)`,
      { file: where },
    );
  }
  return description;
}
