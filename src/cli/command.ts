// What a command of the command line is.

import type { ExitCode } from './exit-codes.js';
import type { Progress } from './progress.js';

/** One option in commander's notation. `parse` throws a LowbitError with ERR_USAGE; `repeat` collects an array. */
export interface OptionRow {
  readonly flags: string;
  readonly description: string;
  readonly required?: true;
  readonly repeat?: true;
  readonly parse?: (text: string) => unknown;
}

export interface CommandContext {
  /** Fires at the first SIGINT. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** What a command has to say: one JSON object, the same for people, and an exit code when it is not 0. */
export interface CommandResult {
  readonly json: object;
  readonly text: string;
  readonly exitCode?: ExitCode;
}

export interface CommandRow {
  readonly summary: string;
  /** Positional arguments in commander's notation. */
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionRow[];
  /** A command line that works, shown by --help. */
  readonly example: string;
  run(
    positionals: readonly string[],
    options: Readonly<Record<string, unknown>>,
    context: CommandContext,
  ): Promise<CommandResult>;
}
