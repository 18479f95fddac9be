// Times of several subjects beside each other, turn about: neighbours that share the machine slow all of them.

import { setTimeout } from 'node:timers/promises';

/** The median; of an even number the mean of the two in the middle. */
export function medianOf(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Threads of a pool that look for more work for a while would take the processors of whoever is next. */
const PAUSE_MS = 20;

/**
 * Gives every subject (a function, or one that returns a promise) a turn of about `turnMs` in each of `rounds` rounds; the
 * places change from round to round. A turn begins with a run that is not measured and brings the subject's own data back
 * into the caches; its figure is the median of its other runs, of which there is at least one. `pause`: the processors rest before every turn.
 * `ms(name)`: the median of the turns. `speed(name, base)`: the median of the rounds' ratios of base to name.
 */
export async function duel(subjects, { rounds = 9, turnMs = 20, pause = false } = {}) {
  const names = Object.keys(subjects);
  const turns = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await subjects[name]();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      if (pause) await setTimeout(PAUSE_MS);
      turns[name].push(await turnOf(subjects[name], turnMs));
    }
  }
  return {
    ms: (name) => medianOf(turns[name]),
    speed: (name, base) => medianOf(turns[name].map((time, round) => turns[base][round] / time)),
  };
}

async function turnOf(run, milliseconds) {
  await run();
  const times = [];
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    const pending = run();
    if (pending instanceof Promise) await pending;
    times.push(performance.now() - start);
  } while (performance.now() < end);
  return medianOf(times);
}
