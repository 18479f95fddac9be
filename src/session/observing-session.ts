// A session that reports the ranges of chosen values: what calibration runs.

import type { Backend, BackendKind } from '../backend/backend.js';
import { LowbitError, throwIfAborted } from '../core/errors.js';
import type { Graph } from '../ir/graph.js';
import { checkFeeds, type Feeds } from './feeds.js';
import { backendOf, dataOf, inputSpecs, type RunOptions } from './inference-session.js';
import { Planner } from './planner.js';

/** Smallest and largest element of a value in one run, NaN left out; +inf and -inf when there is none. */
export interface ObservedRange {
  readonly min: number;
  readonly max: number;
}

export interface ObservingOptions {
  readonly backend?: Backend | BackendKind | undefined;
  readonly isa?: string | undefined;
}

/** Runs a graph as it is, without passes, and keeps only the ranges of the observed values. */
export interface ObservingSession {
  /** Errors: ERR_BAD_FEED, ERR_ABORTED, ERR_DISPOSED. */
  run(feeds: Feeds, options?: RunOptions): Promise<ReadonlyMap<string, ObservedRange>>;
  dispose(): void;
}

/**
 * A session over a verified graph that computes the minimum and maximum of float values while it runs; nothing that
 * only other outputs need is computed. The ranges are the same bytes on every instruction set and backend. Errors: ERR_UNSUPPORTED, ERR_BAD_ARGUMENT for a value that the graph does not have.
 */
export function createObservingSession(
  graph: Graph,
  values: readonly string[],
  options: ObservingOptions = {},
): ObservingSession {
  const made = new Set([...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)]);
  const observe = [...new Set(values)];
  const unknown = observe.filter((name) => !made.has(name));
  if (unknown.length > 0) {
    const list = unknown.map((name) => `'${name}'`).join(', ');
    throw new LowbitError('ERR_BAD_ARGUMENT', `The model has no values ${list} to observe`, { argument: 'values' });
  }
  const planner = new Planner(graph, backendOf(options.backend), { isa: options.isa, observe });
  const inputs = inputSpecs(graph);
  return {
    async run(feeds, { signal, onProgress } = {}) {
      throwIfAborted(signal);
      const checked = checkFeeds(feeds, inputs);
      const request = planner.requestOf(checked, []);
      const { observed, statistics } = await planner.use(request, async (plan) => ({
        observed: plan.observed,
        statistics: (await plan.run(dataOf(checked), { signal, onProgress })).statistics,
      }));
      return new Map(
        observed.map((name, row) => [
          name,
          { min: statistics[2 * row] as number, max: statistics[2 * row + 1] as number },
        ]),
      );
    },
    dispose() {
      planner.dispose();
    },
  };
}
