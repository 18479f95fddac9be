// The loops that measure the machine's peaks compute what they claim, on every target.

import { expect, test } from 'vitest';
import { coversSlots, floatsIn, runEverywhere, SHIFTS } from './harness.js';

/** kPeakSteps of native/kernels/peak/peak.h. */
const STEPS = 3072;

function integers(a: Uint8Array, b: Int8Array, tasks: number, steps: number): Int32Array {
  const { y } = runEverywhere(
    { buffers: { a, b, y: 64 * tasks }, steps: [['measure_peak', { a: 'a', b: 'b', y: 'y', kind: 0, tasks, steps }]] },
    { shifts: SHIFTS },
  );
  return new Int32Array((y as Uint8Array).slice().buffer);
}

test('integer peaks: every step adds 4 codes by 16 columns', () => {
  coversSlots('peak_u8i8_i32', 'peak_f32', 'read_u8_i32');
  const cases = [
    [Uint8Array.of(1, 2, 3, 4), Int8Array.from({ length: 64 }, (_, i) => i - 32)],
    [Uint8Array.of(255, 255, 255, 255), new Int8Array(64).fill(-128)],
    [Uint8Array.of(255, 0, 128, 127), Int8Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 127 : -128) ^ (i % 7))],
  ] as const;
  for (const [a, b] of cases) {
    for (const steps of [0, STEPS, 5 * STEPS]) {
      const wanted = Array.from({ length: 16 }, (_, j) => {
        const dot = Array.from(a).reduce((sum, code, i) => sum + code * (b[4 * j + i] as number), 0);
        return Math.imul(dot, steps);
      });
      expect(Array.from(integers(a, b, 2, steps))).toEqual([...wanted, ...wanted]);
    }
  }
});

test('float peaks: every step adds one factor by 16 columns', () => {
  const a = Float32Array.of(3);
  const b = Float32Array.from({ length: 16 }, (_, j) => j - 7);
  const steps = 2 * STEPS;
  const { y } = runEverywhere(
    {
      buffers: { a, b, y: 3 * 64 },
      steps: [['measure_peak', { a: 'a', b: 'b', y: 'y', kind: 1, tasks: 3, steps }]],
    },
    { floats: ['y'] },
  );
  // Integers below 2^24, so that no sum is rounded; +0 where a column is 0.
  const wanted = Array.from(b, (value) => 3 * value * steps + 0);
  expect(Array.from(floatsIn(y))).toEqual([...wanted, ...wanted, ...wanted]);
});

test('reading: the sum of every word', () => {
  for (const [tasks, bytes] of [
    [1, 0],
    [1, 64],
    [2, 256 + 192],
    [3, 4096],
  ] as const) {
    const x = Int32Array.from({ length: (tasks * bytes) / 4 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
    const steps = [['measure_read', { x: 'x', y: 'y', tasks, task_bytes: bytes }]] as const;
    const { y } = runEverywhere({ buffers: { x, y: 64 * tasks }, steps });
    const wanted = new Int32Array(16 * tasks);
    for (const [i, word] of x.entries()) {
      const at = 16 * Math.floor((4 * i) / bytes) + (i % 16);
      wanted[at] = (wanted[at] as number) + word;
    }
    expect(Array.from(new Int32Array((y as Uint8Array).slice().buffer))).toEqual(Array.from(wanted));
  }
});
