// Seeded random numbers: the same seed gives the same numbers on every machine.

/**
 * A generator of uniform integers in [0, 2^32). State: 32 bits, Marsaglia's xorshift ("Xorshift RNGs", 2003, triple
 * 13, 17, 5), started from the seed times an odd constant so that neighbouring seeds differ at once. Never for secrets.
 */
export function randomIntegers(seed: number): () => number {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x6b8b4567) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state;
  };
  for (let i = 0; i < 8; i++) next();
  return next;
}

/**
 * `count` distinct indices of [0, length), ascending, every subset about equally likely. Selection sampling (Knuth, The
 * Art of Computer Programming 2, 3.4.2, algorithm S): one pass, no memory beyond the result.
 */
export function seededSubset(length: number, count: number, seed: number): number[] {
  const random = randomIntegers(seed);
  const chosen: number[] = [];
  for (let index = 0; index < length && chosen.length < count; index++) {
    const wanted = count - chosen.length;
    if ((random() / 2 ** 32) * (length - index) < wanted) chosen.push(index);
  }
  return chosen;
}

/** The items in an order drawn with a generator (Fisher and Yates); the array that came in stays as it is. */
export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor((random() / 2 ** 32) * (last + 1));
    [result[last], result[other]] = [result[other] as Item, result[last] as Item];
  }
  return result;
}
