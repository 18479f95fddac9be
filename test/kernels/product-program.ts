// What the tests of products and convolutions share: sizes of packed weights, random operands, comparison with a bound.

import { expect } from 'vitest';
import { gamma } from '../oracle/product.js';
import { floatsIn, type Program, randomOf, runProgram, SHIFTS, targets } from './harness.js';

/** Bytes of one packed matrix, as native/kernels/pack/pack.h draws it. */
export function packedI8Bytes(k: number, n: number, groupSize = k): number {
  const panels = Math.ceil(n / 16);
  return 64 + Math.ceil(k / groupSize) * panels * 64 + panels * Math.ceil(k / 4) * 64;
}

export function packedF32Bytes(k: number, n: number): number {
  return 64 + Math.ceil(n / 16) * k * 64;
}

export function packedHalfBytes(k: number, n: number): number {
  return 64 + Math.ceil(n / 16) * Math.ceil(k / 2) * 64;
}

/** Fields of pack_i8, pack_f32 and pack_half for row-major matrices w [batch, k, n]. */
export function packFields(batch: number, k: number, n: number): Record<string, number> {
  return {
    batch,
    batch_stride: k * n,
    k0: 1,
    k1: 1,
    k2: k,
    k0_stride: k * n,
    k1_stride: k * n,
    k2_stride: n,
    n,
    n_stride: 1,
  };
}

export type Filling = 'random' | 'highest' | 'lowest';

/** Codes of ONNX format 2 (u8) or 3 (i8): random, all 255 / 127, or all 0 / -128. */
export function codesOf(
  n: number,
  format: number,
  seed: number,
  filling: Filling,
): Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer> {
  const random = randomOf(seed);
  const lowest = format === 3 ? -128 : 0;
  const make = () => (filling === 'random' ? Math.floor(random() * 256) : filling === 'highest' ? 255 : 0) + lowest;
  return format === 3 ? Int8Array.from({ length: n }, make) : Uint8Array.from({ length: n }, make);
}

export function int32sOf(n: number, seed: number, lo: number, hi: number): Int32Array<ArrayBuffer> {
  const random = randomOf(seed);
  return Int32Array.from({ length: n }, () => lo + Math.floor(random() * (hi - lo + 1)));
}

/** Multipliers that spread accumulators of k products over the range of the codes. */
export function multipliersOf(n: number, seed: number, k: number): Float32Array<ArrayBuffer> {
  const random = randomOf(seed);
  return Float32Array.from({ length: n }, () => (0.2 + random()) / (64 * Math.sqrt(k) + 16));
}

let calls = 0;

/**
 * Runs the program on every target and expects float results within gamma_terms * magnitude of the value; NaN where the
 * value is NaN. The value was added in double, whose own error (terms * 2^-53) is added to the bound.
 */
export function expectWithin(
  program: Program,
  wanted: { readonly value: readonly number[]; readonly magnitude: readonly number[] },
  terms: number,
): void {
  const shift = SHIFTS[calls++ % SHIFTS.length] as number;
  for (const target of targets()) {
    const y = floatsIn(runProgram(target, program, shift).y);
    expect(y.length).toBe(wanted.value.length);
    for (const [i, value] of wanted.value.entries()) {
      const bound = (gamma(terms) + terms * 2 ** -53) * (wanted.magnitude[i] as number);
      const error = Math.abs((y[i] as number) - value);
      if (!(error <= bound)) {
        expect.fail(`${target.name}: element ${i} is ${y[i]}, wanted ${value} within ${bound}`);
      }
    }
  }
}
