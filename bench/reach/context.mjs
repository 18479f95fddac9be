// What the rows share: the backends, the number of threads, the sizes of this machine.

import { readFileSync } from 'node:fs';
import { built } from '../networks.mjs';

const { loadBackendOf } = await built('backend/load.js');

/** Where the system does not say how large the last cache is. */
const USUAL_CACHE_BYTES = 32 * 1024 * 1024;

export function openContext({ settings, shared }) {
  const backend = loadBackendOf('native', { threads: 1 });
  return {
    ...{ backend, settings, shared },
    /** Of everything that this process runs natively from now on. */
    setThreads: (threads) => backend.call('threads', threads),
    cacheBytes: lastCacheBytes(),
  };
}

/** The largest cache of the first processor. */
function lastCacheBytes() {
  const units = { K: 1024, M: 1024 * 1024, G: 1024 * 1024 * 1024 };
  let largest = 0;
  for (let index = 0; ; index++) {
    let text;
    try {
      text = readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`, 'utf8').trim();
    } catch {
      return largest || USUAL_CACHE_BYTES;
    }
    largest = Math.max(largest, Number.parseInt(text, 10) * (units[text.at(-1)] ?? 1));
  }
}
