// How many threads WebAssembly may use here, where no native code can tell.

import { builtin } from '../core/host.js';
import { nodeFs } from './location.js';

/** Each thread of a page is a worker of some megabytes, and browsers count the two threads of a core as two. */
const MOST_IN_BROWSERS = 8;

interface Page {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

/** The processors of this process, lowered by its container's limit; in a browser 1 unless memory can be shared. */
export function machineThreads(): number {
  const os = builtin('node:os');
  if (os !== undefined) return Math.max(1, Math.min(os.availableParallelism(), quota()));
  const { crossOriginIsolated, navigator } = globalThis as Page;
  if (crossOriginIsolated !== true) return 1;
  return Math.max(1, Math.min(navigator?.hardwareConcurrency ?? 1, MOST_IN_BROWSERS));
}

/** What a control group of Linux (version 2, then 1) gives the container, in processors, rounded up. */
function quota(): number {
  const [limit = NaN, period = NaN] = (firstLine('/sys/fs/cgroup/cpu.max') ?? '').split(' ').map(Number);
  const old = '/sys/fs/cgroup/cpu/cpu.cfs_';
  const ratio = limit / period || Number(firstLine(`${old}quota_us`)) / Number(firstLine(`${old}period_us`));
  return ratio > 0 ? Math.ceil(ratio) : Infinity;
}

function firstLine(path: string): string | undefined {
  try {
    return nodeFs?.readFileSync(path, 'utf8').trim();
  } catch {
    return undefined; // no such group: nothing is limited by it
  }
}
