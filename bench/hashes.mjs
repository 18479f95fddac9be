// One hash per int8 network on every instruction set and backend: `npm run hashes -- [--shared DIR] [--with COMMAND]… [network …]`.
// `encoder` is the one of encoder.mjs, quantized dynamically; it needs no data.
//
// Quantizes the networks once, writes them and some inputs to build/hashes, then runs them in a child process per target:
// every usable LOWBIT_ISA of both backends. --with adds a target on another Node; variables may stand before the command:
//   --with "LOWBIT_BACKEND=wasm LOWBIT_ISA=wasm_relaxed /opt/node-24/bin/node"      (relaxed SIMD wants Node 22 or later)
//   --with "LOWBIT_ADDON=$PWD/build-aarch64/Release/lowbit.node qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu cortex-a76 …/node"

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { at } from '../tools/root.mjs';
import { encoderGraph, encoderInputs } from './encoder.mjs';
import { built, chosenNetworks, NETWORKS, openData, quantized, sharedFolder } from './networks.mjs';

const script = fileURLToPath(import.meta.url);
const folder = at('build/hashes');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shared: { type: 'string' },
    samples: { type: 'string', default: '4' },
    with: { type: 'string', multiple: true, default: [] },
    child: { type: 'boolean', default: false },
  },
});
const samples = Number(options.samples);
const ENCODER = 'encoder';
const TOKENS = 128;
const known = [...Object.keys(NETWORKS), ENCODER];
const names = chosenNetworks(positionals, known, known);

if (options.child) await hashAll();
else await compareTargets();

/** In a child: prints { backend, isa, hashes: { network: sha256 } }. */
async function hashAll() {
  const { InferenceSession, backendInfo } = await built('index.js');
  const { readNpy } = await built('calibrate/npy.js');
  const hashes = {};
  const imageFeeds = (name, i, input) => {
    const { dims, data } = readNpy(readFileSync(path.join(folder, `${name}.${i}.npy`)));
    return { [input]: { type: 'float32', data, dims } };
  };
  for (const name of names) {
    const session = await InferenceSession.create(readFileSync(path.join(folder, `${name}.int8.onnx`)));
    const hash = createHash('sha256');
    for (let i = 0; i < samples; i++) {
      const outputs = await session.run(
        name === ENCODER ? encoderFeeds(i) : imageFeeds(name, i, session.inputNames[0]),
      );
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
  await writeInputs();
  const { loadBackendOf } = await built('backend/load.js');
  const targets = ['native', 'wasm'].flatMap((backend) =>
    loadBackendOf(backend).isas.map((isa) => ({
      label: `${backend} ${isa}`,
      command: [process.execPath],
      env: { LOWBIT_BACKEND: backend, LOWBIT_ISA: isa },
      isa,
    })),
  );
  for (const text of options.with) targets.push(targetOf(text));
  const found = new Map(names.map((name) => [name, new Map()]));
  let ran = 0;
  for (const target of targets) {
    const { label } = target;
    const { isa, hashes, failure } = runTarget(target);
    if (failure !== undefined) {
      console.log(`${label}\n  not run: ${failure}`);
      process.exitCode = 1;
      continue;
    }
    console.log(`${label}${target.isa === undefined ? `: ${isa}` : ''}`);
    ran++;
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
    console.log(`${name}: ${hashes.size === 1 ? `equal on ${ran} targets` : `${hashes.size} DIFFERENT hashes`}`);
    if (hashes.size !== 1) process.exitCode = 1;
  }
}

/** Sentences of other words and of other lengths. */
function encoderFeeds(i) {
  const inputs = Object.entries(encoderInputs(1, TOKENS, { padding: 9 * i, seed: 7 + i }));
  return Object.fromEntries(inputs.map(([name, data]) => [name, { type: 'int64', data, dims: [1, TOKENS] }]));
}

async function writeInputs() {
  const { writeNpy } = await built('calibrate/npy.js');
  mkdirSync(folder, { recursive: true });
  if (names.includes(ENCODER)) {
    const { quantizeModel } = await built('calibrate/quantize-model.js');
    const { writeOnnx } = await built('formats/onnx/onnx.js');
    const { bytes } = await quantizeModel(writeOnnx(encoderGraph()), { scheme: 'dynamic-u8i8' });
    writeFileSync(path.join(folder, `${ENCODER}.int8.onnx`), bytes);
  }
  const chosen = names.filter((name) => name !== ENCODER);
  if (chosen.length === 0) return;
  const shared = sharedFolder(options.shared);
  for (const name of chosen) {
    writeFileSync(path.join(folder, `${name}.int8.onnx`), await quantized(shared, name));
    let i = 0;
    for await (const { dims, data } of await openData(shared, name, 'validation', samples)) {
      writeFileSync(path.join(folder, `${name}.${i++}.npy`), writeNpy({ dtype: 'float32', dims, data }));
    }
  }
}

/** 'NAME=value … program arguments …' as a target. */
function targetOf(text) {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const first = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const env = Object.fromEntries(words.slice(0, first).map((word) => word.split(/=(.*)/s, 2)));
  return { label: text, command: words.slice(first), env, isa: env.LOWBIT_ISA };
}

function runTarget({ command: [program, ...prefix], env }) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LOWBIT_')));
  const child = spawnSync(program, [...prefix, script, '--child', '--samples', options.samples, ...names], {
    env: { ...clean, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.status !== 0) {
    return { failure: child.error?.message ?? (child.stderr.trim().split('\n').at(-1) || `exit code ${child.status}`) };
  }
  return JSON.parse(child.stdout);
}
