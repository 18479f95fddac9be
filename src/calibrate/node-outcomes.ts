// What a quantization did to every node, and why it left a node in float.

import type { Graph, Node } from '../ir/graph.js';
import { planQdq } from '../passes/insert-qdq-plan.js';
import { roleOf } from '../schemes/operators.js';
import { isSelected, type Scheme } from '../schemes/scheme.js';

/** One node of the prepared graph (constants folded, batch norms folded, before quantization). */
export interface NodeOutcome {
  readonly name: string;
  readonly op: string;
  readonly quantized: boolean;
  /** Why it stays in float; null for quantized nodes. */
  readonly reason: string | null;
}

/** The outcomes of a static quantization of a prepared graph. */
export function staticOutcomes(graph: Graph, scheme: Scheme): NodeOutcome[] {
  const plan = planQdq(graph, scheme);
  return graph.nodes.map((node) => {
    const quantized = plan.selected.has(node.name) || plan.absorbed.has(node.name);
    return outcome(node, quantized ? null : whyFloat(node, graph, scheme, plan.coded));
  });
}

/** The outcomes of a dynamic one, from the graph before and after: a quantized node is gone or reads other values. */
export function dynamicOutcomes(before: Graph, after: Graph, scheme: Scheme): NodeOutcome[] {
  const kept = new Set(after.nodes.map(({ name, op, inputs }) => JSON.stringify([name, op, inputs])));
  return before.nodes.map((node) => {
    const { name, op, inputs } = node;
    const quantized = isSelected(scheme, op, name) && !kept.has(JSON.stringify([name, op, inputs]));
    return outcome(node, quantized ? null : whyFloat(node, before, scheme, new Set()));
  });
}

function outcome(node: Node, reason: string | null): NodeOutcome {
  return { name: node.name, op: node.op, quantized: reason === null, reason };
}

function whyFloat(node: Node, graph: Graph, scheme: Scheme, coded: ReadonlySet<string>): string {
  if (node.domain !== '') return `the domain '${node.domain}' is not quantized`;
  if (!scheme.operators.includes(node.op)) return 'the scheme does not name the operator';
  if (!isSelected(scheme, node.op, node.name)) return 'the scheme excludes it by name';
  if (roleOf(node.op) === 'weights') {
    const weights = graph.constants.get(node.inputs[1] ?? '');
    if (weights === undefined) return 'its weights are computed by the model';
    return weights.dtype === 'float32' ? 'its form is not supported with codes' : `its weights are ${weights.dtype}`;
  }
  const activations = node.inputs.filter((input) => input !== '' && !graph.constants.has(input));
  if (activations.some((input) => !coded.has(input))) return 'an input has no codes';
  return 'no quantized node reads its result';
}
