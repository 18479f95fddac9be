// What can be told of a graph before it is compiled: operators without a lowering, inputs that must be constants.

import { LowbitError } from '../core/errors.js';
import type { Graph, Node } from '../ir/graph.js';
import { operatorName } from '../ir/ops.js';
import { loweringOf } from './ops/table.js';

/** Throws ERR_UNSUPPORTED with every operator that has no lowering, and the names of its nodes. */
export function refuseUnknownOperators(nodes: readonly Node[]): void {
  const unknown = nodes.filter((node) => loweringOf(node.domain, node.op) === undefined);
  if (unknown.length === 0) return;
  const byOperator = new Map<string, string[]>();
  for (const node of unknown) {
    const name = operatorName(node);
    byOperator.set(name, [...(byOperator.get(name) ?? []), `'${node.name}'`]);
  }
  const list = [...byOperator].map(([operator, names]) => `${operator} (${names.join(', ')})`);
  throw new LowbitError('ERR_UNSUPPORTED', `The model uses operators that are not supported: ${list.join('; ')}`);
}

/**
 * The same while shapes are still open: nodes on integers are let pass, since shape arithmetic disappears when a plan is
 * made. Errors: ERR_UNSUPPORTED.
 */
export function refuseUnsupported(graph: Graph): void {
  const integers = (name: string): boolean => ['int64', 'int32', 'bool'].includes(graph.types.get(name)?.dtype ?? '');
  refuseUnknownOperators(
    graph.nodes.filter(
      (node) => node.op !== 'Constant' && !node.outputs.every((name) => name === '' || integers(name)),
    ),
  );
}

/**
 * Inputs of the graph that an operator needs to know while planning: the shape of a Reshape, a scale. A plan is made for
 * each value of them.
 */
export function planningInputs(graph: Graph): string[] {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    for (const position of loweringOf(node.domain, node.op)?.constants ?? []) {
      const name = node.inputs[position] ?? '';
      if (graph.inputs.includes(name)) found.add(name);
    }
  }
  return [...found];
}
