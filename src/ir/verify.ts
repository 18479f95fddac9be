// Checks that a graph is one: single assignment, no missing values, no cycles, operators used as they are defined.

import { LowbitError } from '../core/errors.js';
import { usesOf } from './edit.js';
import type { Graph, Node } from './graph.js';
import { inferGraph } from './infer.js';
import { operatorName, ruleOf } from './ops.js';

/**
 * The graph with its nodes in topological order (a stable one: nodes that are in order stay).
 * Errors: ERR_BAD_MODEL, with node and value names, for a name that is empty, made twice or missing, a cycle, an operator
 * without its version, wrong numbers of inputs or outputs, attributes of a wrong kind, types and shapes that do not fit.
 */
export function verifyGraph(graph: Graph): Graph {
  const makers = checkNames(graph);
  checkUses(graph, makers);
  const sorted = { ...graph, nodes: sortNodes(graph.nodes, makers) };
  for (const node of sorted.nodes) checkOperator(sorted, node);
  inferGraph(sorted);
  return sorted;
}

function bad(message: string, place: { node?: string; tensor?: string } = {}): never {
  throw new LowbitError('ERR_BAD_MODEL', message, place);
}

/** Value name to the node that makes it; inputs and constants have undefined. */
function checkNames(graph: Graph): Map<string, Node | undefined> {
  const makers = new Map<string, Node | undefined>();
  for (const name of graph.inputs) {
    if (name === '') bad('An input of the graph has no name');
    if (makers.has(name)) bad('Two inputs of the graph have the same name', { tensor: name });
    makers.set(name, undefined);
  }
  for (const name of graph.constants.keys()) {
    if (makers.has(name)) bad('An input and a constant have the same name', { tensor: name });
    makers.set(name, undefined);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) bad('Two nodes have the same name', { node: node.name });
    names.add(node.name);
    for (const output of node.outputs) {
      if (output === '') continue;
      if (makers.has(output)) {
        const other = makers.get(output);
        const by = other === undefined ? 'an input or a constant of the graph' : `an output of node '${other.name}'`;
        bad(`Value '${output}' is made twice: it is also ${by}`, { node: node.name, tensor: output });
      }
      makers.set(output, node);
    }
  }
  return makers;
}

function checkUses(graph: Graph, makers: ReadonlyMap<string, Node | undefined>): void {
  for (const node of graph.nodes) {
    for (const name of usesOf(node)) {
      if (makers.has(name)) continue;
      const wanted = 'no input, initializer or node makes it';
      bad(`${operatorName(node)} reads '${name}', but ${wanted}`, { node: node.name, tensor: name });
    }
  }
  if (graph.outputs.length === 0) bad('The graph has no outputs');
  const seen = new Set<string>();
  for (const name of graph.outputs) {
    if (!makers.has(name)) bad(`Output '${name}' of the graph is made by nothing`, { tensor: name });
    if (seen.has(name)) bad(`Output '${name}' of the graph is listed twice`, { tensor: name });
    seen.add(name);
  }
}

/** Depth first along the inputs, without recursion: a graph may be as deep as it has nodes. */
function sortNodes(nodes: readonly Node[], makers: ReadonlyMap<string, Node | undefined>): Node[] {
  const sorted: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  for (const root of nodes) {
    if (state.has(root)) continue;
    state.set(root, 'open');
    const path = [{ node: root, uses: usesOf(root), next: 0 }];
    while (path.length > 0) {
      const top = path[path.length - 1] as (typeof path)[number];
      const name = top.uses[top.next++];
      if (name === undefined) {
        state.set(top.node, 'done');
        sorted.push(top.node);
        path.pop();
        continue;
      }
      const maker = makers.get(name);
      if (maker === undefined || state.get(maker) === 'done') continue;
      if (state.get(maker) === 'open') {
        const start = path.findIndex((step) => step.node === maker);
        const cycle = path.slice(start).map((step) => `'${step.node.name}'`);
        const shown = cycle.length > 8 ? [...cycle.slice(0, 8), '…'] : cycle;
        bad(`The graph has a cycle through ${cycle.length} node${cycle.length > 1 ? 's' : ''}: ${shown.join(' <- ')}`, {
          node: maker.name,
        });
      }
      state.set(maker, 'open');
      path.push({ node: maker, uses: usesOf(maker), next: 0 });
    }
  }
  return sorted;
}

function checkOperator(graph: Graph, node: Node): void {
  const name = operatorName(node);
  const place = { node: node.name };
  if (node.op === '') bad('A node has no operator', place);
  if (!graph.opsets.has(node.domain)) {
    const domains = [...graph.opsets.keys()].map((domain) => `'${domain}'`).join(', ');
    bad(`${name} is of domain '${node.domain}', but the model gives versions only for ${domains}`, place);
  }
  const rule = ruleOf(node);
  if (rule === undefined) return;
  checkCount(node, 'input', node.inputs.length, rule.inputs);
  checkCount(node, 'output', node.outputs.length, rule.outputs);
  for (let index = 0; index < rule.inputs[0]; index++) {
    if (node.inputs[index] === '' && node.domain === '') bad(`${name}: input ${index} must not be absent`, place);
  }
  for (const [key, kind] of Object.entries(rule.attributes)) {
    const attribute = node.attributes.get(key);
    if (attribute !== undefined && attribute.kind !== kind) {
      // A list that is empty in the file has no type of its own in old files.
      if (attribute.kind === 'opaque') continue;
      bad(`${name}: attribute ${key} is of kind ${attribute.kind}; expected ${kind}`, place);
    }
  }
}

function checkCount(node: Node, what: string, found: number, [least, most]: readonly [number, number]): void {
  if (found >= least && found <= most) return;
  const wanted = least === most ? `${least}` : most >= 2 ** 31 - 1 ? `at least ${least}` : `${least} to ${most}`;
  bad(`${operatorName(node)} has ${found} ${what}${found === 1 ? '' : 's'}; expected ${wanted}`, { node: node.name });
}
