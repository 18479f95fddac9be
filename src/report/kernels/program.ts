// Plans that run one measured kernel, or the loop that shows what the machine can do at most.

import type { Backend } from '../../backend/backend.js';
import { PlanBuilder } from '../../backend/plan-builder.js';
import { LowbitError } from '../../core/errors.js';
import type { KernelCase, Limit } from './case.js';

/** Something to measure: `run` does `work` operations or moves `work` bytes and leaves its result in `output`. */
export interface KernelProgram {
  readonly work: number;
  readonly output: Uint8Array;
  run(): void;
  dispose(): void;
}

/** A case on one instruction set. Errors: ERR_BAD_ARGUMENT when the backend lacks the operation or one of its fields. */
export function programOf(backend: Backend, one: KernelCase, isa: string): KernelProgram {
  const fill = (builder: PlanBuilder) => one.build(builder, backend, builder.output(one.outputBytes));
  return load(backend, one.work, one.outputBytes, isa, fill, one.arenaBytes);
}

/**
 * Fails unless the instruction set computes what `portable` does: the same bytes, or for sums of `depth` products of
 * numbers in [-1, 1) a difference of at most 2 * depth * (depth * 2^-24), which both ways of adding may be off.
 * Errors: ERR_BACKEND.
 */
export function checkCase(backend: Backend, one: KernelCase, isas: readonly string[]): void {
  const outputs = ['portable', ...isas.filter((isa) => isa !== 'portable')].map((isa) => {
    const program = programOf(backend, one, isa);
    program.run();
    program.dispose();
    return { isa, output: program.output };
  });
  const wanted = outputs[0]?.output as Uint8Array;
  for (const { isa, output } of outputs) {
    const wrong = one.exact ? firstUnequal(output, wanted) : firstFar(output, wanted, 2 * one.depth ** 2 * 2 ** -24);
    if (wrong < 0) continue;
    throw new LowbitError('ERR_BACKEND', `${one.name} ${one.shape}: element ${wrong} on ${isa} is not as on portable`);
  }
}

function firstUnequal(found: Uint8Array, wanted: Uint8Array): number {
  return found.findIndex((byte, i) => byte !== wanted[i]);
}

function firstFar(found: Uint8Array, wanted: Uint8Array, bound: number): number {
  const values = new Float32Array(wanted.buffer);
  return new Float32Array(found.buffer).findIndex((value, i) => !(Math.abs(value - (values[i] as number)) <= bound));
}

/** kPeakSteps of native/kernels/peak/peak.h; operations of a step of integers and of floats. */
const PEAK_STEPS = 3072;
const STEP_WORK = { int8: 128, f32: 32 } as const;
/** A task of a peak loop takes about as long: many times what it costs to start it. */
const PEAK_MS = 0.5;
const TRIAL_TURNS = 64;

/**
 * What limits a case, alone: multiplications and additions in registers, or as many bytes as the case has, read or
 * copied. On all threads of the backend. Errors: ERR_BACKEND when the loop's result is wrong.
 */
export function peakOf(backend: Backend, limit: Limit, work: number, isa: string): KernelProgram {
  if (limit === 'read') return reading(backend, work, isa);
  if (limit === 'copy') return copying(backend, Math.ceil(work / 2), isa);
  const trial = arithmetic(backend, limit, PEAK_STEPS * TRIAL_TURNS, isa);
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    trial.run();
    return performance.now() - start;
  });
  trial.dispose();
  const tasks = tasksOf(backend);
  const turns = Math.round((PEAK_MS * TRIAL_TURNS * tasks) / backend.threads / Math.max(Math.min(...times), 1e-3));
  return arithmetic(backend, limit, PEAK_STEPS * Math.min(5000, Math.max(1, turns)), isa);
}

/** With several threads more tasks than threads, so that a thread which has to wait for its processor delays no other. */
function tasksOf(backend: Backend): number {
  return backend.threads === 1 ? 1 : 4 * backend.threads;
}

function arithmetic(backend: Backend, limit: 'int8' | 'f32', steps: number, isa: string): KernelProgram {
  const tasks = tasksOf(backend);
  const program = load(backend, tasks * steps * STEP_WORK[limit], 64 * tasks, isa, (builder) => {
    const [a, b] =
      limit === 'int8'
        ? [Uint8Array.of(1, 2, 3, 4), new Int8Array(64).fill(1)]
        : [new Float32Array(1), new Float32Array(16).fill(1)];
    const y = builder.output(64 * tasks);
    const kind = limit === 'int8' ? 0 : 1;
    builder.op('measure_peak', { a: builder.constant(a), b: builder.constant(b), y, kind, tasks, steps });
  });
  program.run();
  const sums = new Int32Array(program.output.buffer);
  const wanted = limit === 'int8' ? Math.imul(10, steps) : 0;
  if (sums.every((sum) => sum === wanted)) return program;
  program.dispose();
  throw new LowbitError('ERR_BACKEND', `The peak loop for ${limit} gives another result on ${isa} than it has to`);
}

function reading(backend: Backend, bytes: number, isa: string): KernelProgram {
  const tasks = tasksOf(backend);
  const each = Math.max(64, 64 * Math.round(bytes / tasks / 64));
  return load(backend, tasks * each, 64 * tasks, isa, (builder) => {
    const x = builder.constant(new Uint8Array(tasks * each).fill(1));
    builder.op('measure_read', { x, y: builder.output(64 * tasks), tasks, task_bytes: each });
  });
}

function copying(backend: Backend, bytes: number, isa: string): KernelProgram {
  return load(backend, 2 * bytes, bytes, isa, (builder) => {
    const x = builder.constant(new Uint8Array(bytes).fill(1));
    const move = { x_stride: bytes, x_offset: 0, y_stride: bytes, y_offset: 0 };
    builder.op('copy_rows', { x, y: builder.output(bytes), rows: 1, row_bytes: bytes, ...move });
  });
}

function load(
  backend: Backend,
  work: number,
  outputBytes: number,
  isa: string,
  fill: (builder: PlanBuilder) => void,
  arenaBytes = 0,
): KernelProgram {
  const builder = new PlanBuilder(backend);
  fill(builder);
  const plan = builder.build(arenaBytes, { isa });
  const output = new Uint8Array(outputBytes);
  return { work, output, run: () => plan.runSync([], [output]), dispose: () => plan.dispose() };
}
