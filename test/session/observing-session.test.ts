// Calibration sees the same ranges on every instruction set and backend, so a quantized file does not depend on its maker.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { loadBackendOf } from '../../src/backend/load.js';
import { randomIntegers } from '../../src/core/random.js';
import { readOnnx } from '../../src/formats/onnx/onnx.js';
import { prepare } from '../../src/passes/passes.js';
import { createObservingSession } from '../../src/session/observing-session.js';

const MODELS = join(import.meta.dirname, '../../examples/models');

const FEEDS = {
  'mnist-12.onnx': { name: 'Input3', dims: [1, 1, 28, 28] },
  'squeezenet1.1.onnx': { name: 'data', dims: [1, 3, 224, 224] },
} as const;

function targets(): { name: string; backend: Backend; isa: string }[] {
  return (['native', 'wasm'] as const).flatMap((kind) => {
    const backend = loadBackendOf(kind);
    return backend.isas.map((isa) => ({ name: `${kind} ${isa}`, backend, isa }));
  });
}

test.each(Object.entries(FEEDS))(
  '%s',
  async (file, { name, dims }) => {
    const graph = prepare(readOnnx(await readFile(join(MODELS, file))));
    const values = graph.nodes
      .flatMap((node) => node.outputs)
      .filter((value) => graph.types.get(value)?.dtype !== 'int64');
    const random = randomIntegers(3);
    const data = Float32Array.from({ length: dims.reduce<number>((a, b) => a * b, 1) }, () => random() / 2 ** 30 - 2);
    const ranges = new Map<string, ReadonlyMap<string, { min: number; max: number }>>();
    for (const target of targets()) {
      const session = createObservingSession(graph, values, target);
      ranges.set(target.name, await session.run({ [name]: { type: 'float32', dims, data } }));
      session.dispose();
    }
    expect(ranges.size).toBeGreaterThanOrEqual(3);
    const [first] = ranges.values() as Iterable<ReadonlyMap<string, { min: number; max: number }>>;
    expect(first?.size).toBeGreaterThan(5);
    for (const [target, found] of ranges) expect(found, target).toEqual(first);
  },
  120_000,
);
