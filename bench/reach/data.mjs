// Operands of the products that are measured, and products computed one by one to check them.

import { built } from '../networks.mjs';

const { randomIntegers } = await built('core/random.js');

/** A stretch of random bytes, repeated: nothing that is measured depends on the values. */
export function bytes(n, seed = n) {
  const next = randomIntegers(seed);
  const block = Uint8Array.from({ length: Math.min(n, 65_521) }, () => next() >>> 24);
  const all = new Uint8Array(n);
  for (let at = 0; at < n; at += block.length) all.set(block.subarray(0, Math.min(block.length, n - at)), at);
  return all;
}

/** Codes in [-64, 63]: the kernels of peers that saturate sums of two products stay exact with them. */
export function weightCodes(n, seed = n) {
  return Int8Array.from(bytes(n, seed), (byte) => (byte >> 1) - 64);
}

/** Floats in [-1, 1). */
export function floats(n, seed = n) {
  return Float32Array.from(bytes(n, seed), (byte) => (byte - 128) / 128);
}

/** Positive scales, one per column. */
export function scales(n, size) {
  return Float32Array.from(bytes(n), (byte) => size * (1 + byte / 256));
}

/** Calls visit(row, column, sum of a[row, i] * w[i, column]) for some places of the product of [m, k] by [k, n]. */
export function eachSample(m, k, n, a, w, visit) {
  const next = randomIntegers(m + k + n);
  for (let i = 0; i < 64; i++) {
    const row = next() % m;
    const column = next() % n;
    let sum = 0;
    for (let j = 0; j < k; j++) sum += a(row * k + j) * w(j * n + column);
    visit(row, column, sum);
  }
}

/** Throws unless the difference is at most `bound`. */
export function wantClose(what, found, wanted, bound) {
  if (Math.abs(found - wanted) <= bound) return;
  throw new Error(`${what} is ${found}; expected ${wanted} within ${bound}`);
}
