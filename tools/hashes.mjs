// Quantizes networks and compares the hashes of their outputs: every instruction set of this machine, the backends, several
// thread counts, and, with --arm, aarch64 processors in emulation. The last line is `N passed, N failed`.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ARM_PROCESSORS, armNode } from './arm.mjs';
import { at, root, run } from './root.mjs';

/** The networks, and the data to calibrate them on: shipped with the repository, or beside it. */
const NETWORKS = [
  ['examples/models/squeezenet1.1.onnx', 'examples/photos', 'imagenet'],
  ['../shared/data/models/mobilenetv2.onnx', 'examples/photos', 'imagenet'],
  ['../shared/data/models/cifar10-resnet20.onnx', '../shared/data/cifar10/calibration-200.bin', 'cifar10'],
  ['../shared/data/models/cifar10-resnet56.onnx', '../shared/data/cifar10/calibration-200.bin', 'cifar10'],
];

const arm = process.argv.includes('--arm') ? await armNode() : undefined;
const variants = [...nativeVariants(), ...wasmVariants(), ...armVariants()];
let passed = 0;
let failed = 0;

for (const [model, data, preprocess] of NETWORKS) {
  if (!existsSync(at(model)) || !existsSync(at(data))) {
    console.log(`\n${path.basename(model)}: left out, ${existsSync(at(model)) ? data : model} is not here`);
    continue;
  }
  const quantized = quantize(model, data, preprocess);
  console.log(`\n${path.basename(quantized)}`);
  let wanted;
  for (const { label, program, env } of variants) {
    const result = spawnSync(program[0], [...program.slice(1), 'tools/output-hash.mjs', quantized], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    if (result.status !== 0) {
      failed++;
      console.log(`  ${label.padEnd(36)} failed: ${result.stderr.trim().split('\n').pop()}`);
      continue;
    }
    const found = JSON.parse(result.stdout);
    const hash = Object.values(found.outputs).join(' ');
    wanted ??= hash;
    if (hash === wanted) passed++;
    else failed++;
    const ran = `${found.backend} ${found.isa}`;
    console.log(
      `  ${label.padEnd(36)} ${hash}${hash === wanted ? '' : '  differs'}  (ran on ${ran}, ${found.threads} threads)`,
    );
  }
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

function quantize(model, data, preprocess) {
  mkdirSync(at('build/hashes'), { recursive: true });
  const file = `build/hashes/${path.basename(model, '.onnx')}.int8.onnx`;
  const options = ['--calibrate', data, '--preprocess', preprocess, '--samples', '16', '--force'];
  run(process.execPath, ['dist/esm/cli/main.js', 'quantize', model, '-o', file, ...options]);
  return file;
}

/** One variant per instruction set of this processor, and the best one on one thread and on three. */
function nativeVariants() {
  const variant = (label, env) => ({ label, program: [process.execPath], env: { LOWBIT_BACKEND: 'native', ...env } });
  return [
    ...isasOf([process.execPath], 'native').map((isa) => variant(`native ${isa}`, { LOWBIT_ISA: isa })),
    variant('native, 1 thread', { LOWBIT_THREADS: '1' }),
    variant('native, 3 threads', { LOWBIT_THREADS: '3' }),
  ];
}

function wasmVariants() {
  return isasOf([process.execPath], 'wasm').map((isa) => ({
    label: `wasm ${isa}`,
    program: [process.execPath],
    env: { LOWBIT_BACKEND: 'wasm', LOWBIT_ISA: isa },
  }));
}

function armVariants() {
  if (arm === undefined) return [];
  return ARM_PROCESSORS.map((processor) => ({
    label: `qemu-aarch64 -cpu ${processor}`,
    program: arm.command(processor),
    env: arm.env,
  }));
}

/** What a backend can run on this machine, as it says itself. */
function isasOf(program, kind) {
  const known = readFileSync(at('native/isa/isa.inc'), 'utf8').matchAll(/^LOWBIT_ISA\((\w+),/gm);
  const script = `import { loadBackendOf } from ${JSON.stringify(at('dist/esm/backend/load.js'))};
    console.log(JSON.stringify(loadBackendOf('${kind}').isas));`;
  const result = spawnSync(program[0], [...program.slice(1), '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    console.log(`The ${kind} backend did not load: ${result.stderr.trim().split('\n').pop()}`);
    return [];
  }
  const usable = JSON.parse(result.stdout);
  return [...known].map(([, name]) => name).filter((name) => usable.includes(name));
}
