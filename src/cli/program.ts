// The command line: commander built from the table of commands, results printed, errors turned into exit codes.

import { Command, CommanderError, Option } from 'commander';
import { packageRoot } from '../backend/location.js';
import { LowbitError } from '../core/errors.js';
import type { CommandResult, CommandRow, OptionRow } from './command.js';
import { COMMANDS } from './commands.js';
import { EXIT_CODES, type ExitCode, exitCodeOf } from './exit-codes.js';
import { createProgress, type ProgressStream } from './progress.js';

/** Where a program's words go. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
}

/**
 * Runs one command line (without node and the script) and returns its exit code. Human text or one JSON object goes to
 * stdout; progress, warnings and errors to stderr. With --json a failure prints { "error": { code, message, place } }.
 */
export async function runProgram(argv: readonly string[], streams: Streams, signal: AbortSignal): Promise<ExitCode> {
  const progress = createProgress(streams.stderr);
  const json = argv.includes('--json');
  let exitCode: ExitCode = EXIT_CODES.done;
  const program = new Command('lowbit')
    .description('Quantizes neural networks and runs them on CPUs.')
    .version(packageRoot()?.version ?? 'unknown', '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
    })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 a limit was not met, 4 unsupported model.');
  for (const [name, row] of Object.entries(COMMANDS as Record<string, CommandRow>)) {
    addCommand(program, name, row, async (positionals, options) => {
      const result = await row.run(positionals, options, { signal, progress });
      progress.clear();
      streams.stdout.write(textOf(result, json));
      exitCode = result.exitCode ?? EXIT_CODES.done;
    });
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    progress.clear();
    return reportError(error, json, streams);
  }
}

function addCommand(
  program: Command,
  name: string,
  row: CommandRow,
  action: (positionals: string[], options: Record<string, unknown>) => Promise<void>,
): void {
  const command = program
    .command(name)
    .description(row.summary)
    .addHelpText('after', `\nExample:\n  ${row.example.split('\n').join('\n  ')}`);
  for (const argument of row.arguments) command.argument(argument.name, argument.description);
  for (const option of row.options) command.addOption(commanderOption(option));
  command.option('--json', 'print one JSON object');
  command.action((...values: unknown[]) =>
    action(command.args, values[row.arguments.length] as Record<string, unknown>),
  );
}

function commanderOption(row: OptionRow): Option {
  const option = new Option(row.flags, row.description);
  if (row.required) option.makeOptionMandatory();
  const parse = row.parse ?? ((text: string): unknown => text);
  if (row.repeat) {
    option.argParser((text: string, before: unknown[] | undefined) => [...(before ?? []), parse(text)]);
  } else if (row.parse !== undefined) {
    option.argParser((text: string) => parse(text));
  }
  return option;
}

function textOf(result: CommandResult, json: boolean): string {
  return json ? `${JSON.stringify(result.json, null, 2)}\n` : `${result.text.trimEnd()}\n`;
}

function reportError(error: unknown, json: boolean, streams: Streams): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has printed its sentence, or the help that was asked for.
    if (error.exitCode === 0) return EXIT_CODES.done;
    if (json) printError(streams, 'ERR_USAGE', error.message.replace(/^error: /, ''), {});
    return EXIT_CODES.usage;
  }
  if (error instanceof LowbitError) {
    streams.stderr.write(`lowbit: ${error.code}: ${error.message}\n`);
    if (json) printError(streams, error.code, error.message, error.place);
    return exitCodeOf(error.code);
  }
  // A defect of this program: the stack is what its report needs.
  streams.stderr.write(`lowbit: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  if (json) printError(streams, 'ERR_INTERNAL', String(error), {});
  return EXIT_CODES.failed;
}

function printError(streams: Streams, code: string, message: string, place: object): void {
  streams.stdout.write(`${JSON.stringify({ error: { code, message, place } }, null, 2)}\n`);
}
