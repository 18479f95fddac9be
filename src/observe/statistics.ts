// The statistics of a calibration: a range for every value of a graph, collected, merged, saved and loaded.

import { LowbitError } from '../core/errors.js';
import { checkRange, type Range } from '../numerics/params.js';
import { OBSERVER_NAMES, type Observer, type ObserverName, type ObserverState, observerNamed } from './observer.js';

/** By value name. This is all that a pass gets to see of a calibration. */
export type Statistics = ReadonlyMap<string, Range>;

/** Statistics in the making: one observer state per value. */
export class StatisticsCollector {
  readonly observer: ObserverName;
  readonly #rule: Observer;
  readonly #states = new Map<string, ObserverState>();

  /** Errors: ERR_BAD_ARGUMENT for an unknown observer. */
  constructor(observer: ObserverName = 'min-max') {
    this.#rule = observerNamed(observer);
    this.observer = observer;
  }

  /** Takes note of one batch of a value. Errors: ERR_BAD_ARGUMENT for a range that is not finite. */
  add(value: string, range: Range): void {
    checkRange(range, `range of '${value}'`);
    this.#states.set(value, this.#rule.add(this.#states.get(value) ?? this.#rule.empty, range));
  }

  /** Takes over what another collector of the same observer saw. Errors: ERR_BAD_ARGUMENT when the observers differ. */
  merge(other: StatisticsCollector): void {
    if (other.observer !== this.observer) {
      throw new LowbitError(
        'ERR_BAD_ARGUMENT',
        `Cannot merge statistics of observer '${other.observer}' into those of '${this.observer}'`,
      );
    }
    for (const [value, state] of other.#states) {
      const own = this.#states.get(value);
      this.#states.set(value, own === undefined ? state : this.#rule.merge(own, state));
    }
  }

  /** The ranges so far. */
  statistics(): Statistics {
    return new Map(Array.from(this.#states, ([value, state]) => [value, this.#rule.rangeOf(state)]));
  }
}

/** What a saved calibration says besides the ranges. */
export interface CalibrationRecord {
  readonly observer: ObserverName;
  /** Number of samples that were seen. */
  readonly samples: number;
  readonly statistics: Statistics;
}

const FILE_KIND = 'lowbit-statistics';
const FILE_VERSION = 1;

/** The record as JSON text: versioned, values in code unit order of their names, so equal records give equal text. */
export function serializeStatistics({ observer, samples, statistics }: CalibrationRecord): string {
  const names = [...statistics.keys()].sort();
  const lines = names.map((name) => {
    const { min, max } = statistics.get(name) as Range;
    return `    ${JSON.stringify(name)}: [${min}, ${max}]`;
  });
  const head = { kind: FILE_KIND, version: FILE_VERSION, observer, samples };
  const fields = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const values = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return `{\n${fields.join(',\n')},\n  "values": ${values}\n}\n`;
}

/** Reads what `serializeStatistics` wrote. Errors: ERR_BAD_FILE for anything else. `file` is named in the error. */
export function parseStatistics(text: string, file?: string): CalibrationRecord {
  const refuse = (message: string, cause?: unknown): never => {
    throw new LowbitError('ERR_BAD_FILE', message, file === undefined ? {} : { file }, { cause });
  };
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    return refuse('The calibration file is not JSON; write it again with `lowbit calibrate`', cause);
  }
  if (!isRecord(root) || root['kind'] !== FILE_KIND) return refuse(`Expected a JSON object of kind '${FILE_KIND}'`);
  if (root['version'] !== FILE_VERSION) {
    return refuse(
      `Found version ${JSON.stringify(root['version'])} of ${FILE_KIND}; this release reads ${FILE_VERSION}`,
    );
  }
  const { observer, samples, values } = root;
  if (!OBSERVER_NAMES.some((name) => name === observer)) {
    return refuse(`Unknown observer ${JSON.stringify(observer)}; expected one of ${OBSERVER_NAMES.join(', ')}`);
  }
  if (typeof samples !== 'number' || !Number.isSafeInteger(samples) || samples < 0) {
    return refuse(`samples is ${JSON.stringify(samples)}; expected an integer of at least 0`);
  }
  if (!isRecord(values)) return refuse('values is missing; expected an object of [min, max] pairs');
  const statistics = new Map<string, Range>();
  for (const [name, pair] of Object.entries(values)) {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((bound) => typeof bound === 'number')) {
      return refuse(`The range of '${name}' is ${JSON.stringify(pair)}; expected [min, max]`);
    }
    const [min, max] = pair as [number, number];
    try {
      checkRange({ min, max }, `range of '${name}'`);
    } catch (cause) {
      return refuse((cause as LowbitError).message, cause);
    }
    statistics.set(name, { min, max });
  }
  return { observer: observer as ObserverName, samples, statistics };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
