// Removes the nodes and constants that no output depends on.

import { usesOf } from '../ir/edit.js';
import type { Graph } from '../ir/graph.js';

/** The graph without nodes, constants and types that nothing reads. Inputs stay: they are what callers feed. */
export function removeDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      const live = node.outputs.some((name) => needed.has(name));
      if (live) for (const name of usesOf(node)) needed.add(name);
      return live;
    })
    .reverse();
  const made = new Set([...graph.inputs, ...needed, ...nodes.flatMap((node) => node.outputs)]);
  return {
    ...graph,
    nodes,
    constants: new Map([...graph.constants].filter(([name]) => needed.has(name))),
    types: new Map([...graph.types].filter(([name]) => made.has(name))),
  };
}
