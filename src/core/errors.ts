// The one error class of the package, and the table of its codes.

/** What each code means; `docs/errors.md` is printed from this table. */
export const ERROR_CODES = {
  ERR_ABORTED: 'the caller aborted the operation',
  ERR_BACKEND: 'the native addon or the WebAssembly module reported a failure',
  ERR_BACKEND_UNAVAILABLE: 'no backend could be loaded, or the one that was asked for could not',
  ERR_BAD_ARGUMENT: 'an argument of a call is of the wrong type or out of its range',
  ERR_BAD_ENVIRONMENT: 'a LOWBIT_ environment variable has an unknown value',
  ERR_BAD_FEED: 'a feed of a run is missing, unknown, or of the wrong type or shape',
  ERR_BAD_FILE: 'a file is truncated, malformed or inconsistent',
  ERR_BAD_MODEL: 'a model breaks the rules of its graph: a cycle, a missing value, a wrong type',
  ERR_DISPOSED: 'the object was used after dispose()',
  ERR_FILE_EXISTS: 'an output file exists and --force was not given',
  ERR_IO: 'a file could not be read or written',
  ERR_LIMIT_NOT_MET: 'a limit that the caller set was not met',
  ERR_MISSING_PEER: 'an optional package is needed and not installed',
  ERR_OUT_OF_MEMORY: 'memory could not be allocated',
  ERR_UNSUPPORTED: 'the model uses operators, types or shapes that are not supported',
  ERR_USAGE: 'the command line is wrong',
} as const satisfies Record<`ERR_${string}`, string>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Where a problem was found. */
export interface ErrorPlace {
  readonly file?: string;
  /** Byte offset in the file. */
  readonly offset?: number;
  readonly tensor?: string;
  readonly node?: string;
  readonly argument?: string;
}

/**
 * Every failure of the package. `code` is stable; `message` names what was found, what was wanted, and what to do;
 * `place` says where.
 */
export class LowbitError extends Error {
  override readonly name = 'LowbitError';
  readonly code: ErrorCode;
  readonly place: ErrorPlace;

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(message + describePlace(place), options);
    this.code = code;
    this.place = place;
  }
}

function describePlace(place: ErrorPlace): string {
  const parts: string[] = [];
  if (place.argument !== undefined) parts.push(`argument ${place.argument}`);
  if (place.node !== undefined) parts.push(`node '${place.node}'`);
  if (place.tensor !== undefined) parts.push(`tensor '${place.tensor}'`);
  if (place.file !== undefined) parts.push(`file ${place.file}`);
  if (place.offset !== undefined) parts.push(`byte ${place.offset}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** Rejects with ERR_ABORTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new LowbitError('ERR_ABORTED', 'The operation was aborted by its AbortSignal', {}, { cause: signal.reason });
  }
}
