// Laws of the memory plan, and of the arena of a program.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARENA_ALIGNMENT, planMemory } from '../../src/runtime/memory-plan.js';
import { Program, planArena } from '../../src/runtime/program.js';

const lifetimes = fc.array(
  fc
    .record({ bytes: fc.integer({ min: 0, max: 5000 }), first: fc.nat(30), length: fc.nat(10) })
    .map(({ bytes, first, length }) => ({ bytes, first, last: first + length })),
  { maxLength: 40 },
);

describe('planMemory', () => {
  it('never puts two living buffers into the same bytes', () => {
    fc.assert(
      fc.property(lifetimes, (lives) => {
        const { offsets, arenaBytes } = planMemory(lives);
        lives.forEach((a, i) => {
          const [from, to] = [offsets[i] as number, (offsets[i] as number) + a.bytes];
          expect(from % ARENA_ALIGNMENT).toBe(0);
          expect(to).toBeLessThanOrEqual(arenaBytes);
          lives.slice(i + 1).forEach((b, step) => {
            const other = offsets[i + 1 + step] as number;
            const together = a.first <= b.last && b.first <= a.last;
            const overlap = a.bytes > 0 && b.bytes > 0 && from < other + b.bytes && other < to;
            expect(together && overlap).toBe(false);
          });
        });
      }),
    );
  });

  it('is no larger than all buffers together and no smaller than what lives at once', () => {
    fc.assert(
      fc.property(lifetimes, (lives) => {
        const rounded = lives.map((life) => ({
          ...life,
          bytes: Math.ceil(life.bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT,
        }));
        const { arenaBytes } = planMemory(lives);
        expect(arenaBytes).toBeLessThanOrEqual(rounded.reduce((sum, { bytes }) => sum + bytes, 0));
        for (let time = 0; time <= 40; time++) {
          const alive = rounded.filter(({ first, last }) => first <= time && time <= last);
          expect(arenaBytes).toBeGreaterThanOrEqual(alive.reduce((sum, { bytes }) => sum + bytes, 0));
        }
      }),
    );
  });

  it('reuses the bytes of a chain', () => {
    const chain = Array.from({ length: 20 }, (_, i) => ({ bytes: 6400, first: i, last: i + 1 }));
    expect(planMemory(chain).arenaBytes).toBe(12800);
  });
});

describe('planArena', () => {
  /** A chain of elementwise instructions that may all run in place. */
  function chain(length: number): Program {
    const program = new Program();
    let x = program.buffer(640, 'arena', 'v0');
    program.emit({ op: 'fill', fields: { y: x }, inPlace: [], node: '' });
    for (let i = 1; i <= length; i++) {
      const y = program.buffer(640, 'arena', `v${i}`);
      program.emit({ op: 'clamp_f32', fields: { x, y }, inPlace: [['y', 'x']], node: '' });
      x = y;
    }
    return program;
  }

  it('runs a chain in place', () => {
    const program = chain(5);
    const plan = planArena(program);
    expect(plan.arenaBytes).toBe(640);
    expect(new Set(program.buffers.map(({ id }) => plan.offsetOf.get(id))).size).toBe(1);
  });

  it('keeps a buffer that is read later', () => {
    const program = chain(3);
    const [first, , , last] = program.buffers;
    if (first === undefined || last === undefined) throw new Error('four buffers');
    const whole = (buffer: typeof first) => ({ buffer, offset: 0, bytes: buffer.bytes });
    const y = program.buffer(640, 'arena', 'sum');
    program.emit({
      op: 'binary_f32',
      fields: { a: whole(last), b: whole(first), y },
      inPlace: [
        ['y', 'a'],
        ['y', 'b'],
      ],
      node: '',
    });
    const plan = planArena(program);
    expect(plan.offsetOf.get(first.id)).not.toBe(plan.offsetOf.get(last.id));
    expect(plan.offsetOf.get(y.buffer.id)).toBe(plan.offsetOf.get(last.id));
    expect(plan.arenaBytes).toBe(1280);
  });

  it('does not merge an operand that the same instruction reads twice', () => {
    const program = new Program();
    const x = program.buffer(64, 'arena', 'x');
    const y = program.buffer(64, 'arena', 'y');
    program.emit({ op: 'fill', fields: { y: x }, inPlace: [], node: '' });
    program.emit({ op: 'binary_f32', fields: { a: x, b: x, y }, inPlace: [['y', 'a']], node: '' });
    expect(planArena(program).arenaBytes).toBe(128);
  });
});
