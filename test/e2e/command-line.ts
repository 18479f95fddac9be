// Runs the built command line in child processes.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const main = resolve(root, 'dist/esm/cli/main.js');

/** The small network that the repository ships: MNIST digits, one input [1, 1, 28, 28]. */
export const DIGITS = resolve(root, 'examples/models/mnist-12.onnx');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly finished: Promise<Finished>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when stderr holds the text. */
  said(text: string): Promise<void>;
}

/** Starts `lowbit` with arguments; LOWBIT_ variables of the caller do not reach it. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  if (!existsSync(main)) throw new Error('The command line is not built: npm run build');
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LOWBIT_')));
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: { text: string; found: () => void }[] = [];
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
    for (const { text, found } of waiting) if (stderr.includes(text)) found();
  });
  const finished = new Promise<Finished>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  return {
    finished,
    kill: (signal) => void child.kill(signal),
    said: (text) => new Promise((found) => (stderr.includes(text) ? found() : waiting.push({ text, found }))),
  };
}

export function lowbit(...args: readonly string[]): Promise<Finished> {
  return start(args).finished;
}

/** The one JSON object that --json prints. */
export async function lowbitJson(
  ...args: readonly string[]
): Promise<{ code: number | null; json: Record<string, unknown> }> {
  const { code, stdout } = await lowbit(...args, '--json');
  return { code, json: JSON.parse(stdout) as Record<string, unknown> };
}
