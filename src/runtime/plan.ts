// A plan that is ready to run: named values in, typed arrays out.

import type { BackendPlan, PlanRunOptions } from '../backend/backend.js';
import { DTYPES, type DType, type TypedArray } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import { unfilled } from '../core/unfilled.js';
import type { Program } from './program.js';
import { type ArenaPlan, isView, type View } from './program.js';

/** A value at the edge of a plan. */
export interface PlanValue {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface PlanResult {
  /** By value name, row-major. */
  readonly outputs: ReadonlyMap<string, TypedArray>;
  /** Minimum and maximum of each observed value: [observed, 2]. */
  readonly statistics: Float32Array<ArrayBuffer>;
}

export type PlanFeeds = ReadonlyMap<string, ArrayBufferView>;

/** What a compilation hands over. */
export interface PlanParts {
  readonly inputs: readonly PlanValue[];
  readonly outputs: readonly PlanValue[];
  readonly observed: readonly string[];
  readonly program: Program;
  readonly arena: ArenaPlan;
  readonly constantsBytes: number;
}

/**
 * A compiled model for one set of input shapes. Feeds must have the types and sizes of `inputs`. Several runs may be under
 * way at once. Errors: ERR_BAD_FEED, ERR_ABORTED, ERR_DISPOSED.
 */
export class CompiledPlan {
  readonly inputs: readonly PlanValue[];
  readonly outputs: readonly PlanValue[];
  /** Values whose range every run reports. */
  readonly observed: readonly string[];
  readonly arenaBytes: number;
  readonly constantsBytes: number;
  readonly #plan: BackendPlan;
  readonly #parts: PlanParts;

  constructor(plan: BackendPlan, parts: PlanParts) {
    this.#plan = plan;
    this.#parts = parts;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.observed = parts.observed;
    this.arenaBytes = parts.arena.arenaBytes;
    this.constantsBytes = parts.constantsBytes;
  }

  async run(feeds: PlanFeeds, options: PlanRunOptions = {}): Promise<PlanResult> {
    const inputs = this.#inputs(feeds);
    const { result, views } = this.#results();
    await this.#plan.run(inputs, views, options);
    return result;
  }

  runSync(feeds: PlanFeeds): PlanResult {
    const inputs = this.#inputs(feeds);
    const { result, views } = this.#results();
    this.#plan.runSync(inputs, views);
    return result;
  }

  dispose(): void {
    this.#plan.dispose();
  }

  /** One line per instruction: what it does, for which node, on which buffers. */
  describe(): string {
    const { program, arena } = this.#parts;
    const show = (view: View): string => {
      const { buffer } = view;
      const place =
        buffer.space === 'arena' ? `arena+${(arena.offsetOf.get(buffer.id) ?? 0) + view.offset}` : buffer.space;
      return `${buffer.label} (${place}, ${view.bytes} bytes)`;
    };
    const lines = program.instructions.map(({ op, node, fields }, index) => {
      const entries = Object.entries(fields);
      const buffers = entries.flatMap(([name, value]) => (isView(value) ? [`${name}=${show(value)}`] : []));
      const numbers = entries.flatMap(([name, value]) => (typeof value === 'number' ? [`${name}=${value}`] : []));
      return `${index} ${op} '${node}'\n    ${buffers.join('\n    ')}\n    ${numbers.join(' ')}`;
    });
    return [`arena ${this.arenaBytes} bytes, constants ${this.constantsBytes} bytes`, ...lines].join('\n');
  }

  #inputs(feeds: PlanFeeds): ArrayBufferView[] {
    return this.inputs.map(({ name, dtype, dims }) => {
      const feed = feeds.get(name);
      if (feed === undefined) throw new LowbitError('ERR_BAD_FEED', `No feed for input '${name}'`, { tensor: name });
      const wanted = Math.ceil((sizeOf(dims) * DTYPES[dtype].bits) / 8);
      if (feed.byteLength !== wanted) {
        throw new LowbitError(
          'ERR_BAD_FEED',
          `The feed has ${feed.byteLength} bytes; ${dtype} [${dims.join(', ')}] takes ${wanted}`,
          { tensor: name },
        );
      }
      return feed;
    });
  }

  #results(): { result: PlanResult; views: ArrayBufferView[] } {
    const arrays = this.outputs.map(({ dtype, dims }) => {
      const { array } = DTYPES[dtype];
      if (array === undefined) throw new LowbitError('ERR_UNSUPPORTED', `An output of type ${dtype}`);
      return unfilled(array, sizeOf(dims));
    });
    const statistics = new Float32Array(this.observed.length * 2);
    const outputs = new Map(this.outputs.map(({ name }, index) => [name, arrays[index] as TypedArray]));
    const views = this.observed.length === 0 ? arrays : [...arrays, statistics];
    return { result: { outputs, statistics }, views };
  }
}
