// Inference and constant folding against ONNX's own operator tests.

import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/core/dtype.js';
import { readOnnx } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { inferGraph } from '../../src/ir/infer.js';
import { ruleOf } from '../../src/ir/ops.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { EVALUATORS } from '../../src/passes/evaluate.js';
import { foldConstants } from '../../src/passes/fold-constants.js';
import { loadNodeTest, nodeTests } from '../formats/shared-models.js';

/** The graph with its inputs as constants and nothing declared of what its nodes make. */
function withConstants(graph: Graph, inputs: readonly import('../../src/core/tensor.js').ConstantTensor[]): Graph {
  const constants = new Map(graph.constants);
  for (const [index, name] of graph.inputs.entries()) constants.set(name, inputs[index] as (typeof inputs)[number]);
  return { ...graph, inputs: [], constants, types: new Map() };
}

describe.skipIf(nodeTests.length === 0)('the operator tests of ../shared/data/onnx-node-tests', () => {
  test('what is inferred is what comes out', () => {
    let checked = 0;
    const seen = new Set<string>();
    const unranked: string[] = [];
    for (const name of nodeTests) {
      const data = loadNodeTest(name);
      if (data === undefined) continue;
      const graph = verifyGraph(readOnnx(data.bytes));
      const present = graph.inputs.length === data.inputs.length && graph.outputs.length === data.outputs.length;
      if (!present || !graph.nodes.every((node) => ruleOf(node) !== undefined)) continue;
      const { types } = inferGraph(withConstants(graph, data.inputs));
      for (const [index, output] of graph.outputs.entries()) {
        const wanted = data.outputs[index] as (typeof data.outputs)[number];
        const found = types.get(output);
        expect(found?.dtype, name).toBe(wanted.dtype);
        if (found?.dims === undefined) {
          unranked.push(name);
          continue;
        }
        const known = found.dims.map((dim, axis) => (typeof dim === 'string' ? wanted.dims[axis] : dim));
        expect(known, name).toEqual(wanted.dims);
        checked++;
        for (const node of graph.nodes) seen.add(node.op);
      }
    }
    expect(unranked).toEqual([]);
    expect(checked).toBeGreaterThan(400);
    expect(seen.size).toBeGreaterThan(60);
  });

  test('what is folded is what comes out', () => {
    const folded = new Set<string>();
    for (const name of nodeTests) {
      const data = loadNodeTest(name);
      if (data === undefined) continue;
      const graph = verifyGraph(readOnnx(data.bytes));
      const [node] = graph.nodes;
      const [output] = graph.outputs;
      if (node === undefined || output === undefined || graph.nodes.length !== 1 || graph.outputs.length !== 1)
        continue;
      if (graph.inputs.length !== data.inputs.length || !Object.hasOwn(EVALUATORS, node.op) || node.domain !== '')
        continue;
      // A further node reads the output, so that its maker may go.
      const reader = {
        name: 'reader',
        op: 'Reader',
        domain: 'test',
        inputs: [output],
        outputs: ['end'],
        attributes: new Map(),
      };
      const extended: Graph = {
        ...withConstants(graph, data.inputs),
        opsets: new Map([...graph.opsets, ['test', 1]]),
        nodes: [node, reader],
        outputs: ['end'],
      };
      const result = foldConstants(extended).constants.get(output);
      if (result === undefined) continue;
      const wanted = data.outputs[0] as NonNullable<(typeof data.outputs)[0]>;
      expect({ dtype: result.dtype, dims: result.dims }, name).toEqual({ dtype: wanted.dtype, dims: wanted.dims });
      expect(result.data.byteLength, name).toBe(
        bytesOf(
          wanted.dtype,
          wanted.dims.reduce((a, b) => a * b, 1),
        ),
      );
      expect(Buffer.compare(result.data, wanted.data), name).toBe(0);
      folded.add(node.op);
    }
    const never = Object.keys(EVALUATORS).filter((op) => !folded.has(op));
    expect(never).toEqual([]);
  });
});
