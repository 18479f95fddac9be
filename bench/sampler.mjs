// How the benchmarks take times: a task of tinybench.

import { Bench } from 'tinybench';

/** Runs for about so many milliseconds, at least once; the milliseconds of each run. */
export async function sample(run, milliseconds) {
  const bench = new Bench({ time: milliseconds, iterations: 1, warmup: false, retainSamples: true, throws: true });
  bench.add('run', run);
  bench.runSync();
  return bench.tasks[0].result.latency.samples;
}
