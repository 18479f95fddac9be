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

/** Bytes of one packed matrix of 4 or 8 bits by group: header, zero points, panels of scales and lines. `groupSize` 0 means all k. */
export function packedGroupsBytes(bits: 4 | 8, k: number, n: number, groupSize: number, zeroPoints: boolean): number {
  const group = groupSize === 0 || groupSize > k ? k : groupSize;
  const groups = Math.ceil(k / group);
  const panels = Math.ceil(n / PANEL_COLUMNS);
  const lines = (depth: number): number => Math.ceil((depth * bits) / 32);
  const panelLines = groups + (groups - 1) * lines(group) + lines(k - (groups - 1) * group);
  const zeros = zeroPoints ? Math.ceil((panels * groups * PANEL_COLUMNS) / LINE_BYTES) * LINE_BYTES : 0;
  return HEADER_BYTES + zeros + panels * panelLines * LINE_BYTES;
}

/** Bytes of a row of codes that quantize_groups writes. */
export function groupedRowBytes(k: number): number {
  return Math.ceil(k / 8) * 8;
}

/** Bytes of one packed matrix of floats: header and panels. */
export function packedF32Bytes(k: number, n: number): number {
  return HEADER_BYTES + Math.ceil(n / PANEL_COLUMNS) * k * LINE_BYTES;
}

/** Bytes of one packed matrix of f16 or bf16: header, and panels of 64 bytes for two rows. */
export function packedHalfBytes(k: number, n: number): number {
  return HEADER_BYTES + Math.ceil(n / PANEL_COLUMNS) * Math.ceil(k / 2) * LINE_BYTES;
}
