// A program: the instructions of a plan over buffers that have no address yet.

import { type Lifetime, type MemoryPlan, planMemory } from './memory-plan.js';

/** Where the bytes of a buffer are. 'prepared' buffers are constants that a prepare program fills once. */
export type Space = 'arena' | 'constant' | 'prepared' | 'input' | 'output';

/** A run of bytes; spaces of arena buffers are decided after lowering, when it is known which ones are outputs. */
export interface Buffer {
  readonly id: number;
  readonly bytes: number;
  space: Space;
  /** Of a constant: its bytes. */
  readonly data?: Uint8Array;
  /** What it holds, for people. */
  label: string;
}

/** A part of a buffer. */
export interface View {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly bytes: number;
}

export type FieldValue = number | View | undefined;

export interface Instruction {
  readonly op: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Names of fields [y, x] such that y may be written over x. */
  readonly inPlace: readonly (readonly [string, string])[];
  /** The node that it belongs to, for people. */
  readonly node: string;
}

export function isView(value: FieldValue): value is View {
  return typeof value === 'object';
}

/** The part of a view that starts `offset` bytes in. */
export function part(view: View, offset: number, bytes: number): View {
  return { buffer: view.buffer, offset: view.offset + offset, bytes };
}

/** Instructions and their buffers, in the order of execution. */
export class Program {
  readonly buffers: Buffer[];
  readonly instructions: Instruction[] = [];

  /** Two programs may share one table of buffers: what the first prepares, the second reads. */
  constructor(buffers: Buffer[] = []) {
    this.buffers = buffers;
  }

  buffer(bytes: number, space: Space, label: string, data?: Uint8Array): View {
    const buffer: Buffer = { id: this.buffers.length, bytes, space, label, ...(data === undefined ? {} : { data }) };
    this.buffers.push(buffer);
    return { buffer, offset: 0, bytes };
  }

  emit(instruction: Instruction): void {
    this.instructions.push(instruction);
  }
}

export interface ArenaPlan extends MemoryPlan {
  /** Offset in the arena by buffer id; only arena buffers that some instruction touches have one. */
  readonly offsetOf: ReadonlyMap<number, number>;
}

/** Lifetimes of the arena buffers of a program, in-place pairs merged where the input dies, and their places. */
export function planArena(program: Program): ArenaPlan {
  const lives = new Map<number, { first: number; last: number; bytes: number }>();
  program.instructions.forEach((instruction, index) => {
    for (const value of Object.values(instruction.fields)) {
      if (!isView(value) || value.buffer.space !== 'arena') continue;
      const life = lives.get(value.buffer.id);
      if (life === undefined) lives.set(value.buffer.id, { first: index, last: index, bytes: value.buffer.bytes });
      else life.last = index;
    }
  });
  const root = new Map<number, number>();
  const rootOf = (id: number): number => {
    let at = id;
    for (let next = root.get(at); next !== undefined; next = root.get(at)) at = next;
    return at;
  };
  program.instructions.forEach((instruction, index) => {
    for (const [yField, xField] of instruction.inPlace) {
      const y = instruction.fields[yField];
      const x = instruction.fields[xField];
      if (!isWhole(y) || !isWhole(x) || y.buffer.id === x.buffer.id || y.bytes > x.bytes) continue;
      const source = rootOf(x.buffer.id);
      const from = lives.get(source);
      const to = lives.get(y.buffer.id);
      // Merged only where y begins and everything that shares the bytes of x ends.
      if (from === undefined || to === undefined || from.last !== index || to.first !== index) continue;
      if (countUses(instruction, x) > 1) continue;
      root.set(y.buffer.id, source);
      lives.delete(y.buffer.id);
      from.last = to.last;
      break;
    }
  });
  const ids = [...lives.keys()];
  const plan = planMemory(ids.map((id) => lives.get(id) as Lifetime));
  const byRoot = new Map(ids.map((id, index) => [id, plan.offsets[index] as number]));
  const offsetOf = new Map(byRoot);
  for (const id of root.keys()) offsetOf.set(id, byRoot.get(rootOf(id)) as number);
  return { ...plan, offsetOf };
}

function isWhole(value: FieldValue): value is View {
  return isView(value) && value.buffer.space === 'arena' && value.offset === 0 && value.bytes === value.buffer.bytes;
}

function countUses(instruction: Instruction, view: View): number {
  return Object.values(instruction.fields).filter((value) => isView(value) && value.buffer.id === view.buffer.id)
    .length;
}
