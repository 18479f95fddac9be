// The sizes of packed weights in TypeScript and in C++ are the same.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../src/backend/load.js';
import { PlanBuilder } from '../../src/backend/plan-builder.js';
import { packedF32Bytes, packedHalfBytes, packedI8Bytes } from '../../src/runtime/packed.js';

const HEADER = { tile: 4, k: 8, n: 12, group: 16, total: 48 } as const;

/** Packs zeros into `bytes` bytes and returns the header. */
function pack(
  op: 'pack_i8' | 'pack_f32' | 'pack_half',
  k: number,
  n: number,
  groupSize: number,
  bytes: number,
): DataView {
  const builder = new PlanBuilder(loadBackend());
  const width = op === 'pack_i8' ? 1 : 4;
  builder.op(op, {
    w: builder.input(k * n * width),
    packed: builder.output(bytes),
    ...{ batch: 1, batch_stride: 0, k0: 1, k1: 1, k2: k, k0_stride: 0, k1_stride: 0, k2_stride: n, n, n_stride: 1 },
    ...(op === 'pack_i8' ? { group_size: groupSize, format: 3 } : {}),
    ...(op === 'pack_half' ? { format: 16 } : {}),
  });
  const plan = builder.build(0);
  const packed = new Uint8Array(bytes);
  plan.runSync([new Uint8Array(k * n * width)], [packed]);
  plan.dispose();
  return new DataView(packed.buffer);
}

describe('sizes of packed weights', () => {
  it('i8: the header says the size that TypeScript computed, and one byte less is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 40 }), fc.nat(6), (k, n, quads) => {
        const groupSize = quads * 4 > k ? 0 : quads * 4;
        const bytes = packedI8Bytes(k, n, groupSize);
        const header = pack('pack_i8', k, n, groupSize, bytes);
        expect(Number(header.getBigInt64(HEADER.total, true))).toBe(bytes);
        expect(header.getInt32(HEADER.k, true)).toBe(k);
        expect(header.getInt32(HEADER.n, true)).toBe(n);
        expect(() => pack('pack_i8', k, n, groupSize, bytes - 1)).toThrow();
      }),
      { numRuns: 100 },
    );
  });

  it('f32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 40 }), (k, n) => {
        const bytes = packedF32Bytes(k, n);
        expect(Number(pack('pack_f32', k, n, 0, bytes).getBigInt64(HEADER.total, true))).toBe(bytes);
        expect(() => pack('pack_f32', k, n, 0, bytes - 1)).toThrow();
      }),
      { numRuns: 100 },
    );
  });

  it('f16 and bf16', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 40 }), (k, n) => {
        const bytes = packedHalfBytes(k, n);
        expect(Number(pack('pack_half', k, n, 0, bytes).getBigInt64(HEADER.total, true))).toBe(bytes);
        expect(() => pack('pack_half', k, n, 0, bytes - 1)).toThrow();
      }),
      { numRuns: 100 },
    );
  });
});
