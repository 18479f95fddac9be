// One hash per int8 network on every instruction set and backend: `npm run hashes [-- --with "COMMAND …" …]`.
//
// Quantizes the networks once, writes them and some inputs to build/hashes, then runs them in a child process per target:
// every usable LOWBIT_ISA of the native backend, and WebAssembly with and without relaxed SIMD. --with adds a target on
// another Node, for example --with "qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu cortex-a76 node-arm64/bin/node".

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { built, modelPath, NETWORKS, openData, sharedFolder } from './networks.mjs';

const script = fileURLToPath(import.meta.url);
const folder = path.resolve(path.dirname(script), '../build/hashes');

const { values: options } = parseArgs({
  options: {
    shared: { type: 'string' },
    only: { type: 'string' },
    samples: { type: 'string', default: '4' },
    with: { type: 'string', multiple: true, default: [] },
    child: { type: 'boolean', default: false },
  },
});
const samples = Number(options.samples);
const names = Object.keys(NETWORKS).filter((name) => (options.only ?? name) === name);

if (options.child) await hashAll();
else await compareTargets();

/** In a child: prints { backend, isa, hashes: { network: sha256 } }. */
async function hashAll() {
  const { InferenceSession, Tensor, backendInfo } = await built('index.js');
  const { readNpy } = await built('calibrate/npy.js');
  const hashes = {};
  for (const name of names) {
    const session = await InferenceSession.create(readFileSync(path.join(folder, `${name}.int8.onnx`)));
    const hash = createHash('sha256');
    for (let i = 0; i < samples; i++) {
      const { dims, data } = readNpy(readFileSync(path.join(folder, `${name}.${i}.npy`)));
      const outputs = await session.run({ [session.inputNames[0]]: new Tensor('float32', data, dims) });
      for (const output of session.outputNames) {
        const { buffer, byteOffset, byteLength } = outputs[output].data;
        hash.update(new Uint8Array(buffer, byteOffset, byteLength));
      }
    }
    hashes[name] = hash.digest('hex');
    await session.dispose();
  }
  const { backend, isa } = backendInfo();
  console.log(JSON.stringify({ backend, isa, hashes }));
}

async function compareTargets() {
  const shared = sharedFolder(options.shared);
  await writeInputs(shared);
  const { backendInfo } = await built('index.js');
  const targets = [
    ...backendInfo().isas.map((isa) => ({ command: process.execPath, backend: 'native', isa })),
    { command: process.execPath, backend: 'wasm', isa: 'wasm_simd128' },
    { command: process.execPath, backend: 'wasm', isa: 'wasm_relaxed' },
    ...options.with.map((command) => ({ command, backend: 'native', isa: undefined })),
  ];
  const found = new Map(names.map((name) => [name, new Map()]));
  for (const target of targets) {
    const label = `${target.backend} ${target.isa ?? target.command}`;
    const { isa, hashes, failure } = runTarget(target);
    if (failure !== undefined) {
      console.log(`${label}\n  not run: ${failure}`);
      process.exitCode = 1;
      continue;
    }
    console.log(`${label}${target.isa === undefined ? `, ${isa}` : ''}`);
    for (const name of names) {
      console.log(`  ${hashes[name]}  ${name}`);
      found.get(name).set(hashes[name], label);
    }
    if (target.isa !== undefined && isa !== target.isa) {
      console.log(`  ran on ${isa} instead`);
      process.exitCode = 1;
    }
  }
  console.log('');
  for (const [name, hashes] of found) {
    console.log(`${name}: ${hashes.size === 1 ? 'equal on all targets' : `${hashes.size} DIFFERENT hashes`}`);
    if (hashes.size !== 1) process.exitCode = 1;
  }
}

async function writeInputs(shared) {
  const { quantizeModel } = await built('calibrate/quantize-model.js');
  const { writeNpy } = await built('calibrate/npy.js');
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const { bytes } = await quantizeModel(modelPath(shared, name), {
      dataset: await openData(shared, name, 'calibration'),
    });
    writeFileSync(path.join(folder, `${name}.int8.onnx`), bytes);
    let i = 0;
    for await (const { dims, data } of await openData(shared, name, 'validation', samples)) {
      writeFileSync(path.join(folder, `${name}.${i++}.npy`), writeNpy({ dtype: 'float32', dims, data }));
    }
  }
}

function runTarget({ command, backend, isa }) {
  const [program, ...prefix] = command === process.execPath ? [command] : command.split(/\s+/);
  const only = options.only === undefined ? [] : ['--only', options.only];
  const env = { ...process.env, LOWBIT_BACKEND: backend };
  delete env.LOWBIT_ISA;
  if (isa !== undefined) env.LOWBIT_ISA = isa;
  const child = spawnSync(program, [...prefix, script, '--child', '--samples', options.samples, ...only], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.status !== 0) {
    return { failure: child.error?.message ?? (child.stderr.trim().split('\n').at(-1) || `exit code ${child.status}`) };
  }
  return JSON.parse(child.stdout);
}
