// Runs the quantized network that the repository ships on emulated aarch64 processors, and compares the hashes of its outputs
// with this machine's, native and WebAssembly. The last line is `N passed, N failed`.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { ARM_PROCESSORS, armNode } from './arm.mjs';
import { at, root, run } from './root.mjs';

const arm = await armNode();
if (arm === undefined) {
  console.log('\n0 passed, 0 failed');
  process.exit(0);
}

const quantized = 'build/aarch64/squeezenet1.1.int8.onnx';
mkdirSync(at('build/aarch64'), { recursive: true });
const model = ['examples/models/squeezenet1.1.onnx', '-o', quantized, '--force'];
const data = ['--calibrate', 'examples/photos', '--preprocess', 'imagenet'];
run(process.execPath, ['dist/esm/cli/main.js', 'quantize', ...model, ...data]);

const here = (backend) => ({
  label: `here, ${backend}`,
  program: [process.execPath],
  env: { LOWBIT_BACKEND: backend },
});
const targets = [
  here('native'),
  here('wasm'),
  ...ARM_PROCESSORS.map((processor) => ({
    label: `aarch64, ${processor}`,
    program: arm.command(processor),
    env: arm.env,
  })),
];
const results = targets.map(({ label, program: [program, ...first], env }) => {
  const child = spawnSync(program, [...first, 'tools/output-hash.mjs', quantized], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (child.status !== 0)
    return {
      label,
      failure: child.stderr.split('\n').find((line) => /Error/.test(line)) ?? `exit code ${child.status}`,
    };
  const { isa, outputs } = JSON.parse(child.stdout);
  return { label, isa, hash: Object.values(outputs).join(' ') };
});

const wanted = results[0].hash;
let failed = 0;
console.log('');
for (const { label, isa, hash, failure } of results) {
  const right = hash !== undefined && hash === wanted;
  if (!right) failed++;
  console.log(`${label.padEnd(20)} ${(isa ?? '').padEnd(18)} ${failure ?? hash}${right ? '' : '  <- differs'}`);
}
console.log(`\n${results.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
