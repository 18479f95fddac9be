// The memory plan: gives every buffer of a plan its place in one arena, so that buffers which are never alive together share bytes.

/** Offsets and sizes in the arena are multiples of this: a cache line, and the widest vector register. */
export const ARENA_ALIGNMENT = 64;

/** A buffer that is alive from instruction `first` to instruction `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface MemoryPlan {
  /** Byte offset of each buffer, in the order of the lifetimes. */
  readonly offsets: readonly number[];
  readonly arenaBytes: number;
}

/**
 * Places buffers by decreasing size, each into the smallest gap that is free during its whole life.
 * The result has no two buffers that overlap both in time and in bytes, and every offset is 64-byte aligned.
 * Source: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020), greedy by size.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, index) => index).sort((x, y) => sizeAt(lifetimes, y) - sizeAt(lifetimes, x) || x - y);
  const placed: { start: number; end: number; first: number; last: number }[] = [];
  let arenaBytes = 0;
  for (const index of order) {
    const { first, last } = lifetimes[index] as Lifetime;
    const size = sizeAt(lifetimes, index);
    if (size === 0) continue;
    let best: number | undefined;
    let bestGap = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const other of placed) {
      if (other.last < first || last < other.first) continue;
      const gap = other.start - end;
      if (gap >= size && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = Math.max(end, other.end);
    }
    const start = best ?? end;
    offsets[index] = start;
    arenaBytes = Math.max(arenaBytes, start + size);
    const position = placed.findIndex((other) => other.start > start);
    placed.splice(position < 0 ? placed.length : position, 0, { start, end: start + size, first, last });
  }
  return { offsets, arenaBytes };
}

function sizeAt(lifetimes: readonly Lifetime[], index: number): number {
  const { bytes } = lifetimes[index] as Lifetime;
  return Math.ceil(bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
}
