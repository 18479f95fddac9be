// A quantization scheme as data: which operators are quantized, and how their weights and activations are.

import { LowbitError } from '../core/errors.js';
import { EIGHT_BIT_FORMATS, type EightBitFormat } from '../numerics/formats.js';
import { DYNAMIC_OPERATORS, STATIC_OPERATORS } from './operators.js';
import { PRESETS, type PresetName } from './presets.js';

export interface WeightScheme {
  readonly format: EightBitFormat;
  readonly symmetric: boolean;
  /** `channel`: one scale per output channel. */
  readonly granularity: 'tensor' | 'channel';
}

export interface ActivationScheme {
  readonly format: EightBitFormat;
  readonly symmetric: boolean;
  readonly granularity: 'tensor';
  /** `static`: parameters from a calibration. `dynamic`: parameters from the values of each run. */
  readonly mode: 'static' | 'dynamic';
  /** How a calibration turns what it saw into ranges: a name in the table of observers. A dynamic scheme has no use for it. */
  readonly observer: (typeof CALIBRATION_OBSERVERS)[number];
}

/** The observers that schemes may name; those of observe/observer.ts. */
export const CALIBRATION_OBSERVERS = ['min-max', 'mean-deviation'] as const;

export interface Scheme {
  readonly name: string;
  readonly weights: WeightScheme;
  readonly activations: ActivationScheme;
  /** Always int32 with the scale of the accumulator: input scale times weight scale. */
  readonly bias: { readonly format: 'i32' };
  /** Operator types to quantize. */
  readonly operators: readonly string[];
  /** Names of nodes to leave in float; `*` stands for any characters. */
  readonly exclude: readonly string[];
}

/** A scheme as a user writes it: a preset's name, or changes to a preset (`static-u8i8` when none is named). */
export interface SchemeChanges {
  readonly preset?: string;
  readonly weights?: Partial<WeightScheme>;
  readonly activations?: Partial<ActivationScheme>;
  readonly operators?: readonly string[];
  readonly exclude?: readonly string[];
}

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

/**
 * The scheme that a user's words mean, checked.
 * Errors: ERR_BAD_ARGUMENT that names the word found and the words known.
 */
export function resolveScheme(wanted: string | SchemeChanges = {}): Scheme {
  const changes: SchemeChanges = typeof wanted === 'string' ? { preset: wanted } : wanted;
  checkKeys(changes, ['preset', 'weights', 'activations', 'operators', 'exclude'], 'scheme');
  checkKeys(changes.weights ?? {}, ['format', 'symmetric', 'granularity'], 'scheme.weights');
  checkKeys(
    changes.activations ?? {},
    ['format', 'symmetric', 'granularity', 'mode', 'observer'],
    'scheme.activations',
  );
  const name = oneOf(changes.preset ?? 'static-u8i8', PRESET_NAMES, 'scheme');
  const preset: Omit<Scheme, 'name'> = PRESETS[name];
  const changed = Object.keys(changes).some((key) => key !== 'preset');
  const scheme: Scheme = {
    name: changed ? `${name} (changed)` : name,
    weights: { ...preset.weights, ...changes.weights },
    activations: { ...preset.activations, ...changes.activations },
    bias: preset.bias,
    operators: changes.operators ?? preset.operators,
    exclude: changes.exclude ?? preset.exclude,
  };
  checkScheme(scheme);
  return scheme;
}

/** True when the scheme quantizes a node of this type and name. */
export function isSelected(scheme: Scheme, op: string, node: string): boolean {
  return scheme.operators.includes(op) && !scheme.exclude.some((pattern) => matches(pattern, node));
}

function checkScheme({ weights, activations, operators, exclude }: Scheme): void {
  oneOf(weights.format, EIGHT_BIT_FORMATS, 'scheme.weights.format');
  oneOf(weights.granularity, ['tensor', 'channel'], 'scheme.weights.granularity');
  oneOf(weights.symmetric, [true], 'scheme.weights.symmetric');
  oneOf(activations.format, EIGHT_BIT_FORMATS, 'scheme.activations.format');
  oneOf(activations.granularity, ['tensor'], 'scheme.activations.granularity');
  oneOf(activations.symmetric, [true, false], 'scheme.activations.symmetric');
  oneOf(activations.observer, CALIBRATION_OBSERVERS, 'scheme.activations.observer');
  const mode = oneOf(activations.mode, ['static', 'dynamic'], 'scheme.activations.mode');
  const known: readonly string[] = mode === 'static' ? Object.keys(STATIC_OPERATORS) : DYNAMIC_OPERATORS;
  listOfStrings(operators, 'scheme.operators');
  for (const op of operators) oneOf(op, known, 'scheme.operators');
  listOfStrings(exclude, 'scheme.exclude');
  if (weights.format === 'u8' && activations.format === 'i8') {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      'Activations i8 with weights u8 are not supported by runtimes; use weights i8, or activations u8',
      { argument: 'scheme.weights.format' },
    );
  }
  if (mode === 'dynamic' && (activations.format !== 'u8' || activations.symmetric)) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      'Dynamic activations are u8 and asymmetric (the rule of DynamicQuantizeLinear); ' +
        `found ${activations.format}, ${activations.symmetric ? 'symmetric' : 'asymmetric'}`,
      { argument: 'scheme.activations' },
    );
  }
}

function oneOf<Word extends string | boolean>(found: unknown, known: readonly Word[], argument: string): Word {
  for (const word of known) if (word === found) return word;
  throw new LowbitError(
    'ERR_BAD_ARGUMENT',
    `Unknown value ${JSON.stringify(found)} of ${argument}; expected ${known.length === 1 ? '' : 'one of '}${known.join(', ')}`,
    { argument },
  );
}

function listOfStrings(found: unknown, argument: string): void {
  if (Array.isArray(found) && found.every((item) => typeof item === 'string')) return;
  throw new LowbitError('ERR_BAD_ARGUMENT', `Expected a list of strings but found ${JSON.stringify(found)}`, {
    argument,
  });
}

function checkKeys(found: unknown, known: readonly string[], argument: string): void {
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `Expected an object but found ${JSON.stringify(found)}`, { argument });
  }
  for (const key of Object.keys(found)) oneOf(key, known, argument);
}

/** `*` matches any characters. Walks the literal parts left to right, so no pattern can make it slow. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === name;
  const first = parts[0] as string;
  const last = parts[parts.length - 1] as string;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
