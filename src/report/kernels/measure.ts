// How fast the kernels are, and which part that is of what the machine can do, measured in alternation.

import type { Backend } from '../../backend/backend.js';
import { throwIfAborted } from '../../core/errors.js';
import { latencyOf } from '../timing.js';
import type { KernelCase, Limit } from './case.js';
import { checkCase, type KernelProgram, peakOf, programOf } from './program.js';

/** Runs something again and again for about that long; the milliseconds of each run. */
export type Sampler = (run: () => void, milliseconds: number) => Promise<readonly number[]>;

/** A plain loop: at least one run. */
export const sampleInLoop: Sampler = async (run, milliseconds) => {
  const samples: number[] = [];
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    run();
    samples.push(performance.now() - start);
  } while (performance.now() < end);
  return samples;
};

export interface KernelTiming {
  readonly name: string;
  readonly shape: string;
  readonly isa: string;
  readonly limit: Limit;
  readonly medianMs: number;
  /** 10^9 operations, or bytes read and written, per second: of the kernel and of what limits it. */
  readonly rate: number;
  readonly peak: number;
}

export interface KernelOptions {
  readonly cases: readonly KernelCase[];
  /** Each of these is measured. */
  readonly isas: readonly string[];
  /** Turns of kernel and peak, and how long one of them lasts. */
  readonly rounds: number;
  readonly turnMs: number;
  /** sampleInLoop by default. */
  readonly sample?: Sampler | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Checks every case against the portable kernels and then measures it, turn about with its peak: neighbours that share
 * the machine slow both. A turn's figure is the median of its runs, the result the median of the turns.
 * Errors: ERR_BACKEND for a wrong result, ERR_ABORTED.
 */
export async function measureKernels(backend: Backend, options: KernelOptions): Promise<KernelTiming[]> {
  const { cases, isas } = options;
  const timings: KernelTiming[] = [];
  for (const one of cases) {
    throwIfAborted(options.signal);
    checkCase(backend, one, isas);
    for (const isa of isas) {
      throwIfAborted(options.signal);
      const kernel = programOf(backend, one, isa);
      const peak = peakOf(backend, one.limit, one.work, isa);
      const [medianMs = 0, peakMs = 0] = await alternate([kernel, peak], options);
      kernel.dispose();
      peak.dispose();
      const { name, shape, limit } = one;
      timings.push({
        ...{ name, shape, isa, limit, medianMs },
        ...{ rate: kernel.work / medianMs / 1e6, peak: peak.work / peakMs / 1e6 },
      });
      options.onProgress?.(timings.length, cases.length * isas.length);
    }
  }
  return timings;
}

/** The median of the turns of each program. */
async function alternate(programs: readonly KernelProgram[], options: KernelOptions): Promise<number[]> {
  const turns = await turnsOf(programs, options);
  return turns.map((times) => latencyOf(times).median);
}

/** Per program the medians of its turns; the programs change places from round to round. */
export async function turnsOf(
  programs: readonly KernelProgram[],
  options: Pick<KernelOptions, 'rounds' | 'turnMs' | 'sample' | 'signal'>,
): Promise<number[][]> {
  const sample = options.sample ?? sampleInLoop;
  const times = programs.map((): number[] => []);
  for (const program of programs) program.run();
  for (let round = 0; round < options.rounds; round++) {
    const order = programs.map((_, i) => (i + round) % programs.length);
    for (const i of order) {
      throwIfAborted(options.signal);
      const runs = await sample(() => (programs[i] as KernelProgram).run(), options.turnMs);
      (times[i] as number[]).push(latencyOf(runs).median);
    }
  }
  return times;
}
