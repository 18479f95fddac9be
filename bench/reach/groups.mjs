// The groups of rows, each loaded when it is measured.

export const GROUPS = {
  gemm: () => import('./gemm.mjs'),
  peak: () => import('./peak.mjs'),
  int4: () => import('./int4.mjs'),
  vector: () => import('./vector.mjs'),
  float: () => import('./float.mjs'),
  conversion: () => import('./conversion.mjs'),
  wasm: () => import('./wasm.mjs'),
  networks: () => import('./networks.mjs'),
  'wasm-networks': () => import('./wasm-networks.mjs'),
  encoder: () => import('./encoder.mjs'),
  arm: () => import('./arm.mjs'),
  threads: () => import('./threads.mjs'),
};
