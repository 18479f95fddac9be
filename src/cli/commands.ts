// The table of commands. To add one: a row here, a file in commands/, a test.

import type { CommandRow } from './command.js';
import { benchCommand } from './commands/bench.js';
import { compareCommand } from './commands/compare.js';
import { infoCommand } from './commands/info.js';
import { inspectCommand } from './commands/inspect.js';
import { quantizeCommand } from './commands/quantize.js';
import { runCommand } from './commands/run.js';

export const COMMANDS = {
  quantize: quantizeCommand,
  compare: compareCommand,
  run: runCommand,
  bench: benchCommand,
  inspect: inspectCommand,
  info: infoCommand,
} as const satisfies Record<string, CommandRow>;
