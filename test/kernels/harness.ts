// Runs a few instructions on every backend and instruction set of this machine and insists on the same bytes everywhere.

import { expect } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { loadBackendOf } from '../../src/backend/load.js';
import { PlanBuilder } from '../../src/backend/plan-builder.js';

/** One instruction: fields are numbers, or names of the program's buffers (undefined = absent). */
export type Step = readonly [op: string, fields: Readonly<Record<string, number | string | undefined>>];

/** Buffers by name: their contents, or the number of bytes of one that the steps write. */
export interface Program {
  readonly buffers: Readonly<Record<string, ArrayBufferView | number>>;
  readonly steps: readonly Step[];
}

/** A backend with an instruction set to use. */
export interface Target {
  readonly name: string;
  readonly backend: Backend;
  readonly isa: string;
}

/** What is around and in the buffers before the steps run: nothing that is not an output may change. */
const GUARD = 0xa5;
const GUARD_BYTES = 128;

/** Offsets of the buffers' first bytes behind a 64-byte boundary that the tests use; multiples of the largest element. */
export const SHIFTS = [0, 8, 56] as const;

let found: Target[] | undefined;

/** Every usable instruction set of the native backend, lowest first, and those of WebAssembly when it is built. */
export function targets(): readonly Target[] {
  if (found === undefined) {
    const usable: Target[] = [];
    const native = loadBackendOf('native');
    for (const isa of native.isas) usable.push({ name: `native ${isa}`, backend: native, isa });
    for (const variant of ['simd128', 'relaxed'] as const) {
      let backend: Backend;
      try {
        backend = loadBackendOf('wasm', { variant });
      } catch (error) {
        console.warn(`harness: not run on WebAssembly ${variant}: ${(error as Error).message}`);
        continue;
      }
      for (const isa of backend.isas) usable.push({ name: `wasm ${variant} ${isa}`, backend, isa });
    }
    found = usable;
  }
  return found;
}

