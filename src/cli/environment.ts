// The four words that every report names: version, backend, instruction set, threads.

import { loadBackend } from '../backend/load.js';

export interface Environment {
  readonly version: string;
  readonly backend: string;
  readonly isa: string;
  readonly threads: number;
}

/** Loads the backend. Errors: ERR_BACKEND_UNAVAILABLE, ERR_BAD_ENVIRONMENT. */
export function environment(): Environment {
  const { version, kind, isa, threads } = loadBackend();
  return { version, backend: kind, isa, threads };
}
