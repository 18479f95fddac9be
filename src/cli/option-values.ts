// Parsers of option values: words to numbers, lists and names, with a sentence for everything else.

import { LowbitError } from '../core/errors.js';

export function usage(message: string): LowbitError {
  return new LowbitError('ERR_USAGE', message);
}

/** An integer in [least, most]. */
export function integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `in ${least}..${most}`;
      throw usage(`Expected an integer ${range} for ${name} but received '${text}'`);
    }
    return value;
  };
}

/** A number in [least, most]; `1/255` is one too. */
export function number(name: string, least = -Infinity, most = Infinity): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (!(value >= least && value <= most) || !Number.isFinite(value)) {
      const range = Number.isFinite(least) || Number.isFinite(most) ? ` in ${least}..${most}` : '';
      throw usage(`Expected a number${range} for ${name} but received '${text}'`);
    }
    return value;
  };
}

/** Numbers between commas. */
export function numbers(name: string): (text: string) => number[] {
  return (text) => text.split(',').map((part) => number(name)(part.trim()));
}

/** `224` or `224x320` (height x width). */
export function sides(name: string): (text: string) => [number, number] {
  return (text) => {
    const match = /^(\d+)(?:x(\d+))?$/.exec(text);
    const height = Number(match?.[1]);
    const width = Number(match?.[2] ?? match?.[1]);
    if (match === null || height < 1 || width < 1) {
      throw usage(`Expected a size such as 224 or 224x320 for ${name} but received '${text}'`);
    }
    return [height, width];
  };
}

/** One of some words. */
export function word<Word extends string>(name: string, words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((known) => known === text);
    if (found === undefined) throw usage(`Unknown ${name} '${text}'; expected one of ${words.join(', ')}`);
    return found;
  };
}

/** `name=value`, split at the first `=`. */
export function assignment(option: string): (text: string) => { name: string; value: string } {
  return (text) => {
    const at = text.indexOf('=');
    if (at < 1 || at === text.length - 1) throw usage(`Expected name=value for ${option} but received '${text}'`);
    return { name: text.slice(0, at), value: text.slice(at + 1) };
  };
}

function parseNumber(text: string): number {
  if (text === '') return Number.NaN;
  const parts = text.split('/');
  if (parts.some((part) => part === '') || parts.length > 2) return Number.NaN;
  return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(text);
}