function bytesOfView(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Runs the program on one target. All buffers lie in the plan's arena, `shift` bytes behind a 64-byte boundary each, with
 * guard bytes around them; fails when the run changed a guard byte or a buffer that no step writes. Returns the written ones.
 */
export function runProgram(target: Target, program: Program, shift = 0): Record<string, Uint8Array> {
  const offsets = new Map<string, number>();
  let total = 0;
  for (const [name, content] of Object.entries(program.buffers)) {
    const bytes = typeof content === 'number' ? content : content.byteLength;
    offsets.set(name, total + GUARD_BYTES + shift);
    total += Math.ceil((GUARD_BYTES + shift + bytes + GUARD_BYTES) / 64) * 64;
  }
  const before = new Uint8Array(total).fill(GUARD);
  for (const [name, content] of Object.entries(program.buffers)) {
    if (typeof content !== 'number') before.set(bytesOfView(content), offsets.get(name) as number);
  }

  const builder = new PlanBuilder(target.backend);
  const input = builder.input(total);
  const output = builder.output(total);
  const whole = builder.arena(0, total);
  const move = { rows: 1, row_bytes: total, x_stride: total, x_offset: 0, y_stride: total, y_offset: 0 };
  builder.op('copy_rows', { x: input, y: whole, ...move });
  const refs = new Map(
    Object.entries(program.buffers).map(([name, content]) => [
      name,
      builder.arena(offsets.get(name) as number, typeof content === 'number' ? content : content.byteLength),
    ]),
  );
  for (const [op, fields] of program.steps) {
    const resolved = Object.entries(fields).map(([field, value]) => {
      if (typeof value !== 'string') return [field, value] as const;
      const ref = refs.get(value);
      if (ref === undefined) throw new Error(`the program has no buffer '${value}'`);
      return [field, ref] as const;
    });
    builder.op(op, Object.fromEntries(resolved));
  }
  builder.op('copy_rows', { x: whole, y: output, ...move });

  const after = new Uint8Array(total);
  const plan = builder.build(total, { isa: target.isa });
  try {
    plan.runSync([before], [after]);
  } finally {
    plan.dispose();
  }

  const results: Record<string, Uint8Array> = {};
  for (const [name, content] of Object.entries(program.buffers)) {
    if (typeof content !== 'number') continue;
    const offset = offsets.get(name) as number;
    results[name] = after.slice(offset, offset + content);
    after.set(before.subarray(offset, offset + content), offset);
  }
  const changed = Buffer.compare(after, before) === 0 ? -1 : after.findIndex((byte, i) => byte !== before[i]);
  if (changed >= 0) {
    const place = [...offsets].findLast(([, offset]) => offset - GUARD_BYTES - shift <= changed);
    throw new Error(
      `${target.name}: wrote outside of its outputs, ${changed - (place?.[1] ?? 0)} bytes from '${place?.[0]}'`,
    );
  }
  return results;
}

/** Float results are compared without the payloads and signs of NaNs, which instruction sets choose for themselves. */
export interface Comparison {
  /** Names of the outputs that are float32. */
  readonly floats?: readonly string[];
  /** Offsets to run at; by default one that walks with the number of calls. */
  readonly shifts?: readonly number[];
}

function canonical(bytes: Uint8Array, isFloat: boolean): Uint8Array {
  if (!isFloat) return bytes;
  const words = new Uint32Array(bytes.slice().buffer);
  for (let i = 0; i < words.length; i++) {
    if (((words[i] as number) & 0x7fffffff) > 0x7f800000) words[i] = 0x7fc00000;
  }
  return new Uint8Array(words.buffer);
}

let calls = 0;

/** Runs the program on every target and expects the same bytes from all. Returns the outputs. */
export function runEverywhere(program: Program, comparison: Comparison = {}): Record<string, Uint8Array> {
  const shifts = comparison.shifts ?? [SHIFTS[calls++ % SHIFTS.length] as number];
  const floats = new Set(comparison.floats);
  let first: Record<string, Uint8Array> | undefined;
  for (const shift of shifts) {
    for (const target of targets()) {
      const results = runProgram(target, program, shift);
      for (const [name, bytes] of Object.entries(results)) results[name] = canonical(bytes, floats.has(name));
      if (first === undefined) {
        first = results;
        continue;
      }
      for (const [name, bytes] of Object.entries(results)) {
        const wanted = first[name] as Uint8Array;
        if (Buffer.compare(bytes, wanted) === 0) continue;
        const at = bytes.findIndex((byte, i) => byte !== wanted[i]);
        expect.fail(
          `${target.name} at offset ${shift}: byte ${at} of '${name}' is ${bytes[at]}, on ${targets()[0]?.name} ${wanted[at]}` +
            ` (${program.steps.map(([op, fields]) => `${op} ${JSON.stringify(fields)}`).join('; ')})`,
        );
      }
    }
  }
  return first as Record<string, Uint8Array>;
}

/** The result as floats. */
export function floatsIn(bytes: Uint8Array | undefined): Float32Array<ArrayBuffer> {
  if (bytes === undefined) throw new Error('the program has no such output');
  return new Float32Array(bytes.slice().buffer);
}

export function int32sIn(bytes: Uint8Array | undefined): Int32Array<ArrayBuffer> {
  if (bytes === undefined) throw new Error('the program has no such output');
  return new Int32Array(bytes.slice().buffer);
}

/**
 * Declares which slots of native/kernels/kernels.inc the calling test file exercises on every target; fails for a name that
 * no row has. A repository test reads these calls and fails for a slot that no file declares.
 */
export function coversSlots(...slots: readonly string[]): void {
  const known = new Set(targets()[0]?.backend.kernels.map((kernel) => kernel.slot));
  for (const slot of slots) expect(known.has(slot), `${slot} is a slot of kernels.inc`).toBe(true);
}

/** Sizes around the widths of vectors, unrolled loops and column blocks. */
export const AWKWARD_SIZES = [
  1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 256, 257, 300, 1000,
] as const;

/** A small deterministic generator (mulberry32): the same numbers in every run. Returns values in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard-normal-like floats times `spread`, with the given special values strewn in. */
export function randomFloats(
  n: number,
  seed: number,
  spread = 1,
  special: readonly number[] = [],
): Float32Array<ArrayBuffer> {
  const random = randomOf(seed);
  return Float32Array.from({ length: n }, () => {
    if (special.length > 0 && random() < 0.1) return special[Math.floor(random() * special.length)] as number;
    return (random() + random() + random() - 1.5) * 2 * spread;
  });
}

/** Codes over the whole range of the format, its ends more often than by chance. */
export function randomCodes(
  n: number,
  seed: number,
  signed: boolean,
): Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer> {
  const random = randomOf(seed);
  const make = () => {
    const r = random();
    const byte = r < 0.05 ? 0 : r < 0.1 ? 255 : Math.floor(random() * 256);
    return signed ? byte - 128 : byte;
  };
  return signed ? Int8Array.from({ length: n }, make) : Uint8Array.from({ length: n }, make);
}
