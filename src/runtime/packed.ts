// The sizes of packed weight matrices, as native/kernels/pack/pack.h computes them.

/** Columns of a panel, bytes of a header, and of a cache line: the constants of the tiles n16k4 and n16k1. */
const PANEL_COLUMNS = 16;
const HEADER_BYTES = 64;
const LINE_BYTES = 64;
const K_GROUP = 4;

/** Bytes of one packed matrix of 8-bit codes: header, column sums per group, panels. `groupSize` 0 means one group of all k. */
export function packedI8Bytes(k: number, n: number, groupSize: number): number {
  const group = groupSize === 0 ? k : groupSize;
  const groups = k === 0 ? 0 : Math.ceil(k / group);
  const panels = Math.ceil(n / PANEL_COLUMNS);
  const sums = groups * panels * PANEL_COLUMNS * 4;
  const panelBytes = Math.ceil(k / K_GROUP) * LINE_BYTES;
  return HEADER_BYTES + sums + panels * panelBytes;
}

/** Bytes of one packed matrix of floats: header and panels. */
export function packedF32Bytes(k: number, n: number): number {
  return HEADER_BYTES + Math.ceil(n / PANEL_COLUMNS) * k * LINE_BYTES;
}
