// The exit codes of the command line, and the code that each error means.

import type { ErrorCode } from '../core/errors.js';

export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  limitNotMet: 3,
  unsupported: 4,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Errors that do not mean 'failed'. */
const EXIT_CODE_OF = {
  ERR_USAGE: EXIT_CODES.usage,
  ERR_BAD_ENVIRONMENT: EXIT_CODES.usage,
  ERR_LIMIT_NOT_MET: EXIT_CODES.limitNotMet,
  ERR_UNSUPPORTED: EXIT_CODES.unsupported,
} as const satisfies Partial<Record<ErrorCode, ExitCode>>;

/** The exit code of an error's code. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return (EXIT_CODE_OF as Partial<Record<ErrorCode, ExitCode>>)[code] ?? EXIT_CODES.failed;
}
