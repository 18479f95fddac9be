// The graph editor: what it changes, what it leaves, what it refuses. And the text of a graph.

import { describe, expect, test } from 'vitest';
import { LowbitError } from '../../src/core/errors.js';
import { editGraph } from '../../src/ir/edit.js';
import type { Attribute, Node } from '../../src/ir/graph.js';
import { inferTypes } from '../../src/ir/infer.js';
import { printCount, printGraph } from '../../src/ir/print.js';
import { summarizeGraph } from '../../src/ir/summary.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { graphOf, int, zeros } from './graph-build.js';

const chain = () =>
  graphOf({
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      { op: 'Add', inputs: ['a', 'w'], outputs: ['b'] },
      { op: 'Mul', inputs: ['a', 'b'], outputs: ['y'] },
    ],
    constants: { w: zeros(4) },
  });

const named = (nodes: Iterable<Node>) => [...nodes].map(({ name }) => name);

describe('the editor', () => {
  test('knows makers and readers', () => {
    const editor = editGraph(chain());
    expect(editor.producer('b')?.op).toBe('Add');
    expect(editor.producer('w')).toBeUndefined();
    expect(named(editor.consumers('a'))).toEqual(['n1', 'n2']);
    expect(editor.onlyConsumer('b')?.op).toBe('Mul');
    expect(editor.onlyConsumer('a')).toBeUndefined();
    expect(editor.isPinned('y')).toBe(true);
  });

  test('replaces and adds in place, under fresh names, and leaves the graph that it was given', () => {
    const graph = chain();
    const editor = editGraph(graph);
    const add = editor.producer('b') as Node;
    const name = editor.addConstant('w', zeros(4));
    expect(name).toBe('w_1');
    const before = editor.addNode({ op: 'Neg', inputs: ['a'], outputs: [editor.fresh('a')] }, add);
    editor.replaceNode(add, { ...add, inputs: [before.outputs[0] as string, name] });
    const built = verifyGraph(editor.build());
    expect(built.nodes.map(({ op }) => op)).toEqual(['Relu', 'Neg', 'Add', 'Mul']);
    expect(built.constants.get('w')).toBe(graph.constants.get('w'));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Relu', 'Add', 'Mul']);
    expect(graph.constants.size).toBe(1);
  });

  test('keeps the origin of a node whose operator stays', () => {
    const editor = editGraph({ ...chain(), nodes: chain().nodes.map((node) => ({ ...node, origin: node.name })) });
    const add = editor.producer('b') as Node;
    expect(editor.replaceNode(add, { op: 'Add', inputs: ['a', 'a'], outputs: ['b'] }).origin).toBe('n1');
    const other = editor.replaceNode(editor.node('n1') as Node, { op: 'Sub', inputs: ['a', 'a'], outputs: ['b'] });
    expect(other.origin).toBeUndefined();
    expect(other.name).toBe('n1');
  });

  test('forwards a value, with the name of an output', () => {
    const editor = editGraph(chain());
    const mul = editor.producer('y') as Node;
    expect(editor.forward(mul, 'b', 'y')).toBe(true);
    const built = editor.build();
    expect(built.nodes.map(({ op, outputs }) => [op, outputs])).toEqual([
      ['Relu', ['a']],
      ['Add', ['y']],
    ]);
  });

  test('refuses what would break the graph', () => {
    const editor = editGraph(chain());
    const relu = editor.producer('a') as Node;
    expect(() => editor.addNode({ op: 'Neg', inputs: ['x'], outputs: ['b'] })).toThrow(
      /'b' is already made by node 'n1'/,
    );
    expect(() => editor.addNode({ op: 'Neg', inputs: ['x'], outputs: ['w'] })).toThrow(/a constant or an input/);
    expect(() => editor.replaceUses('y', 'a')).toThrow(LowbitError);
    editor.removeNode(relu);
    expect(() => editor.removeNode(relu)).toThrow(/not in the graph any more/);
    const captures: Attribute = { kind: 'opaque', value: null, captures: ['a'] };
    const held = editGraph(
      graphOf({
        nodes: [
          { op: 'Relu', inputs: ['x'], outputs: ['a'] },
          { op: 'If', inputs: ['x'], outputs: ['y'], attributes: { body: captures } },
        ],
      }),
    );
    expect(held.isPinned('a')).toBe(true);
    expect(named(held.consumers('a'))).toEqual(['n1']);
    expect(() => held.replaceUses('a', 'x')).toThrow(/captured/);
  });
});

describe('the text of a graph', () => {
  const graph = graphOf({
    inputs: { x: ['N', 3, 8, 8] },
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
      { op: 'GlobalAveragePool', inputs: ['c'], outputs: ['p'] },
      { op: 'Flatten', inputs: ['p'], outputs: ['f'] },
      { op: 'Gemm', inputs: ['f', 'v'], outputs: ['y'], attributes: { transB: int(1) } },
    ],
    constants: { w: zeros(4, 3, 3, 3), v: zeros(10, 4) },
  });

  test('counts parameters, bytes and multiply-adds', () => {
    const summary = summarizeGraph(inferTypes(graph, new Map([['x', [2, 3, 8, 8]]])));
    expect(summary.parameters).toBe(108 + 40);
    expect(summary.bytes).toBe(4 * 148);
    expect(summary.nodes.map(({ macs }) => macs)).toEqual([2 * 4 * 6 * 6 * 27, 0, 0, 2 * 10 * 4]);
    expect(summary.operators).toEqual({ Conv: 1, Flatten: 1, Gemm: 1, GlobalAveragePool: 1 });
    expect(summarizeGraph(inferTypes(graph)).macs).toBeUndefined();
  });

  test('is readable', () => {
    const text = printGraph(inferTypes(graph, new Map([['x', [1, 3, 8, 8]]])));
    expect(text).toMatch(/^graph test \(ai\.onnx 13, lowbit 1\)\n {2}input {2}x: float32\[1, 3, 8, 8\]/);
    expect(text).toMatch(/Conv +n0 +float32\[1, 4, 6, 6\] +108 +3\.89 k/);
    expect(text).toMatch(/parameters 148, 592B; multiply-adds 3\.93 k$/);
    expect(printGraph(inferTypes(graph))).toMatch(/multiply-adds unknown/);
  });

  test('numbers have three digits', () => {
    const numbers = [0, 999, 1000, 12_345, 999_499, 999_500, 300_774_272];
    expect(numbers.map(printCount)).toEqual(['0', '999', '1.00 k', '12.3 k', '999 k', '1.00 M', '301 M']);
  });
});
