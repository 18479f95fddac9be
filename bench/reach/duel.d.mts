// Types of what tests use of duel.mjs.

export function medianOf(numbers: readonly number[]): number;
export function duel<Name extends string>(
  subjects: Readonly<Record<Name, () => unknown>>,
  options?: { readonly rounds?: number; readonly turnMs?: number; readonly pause?: boolean },
): Promise<{ ms(name: Name): number; speed(name: Name, base: Name): number }>;
