// Statistics of a model's inner values over a dataset.

import { LowbitError } from '../core/errors.js';
import type { Graph } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import type { ObserverName } from '../observe/observer.js';
import { type Statistics, StatisticsCollector } from '../observe/statistics.js';
import { createObservingSession } from '../session/observing-session.js';
import { type Dataset, samplesOf } from './dataset.js';
import { feedOfSample, type InputType } from './feeds.js';

export interface CollectOptions {
  /** Default: `min-max`. */
  readonly observer?: ObserverName;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Runs the float graph on every sample and takes note of the smallest and the largest element of each of `values`. The
 * ranges are measured where the values are, inside the run: no tensor leaves it, and memory does not grow with the dataset.
 * Errors: ERR_BAD_ARGUMENT (an empty dataset, a value that is not in the graph), ERR_BAD_FEED (a sample that does not fit
 * the model), ERR_BAD_MODEL (a value that is NaN or infinite on a sample), ERR_ABORTED, and those of the run.
 */
export async function collectStatistics(
  graph: Graph,
  values: readonly string[],
  dataset: Dataset,
  options: CollectOptions = {},
): Promise<Statistics> {
  if (dataset.length === 0) throw new LowbitError('ERR_BAD_ARGUMENT', 'The calibration set has no samples');
  const collector = new StatisticsCollector(options.observer);
  const inputs = inputTypes(graph);
  const session = createObservingSession(graph, values);
  let done = 0;
  try {
    for await (const sample of samplesOf(dataset, options.signal)) {
      const ranges = await session.run(feedOfSample(sample, inputs), { signal: options.signal });
      for (const [name, range] of ranges) {
        if (!Number.isFinite(range.min) || !Number.isFinite(range.max)) {
          throw new LowbitError('ERR_BAD_MODEL', `The value is not finite on the sample '${sample.name}'`, {
            tensor: name,
          });
        }
        collector.add(name, range);
      }
      options.onProgress?.(++done, dataset.length);
    }
  } finally {
    session.dispose();
  }
  return collector.statistics();
}

/** The inputs of a graph with the types that are declared or inferred. Errors: ERR_BAD_MODEL for an untyped input. */
export function inputTypes(graph: Graph): InputType[] {
  const { types } = inferTypes(graph);
  return graph.inputs.map((name) => {
    const type = types.get(name);
    if (type === undefined) throw new LowbitError('ERR_BAD_MODEL', 'The input has no type', { tensor: name });
    return { name, type: type.dtype, dims: type.dims };
  });
}
