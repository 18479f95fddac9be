// The network that the benchmarks make: its size, and that it is the same every time.

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { readOnnx } from '../../src/formats/onnx/onnx.js';
import { inferTypes } from '../../src/ir/infer.js';
import { summarizeGraph } from '../../src/ir/summary.js';

interface Generator {
  readonly resnet50: () => Promise<Uint8Array>;
}

it('has the multiply-adds and parameters of ResNet-50', async () => {
  const file: string = '../../bench/resnet50.mjs';
  const { resnet50 } = (await import(file)) as Generator;
  const graph = inferTypes(readOnnx(await resnet50()));
  const summary = summarizeGraph(graph);
  expect(summary.parameters).toBe(25_530_472);
  expect(summary.macs).toBe(4_089_184_256);
  expect(summary.operators).toEqual({
    Conv: 53,
    Relu: 49,
    Add: 16,
    MaxPool: 1,
    GlobalAveragePool: 1,
    Flatten: 1,
    Gemm: 1,
  });
  const hash = createHash('sha256');
  for (const { data } of graph.constants.values()) hash.update(data);
  expect(hash.digest('hex')).toBe('0fda0c9e23b6e3bbd62efbe913872b0abb1cdfe961be51ff064bd284a1cc56f4');
});
