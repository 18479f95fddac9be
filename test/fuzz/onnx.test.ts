// Mutated ONNX files: whatever is in a file, the answer is a graph or a LowbitError, soon, and without much memory.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { LowbitError } from '../../src/core/errors.js';
import { createMessage } from '../../src/formats/onnx/messages.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/onnx.js';
import { bindShapes, inferTypes } from '../../src/ir/infer.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { prepare } from '../../src/passes/passes.js';
import { floatTensor, modelBytes, node, valueInfo } from '../formats/onnx-build.js';
import { RandomBytes } from '../formats/random-bytes.js';
import { modelFolder, nodeTestFolder, nodeTests, sharedModels } from '../formats/shared-models.js';
import { mutate } from './mutate.js';
import { mutateModel } from './mutate-model.js';

/** `npm run fuzz` asks for 10,000. */
const FILES = Number(process.env.FUZZ_FILES ?? 1000);

/** Far above what any of these files needs, far below what a header can claim. */
const MAX_GROWTH_BYTES = 512 * 2 ** 20;

/** A hang is not a slow machine: files of at most 100 kB are read in milliseconds. */
const MAX_MILLISECONDS = 10_000;

function ints(name: string, values: readonly number[]) {
  return createMessage('AttributeProto', { name, type: 7, ints: values.map(BigInt) });
}

function int(name: string, value: number) {
  return createMessage('AttributeProto', { name, type: 2, i: BigInt(value) });
}

/** Small models that are nearly all structure: most mutations of them hit something that has a meaning. */
function synthetic(): Uint8Array[] {
  const integers = (name: string, ...values: number[]) =>
    createMessage('TensorProto', {
      name,
      dims: [BigInt(values.length)],
      dataType: 7,
      int64Data: [Uint8Array.from(values)],
    });
  const shape = integers('s', 1, 8);
  const network = modelBytes({
    inputs: [valueInfo('x', ['N', 1, 6, 6])],
    outputs: [valueInfo('y', ['N', 2])],
    initializers: [floatTensor('w', [2, 1, 3, 3], new Array(18).fill(0.5)), shape],
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { attribute: [ints('pads', [1, 1, 1, 1]), ints('strides', [2, 2])] }),
      node('MaxPool', ['c'], ['p'], { attribute: [ints('kernel_shape', [2, 2])] }),
      node('Reshape', ['p', 's'], ['r']),
      node('Softmax', ['r'], ['y'], { attribute: [int('axis', 1)] }),
    ],
  });
  const arithmetic = modelBytes({
    inputs: [valueInfo('x', ['N', 4])],
    outputs: [valueInfo('y', ['N', 4])],
    initializers: [shape, integers('zero', 0), integers('one', 1)],
    nodes: [
      node('Shape', ['x'], ['a']),
      node('Slice', ['a', 'zero', 'one'], ['b']),
      node('Concat', ['a', 'b', 'one'], ['c'], { attribute: [int('axis', 0)] }),
      node('Cast', ['c'], ['d'], { attribute: [int('to', 7)] }),
      node('ConstantOfShape', ['s'], ['e']),
      node('Expand', ['e', 's'], ['f']),
      node('Tile', ['f', 's'], ['t']),
      node('Pad', ['x', 'd'], ['g']),
      node('Reshape', ['x', 'a'], ['y']),
    ],
  });
  return [network, arithmetic];
}

/** Synthetic models, the two smallest networks, and ONNX's operator tests, each third of the mutations. */
function seeds(): Uint8Array[][] {
  const networks = ['mnist-12.onnx', 'kws-dscnn.onnx'].filter((name) => sharedModels.includes(name));
  const tests = nodeTests.filter((_, index) => index % 8 === 0);
  return [
    synthetic(),
    networks.map((name) => readFileSync(path.join(modelFolder, name))),
    tests.map((name) => readFileSync(path.join(nodeTestFolder, name, 'model.onnx'))),
  ].filter((group) => group.length > 0);
}

test(`${FILES} mutated files`, { timeout: Math.max(60_000, FILES * 100) }, () => {
  const groups = seeds();
  const all = groups.flat();
  for (const bytes of all) verifyGraph(readOnnx(bytes));
  const before = process.resourceUsage().maxRSS * 1024;
  const counts = new Map<string, number>();
  let slowest = 0;
  for (let seed = 1; seed <= FILES; seed++) {
    const group = groups[Math.floor(seed / 3) % groups.length] as Uint8Array[];
    const base = group[Math.floor(seed / 9) % group.length] as Uint8Array;
    const other = all[(seed * 7) % all.length] as Uint8Array;
    // A third of the files is broken in its bytes; the rest gets past the framing.
    const bytes = seed % 3 === 0 ? mutate(base, other, seed) : mutateModel(base, new RandomBytes(seed));
    const start = performance.now();
    let outcome = 'read';
    try {
      const graph = verifyGraph(readOnnx(bytes));
      inferTypes(graph);
      const shapes = graph.inputs.map((name) => [name, graph.types.get(name)?.dims] as const);
      const sizes = shapes.flatMap(([name, dims]) =>
        dims === undefined ? [] : [[name, dims.map((dim) => (typeof dim === 'number' ? dim : 2))] as const],
      );
      bindShapes(graph, new Map(sizes));
      writeOnnx(prepare(graph));
    } catch (error) {
      if (!(error instanceof LowbitError)) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
      }
      outcome = error.code;
    }
    slowest = Math.max(slowest, performance.now() - start);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const growth = process.resourceUsage().maxRSS * 1024 - before;
  const text = [...counts].sort().map(([outcome, count]) => `${outcome} ${count}`);
  console.log(
    `${FILES} mutated ONNX files, none crashed: ${text.join(', ')}; slowest ${slowest.toFixed(0)} ms, ` +
      `memory grew by ${(growth / 2 ** 20).toFixed(0)} MB`,
  );
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  expect(slowest).toBeLessThan(MAX_MILLISECONDS);
  // Mutations that all failed in the framing would test nothing behind it.
  expect(counts.get('read') ?? 0).toBeGreaterThan(FILES / 50);
  expect(counts.get('ERR_BAD_FILE') ?? 0).toBeGreaterThan(FILES / 50);
  expect(counts.get('ERR_BAD_MODEL') ?? 0).toBeGreaterThan(FILES / 50);
});
