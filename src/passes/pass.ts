// What a pass is.

import type { Graph } from '../ir/graph.js';

/** A pass takes a verified graph and returns a new one; it never changes what a run computes, beyond float rounding. */
export interface Pass {
  /** One sentence for documentation and `--help`. */
  readonly summary: string;
  readonly run: (graph: Graph) => Graph;
}
