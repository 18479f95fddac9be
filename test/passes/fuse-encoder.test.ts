// The passes that join the pieces of an encoder: what they make of them, what they leave, and that the result is the same.

import { describe, expect, test } from 'vitest';
import { encoderGraph, encoderInputs } from '../../bench/encoder.mjs';
import { constantOf } from '../../src/core/tensor.js';
import { writeOnnx } from '../../src/formats/onnx/onnx.js';
import { editGraph } from '../../src/ir/edit.js';
import type { Graph } from '../../src/ir/graph.js';
import { bindShapes } from '../../src/ir/infer.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { optimize, optimizeBound } from '../../src/passes/passes.js';
import { InferenceSession } from '../../src/session/inference-session.js';

const SIZES = { layers: 1, hidden: 48, heads: 4, inner: 96, vocabulary: 50, positions: 16 };
const FORMS = ['operator', 'decomposed'] as const;
const SHAPE = [2, 9];

function counts(graph: Graph): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { op, domain } of graph.nodes) {
    const name = domain === '' ? op : `${domain}:${op}`;
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

function bound(graph: Graph): Graph {
  return optimizeBound(bindShapes(optimize(graph), new Map(graph.inputs.map((name) => [name, SHAPE]))));
}

/** The graph with one constant of one element changed. */
function changed(graph: Graph, name: string, value: number): Graph {
  const constants = new Map(graph.constants).set(name, constantOf('float32', [], Float32Array.of(value)));
  return { ...graph, constants };
}

/** The graph with a value that is inside of a pattern as a further output. */
function exposing(graph: Graph, op: string): Graph {
  const node = graph.nodes.find((candidate) => candidate.op === op);
  const editor = editGraph(graph);
  editor.outputs.push(node?.outputs[0] as string);
  return editor.build();
}

async function run(graph: Graph, optimized: boolean): Promise<Float32Array> {
  using session = await InferenceSession.create(writeOnnx(graph), { optimize: optimized });
  const feeds = Object.entries(encoderInputs(2, 9, { vocabulary: 50, padding: 3 })).map(
    ([name, data]) => [name, { type: 'int64', dims: SHAPE, data }] as const,
  );
  return (await session.run(Object.fromEntries(feeds))).last_hidden_state?.data as Float32Array;
}

describe.each(FORMS)('layer norm as %s', (layerNorm) => {
  test.each(FORMS)('and Gelu as %s', async (gelu) => {
    const graph = verifyGraph(encoderGraph({ ...SIZES, layerNorm, gelu }));
    const found = counts(bound(graph));
    expect(found['lowbit:Attention']).toBe(1);
    expect((found['lowbit:Gelu'] ?? 0) + (found.Gelu ?? 0)).toBe(1);
    expect((found['lowbit:LayerNormalization'] ?? 0) + (found.LayerNormalization ?? 0)).toBe(3);
    expect(found['lowbit:Gemm']).toBe(6);
    for (const op of ['Softmax', 'Transpose', 'Erf', 'ReduceMean', 'MatMul']) expect(found[op], op).toBeUndefined();
    const [fused, plain] = [await run(graph, true), await run(graph, false)];
    // Both are float32: two layer norms after sums of at most 96 products, whose roundings add up like their root.
    const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const slack = 6 * Math.sqrt(96) * 2 ** -24 * largest;
    for (const [i, value] of plain.entries()) expect(Math.abs((fused[i] as number) - value)).toBeLessThanOrEqual(slack);
  });
});

describe('what looks alike is left alone', () => {
  const graph = verifyGraph(encoderGraph({ ...SIZES, layerNorm: 'decomposed' }));

  test('a factor that is not that of Gelu', () => {
    expect(counts(bound(changed(graph, 'layer.0.root_2', 1.5))).Erf).toBe(1);
    expect(counts(bound(changed(graph, 'layer.0.half', 0.75))).Erf).toBe(1);
    expect(counts(bound(changed(graph, 'layer.0.one', 2))).Erf).toBe(1);
  });

  test('an exponent that is not 2', () => {
    expect(counts(bound(changed(graph, 'layer.0.norm.two', 3))).Pow).toBe(1);
  });

  test('values between that are outputs too', () => {
    expect(counts(bound(exposing(graph, 'Erf'))).Erf).toBe(1);
    expect(counts(bound(exposing(graph, 'Softmax'))).Softmax).toBe(1);
    expect(counts(bound(exposing(graph, 'Sqrt'))).Sqrt).toBe(1);
  });
});
