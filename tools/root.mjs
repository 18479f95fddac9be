// Where the repository is, and how its tools run other programs.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of package.json. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** An absolute path from a path in the repository. */
export function at(...parts) {
  return path.join(root, ...parts);
}

/** Runs a program in the repository with its output on ours; ends this process with its exit code when it fails. */
export function run(program, args, options = {}) {
  const status = tryRun(program, args, options);
  if (status !== 0) process.exit(status);
}

/** The same, but returns the exit code. */
export function tryRun(program, args, { env = {}, cwd = root } = {}) {
  const result = spawnSync(program, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (result.error) {
    console.error(`${program} could not be started: ${result.error.message}`);
    return 1;
  }
  return result.status ?? 1;
}

/** What a program prints on stdout, or undefined when it is missing or fails. */
export function output(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return result.status === 0 ? result.stdout : undefined;
}

/** A script of a package in node_modules, run by the same Node: `node(bin('typescript', 'bin/tsc'), args)`. */
export function bin(packageName, script) {
  return at('node_modules', packageName, script);
}

/** Every file below the given files and directories, as sorted repository paths with forward slashes. */
export function filesBelow(...places) {
  const found = [];
  const visit = (place) => {
    const full = at(place);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full)) visit(`${place}/${name}`);
    } else {
      found.push(place);
    }
  };
  for (const place of places) visit(place);
  return found.sort();
}

/**
 * Runs `make` unless the inputs are as they were when it last succeeded and the outputs are there.
 * Inputs are compared by path, size and modification time.
 */
export async function ifChanged(stage, inputs, outputs, make) {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  for (const file of inputs) {
    const { size, mtimeMs } = statSync(at(file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  const key = hash.digest('hex');
  const stamp = at('build', 'stamps', stage);
  const fresh =
    existsSync(stamp) && readFileSync(stamp, 'utf8') === key && outputs.every((file) => existsSync(at(file)));
  if (fresh) return;
  await make();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, key);
}
