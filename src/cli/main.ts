#!/usr/bin/env node
// The entry of the command line: streams, SIGINT, and the exit code.

import { runProgram } from './program.js';

const controller = new AbortController();

// The first SIGINT asks for an orderly end: outputs stay whole, temporary files go. With the handler gone, the second one
// ends the process at once.
process.once('SIGINT', () => controller.abort(new Error('SIGINT')));

// A reader such as `head` may close the pipe early; that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), process, controller.signal);

// A process that was interrupted should be seen to have been: shells look at the signal, not at a code.
if (controller.signal.aborted) process.kill(process.pid, 'SIGINT');
