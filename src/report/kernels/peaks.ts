// What this machine can do at most: arithmetic in registers per instruction set, and memory.

import type { Backend } from '../../backend/backend.js';
import { latencyOf } from '../timing.js';
import type { Limit } from './case.js';
import { type KernelOptions, turnsOf } from './measure.js';
import { peakOf } from './program.js';

export interface Peak {
  readonly limit: Limit;
  /** Of memory: the best one. */
  readonly isa: string;
  readonly threads: number;
  /** 10^9 operations or bytes (copies count what is read and what is written) per second: median and best turn. */
  readonly median: number;
  readonly best: number;
}

/** Larger than the caches of most processors: bytes read, and of a copy read and written. */
const MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * The peaks of every instruction set given and of memory, on all threads of the backend; all of them turn about.
 * Errors: ERR_BACKEND when a loop's result is wrong, ERR_ABORTED.
 */
export async function measurePeaks(
  backend: Backend,
  options: Pick<KernelOptions, 'isas' | 'rounds' | 'turnMs' | 'sample' | 'signal'> & { readonly memoryBytes?: number },
): Promise<Peak[]> {
  const bytes = options.memoryBytes ?? MEMORY_BYTES;
  const wanted: { limit: Limit; isa: string; work: number }[] = [
    ...options.isas
      .filter((isa) => isa !== 'portable')
      .flatMap((isa) => (['int8', 'f32'] as const).map((limit) => ({ limit, isa, work: 0 }))),
    ...(['read', 'copy'] as const).map((limit) => ({ limit, isa: options.isas.at(-1) as string, work: bytes })),
  ];
  const programs = wanted.map(({ limit, isa, work }) => peakOf(backend, limit, work, isa));
  try {
    const turns = await turnsOf(programs, options);
    return wanted.map(({ limit, isa }, i) => {
      const { median, min } = latencyOf(turns[i] as number[]);
      const work = (programs[i] as (typeof programs)[number]).work / 1e6;
      return { limit, isa, threads: backend.threads, median: work / median, best: work / min };
    });
  } finally {
    for (const program of programs) program.dispose();
  }
}
