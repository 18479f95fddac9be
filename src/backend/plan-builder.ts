// Writes plans: buffers and instructions by name, checked against the backend's table of operations.

import { LowbitError } from '../core/errors.js';
import type { Backend, BackendPlan, PlanOptions } from './backend.js';

/** Memory that instructions name: a part of the arena, a constant, an input or an output. */
export interface BufferRef {
  readonly bytes: number;
  /** Position in the plan's table of buffers. */
  readonly index: number;
}

const SPACES = { arena: 0, constants: 1, input: 2, output: 3 } as const;
const MAGIC = 0x4c42504c;
const VERSION = 2;

/** Constants start on a multiple of this: a cache line, and the width of an AVX-512 register. */
export const ALIGNMENT = 64;

interface Entry extends BufferRef {
  readonly space: (typeof SPACES)[keyof typeof SPACES];
  readonly port: number;
  readonly offset: number;
}

/**
 * Collects a program and loads it into a backend.
 * Errors: ERR_BAD_ARGUMENT for an unknown operation, a field that is missing, unknown or not of its kind, a buffer of
 * another builder, or a reserved constant that was never filled.
 */
export class PlanBuilder {
  readonly #backend: Backend;
  readonly #buffers: Entry[] = [];
  readonly #constants = new Map<number, Uint8Array | undefined>();
  readonly #instructions: number[] = [];
  readonly #float = new Float32Array(1);
  readonly #bits = new Int32Array(this.#float.buffer);
  #instructionCount = 0;
  #inputs = 0;
  #outputs = 0;
  #constantBytes = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The next input of a run. */
  input(bytes: number): BufferRef {
    return this.#add(SPACES.input, this.#inputs++, 0, bytes);
  }

  /** The next output of a run. */
  output(bytes: number): BufferRef {
    return this.#add(SPACES.output, this.#outputs++, 0, bytes);
  }

  /** A constant; its bytes are copied when the plan is built. */
  constant(data: ArrayBufferView): BufferRef {
    const ref = this.reserveConstant(data.byteLength);
    this.fillConstant(ref, data);
    return ref;
  }

  /** Room for a constant that fillConstant() gives later, before build(). */
  reserveConstant(bytes: number): BufferRef {
    const ref = this.#add(SPACES.constants, 0, this.#constantBytes, bytes);
    this.#constants.set(ref.index, undefined);
    this.#constantBytes += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return ref;
  }

  fillConstant(ref: BufferRef, data: ArrayBufferView): void {
    if (this.#entry(ref).space !== SPACES.constants || data.byteLength !== ref.bytes) {
      throw new LowbitError(
        'ERR_BAD_ARGUMENT',
        `Expected a reserved constant and its ${ref.bytes} bytes but was given ${data.byteLength}`,
      );
    }
    this.#constants.set(ref.index, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** A part of the arena; parts may overlap when their lives do not. */
  arena(offset: number, bytes: number): BufferRef {
    return this.#add(SPACES.arena, 0, offset, bytes);
  }

  /** A part of another buffer. Parts of constants must start on a multiple of ALIGNMENT. */
  part(ref: BufferRef, offset: number, bytes: number): BufferRef {
    const whole = this.#entry(ref);
    if (offset + bytes > whole.bytes) {
      throw new LowbitError('ERR_BAD_ARGUMENT', `Bytes ${offset} to ${offset + bytes} of a buffer of ${whole.bytes}`);
    }
    return this.#add(whole.space, whole.port, whole.offset + offset, bytes);
  }

  /** Appends an instruction; every field of its row must be given, a buffer that is undefined is absent. */
  op(name: string, fields: Readonly<Record<string, number | BufferRef | undefined>>): void {
    const row = this.#backend.ops.get(name);
    if (row === undefined) throw new LowbitError('ERR_BAD_ARGUMENT', `The backend has no operation '${name}'`);
    for (const field of Object.keys(fields)) {
      if (!row.fields.some((known) => known.name === field)) {
        throw new LowbitError('ERR_BAD_ARGUMENT', `Operation ${name} has no field '${field}'`);
      }
    }
    const words = row.fields.map(({ name: field, kind }) => {
      if (!(field in fields)) throw new LowbitError('ERR_BAD_ARGUMENT', `Operation ${name} needs the field '${field}'`);
      const value = fields[field];
      const word = kind === 'buffer' ? this.#bufferWord(value) : this.#numberWord(value, kind);
      if (word !== undefined) return word;
      throw new LowbitError(
        'ERR_BAD_ARGUMENT',
        `Field '${field}' of operation ${name} is ${String(value)}; expected ${EXPECTED[kind]}`,
      );
    });
    this.#instructions.push(row.opcode, words.length, ...words);
    this.#instructionCount++;
  }

  /** Loads the plan with an arena of that many bytes. */
  build(arenaBytes: number, options: PlanOptions = {}): BackendPlan {
    const { words, constants } = this.encode(arenaBytes, options.threads);
    return this.#backend.createPlan(words, constants, options);
  }

  /** The words of the plan and its block of constants, as native/plan/plan.h describes them. */
  encode(arenaBytes: number, threads = 0): { words: Int32Array; constants: Uint8Array } {
    const header = [MAGIC, VERSION, this.#buffers.length, this.#instructionCount, this.#inputs, this.#outputs];
    const words = [...header, ...wide(arenaBytes), threads];
    for (const { space, port, offset, bytes } of this.#buffers)
      words.push(space, port, ...wide(offset), ...wide(bytes));
    const block = new Uint8Array(this.#constantBytes);
    for (const [index, data] of this.#constants) {
      if (data === undefined)
        throw new LowbitError('ERR_BAD_ARGUMENT', `Constant ${index} was reserved but never filled`);
      block.set(data, (this.#buffers[index] as Entry).offset);
    }
    const all = new Int32Array(words.length + this.#instructions.length);
    all.set(words);
    all.set(this.#instructions, words.length);
    return { words: all, constants: block };
  }

  #add(space: Entry['space'], port: number, offset: number, bytes: number): BufferRef {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(bytes) || offset < 0 || bytes < 0) {
      throw new LowbitError('ERR_BAD_ARGUMENT', `A buffer of ${bytes} bytes at ${offset}; expected integers >= 0`);
    }
    const entry: Entry = { space, port, offset, bytes, index: this.#buffers.length };
    this.#buffers.push(entry);
    return entry;
  }

  #entry(ref: BufferRef): Entry {
    const entry = this.#buffers[ref.index];
    if (entry !== ref) throw new LowbitError('ERR_BAD_ARGUMENT', 'A buffer was made by another plan builder');
    return entry;
  }

  #bufferWord(value: number | BufferRef | undefined): number | undefined {
    if (value === undefined) return -1;
    return typeof value === 'number' ? undefined : this.#entry(value).index;
  }

  #numberWord(value: number | BufferRef | undefined, kind: 'int' | 'float'): number | undefined {
    if (typeof value !== 'number') return undefined;
    if (kind === 'int') return (value | 0) === value ? value : undefined;
    this.#float[0] = value;
    return this.#bits[0];
  }
}

const EXPECTED = { buffer: 'a buffer or undefined', int: 'an int32', float: 'a number' } as const;

/** A size as its low and high word. */
function wide(value: number): [number, number] {
  return [value | 0, Math.floor(value / 2 ** 32)];
}
