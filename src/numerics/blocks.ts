// The number formats that carry their scales in blocks: what native/kernels/blocks needs to know of each, as a table.

import { CODEBOOKS, type CodebookName } from './codebook.js';
import { floatFields, type MinifloatName, minifloatValues } from './minifloat.js';

/** The kinds of native/kernels/blocks/blocks.h, in their order. */
export const BLOCK_KINDS = [
  ...(['mx_float', 'mx_integer', 'nvfp4'] as const),
  ...(['half_bytes', 'half_centred', 'half_offset', 'half_levels'] as const),
] as const;

export interface BlockRow {
  readonly kind: (typeof BLOCK_KINDS)[number];
  /** Elements of a block, which are consecutive, and bytes of a block, which follow each other. */
  readonly block: number;
  readonly bytes: number;
  /** Bits of the code of an element. */
  readonly bits: number;
  /** What the codes of elements are; integers otherwise. */
  readonly element?: MinifloatName;
  readonly levels?: CodebookName;
}

const MX = { kind: 'mx_float', block: 32 } as const;

/**
 * Sources: OCP Microscaling Formats 1.0 (mx*), the 4-bit format of NVIDIA's Blackwell with the layout of compressed-tensors per
 * block (nvfp4), ggml (q*, iq4_nl).
 */
export const BLOCKS = {
  mxfp4: { ...MX, bytes: 17, bits: 4, element: 'f4e2m1' },
  mxfp6e2m3: { ...MX, bytes: 25, bits: 6, element: 'f6e2m3' },
  mxfp6e3m2: { ...MX, bytes: 25, bits: 6, element: 'f6e3m2' },
  mxfp8e4m3: { ...MX, bytes: 33, bits: 8, element: 'f8e4m3fn' },
  mxfp8e5m2: { ...MX, bytes: 33, bits: 8, element: 'f8e5m2' },
  mxint8: { kind: 'mx_integer', block: 32, bytes: 33, bits: 8 },
  nvfp4: { kind: 'nvfp4', block: 16, bytes: 9, bits: 4, element: 'f4e2m1' },
  q8_0: { kind: 'half_bytes', block: 32, bytes: 34, bits: 8 },
  q4_0: { kind: 'half_centred', block: 32, bytes: 18, bits: 4 },
  q4_1: { kind: 'half_offset', block: 32, bytes: 20, bits: 4 },
  q5_0: { kind: 'half_centred', block: 32, bytes: 22, bits: 5 },
  q5_1: { kind: 'half_offset', block: 32, bytes: 24, bits: 5 },
  iq4_nl: { kind: 'half_levels', block: 32, bytes: 18, bits: 4, levels: 'iq4_nl' },
} as const satisfies Record<string, BlockRow>;

export type BlockName = keyof typeof BLOCKS;

/** The fields of the instructions encode_blocks and decode_blocks that say what the blocks are, and how many. */
export function blockFields(name: BlockName, count: number) {
  const { kind, bits, element }: BlockRow = BLOCKS[name];
  return { count, kind: BLOCK_KINDS.indexOf(kind), bits, ...floatFields(element, true) };
}

/** The values of all codes, where elements are looked up by them. */
export function blockLevels(name: BlockName): Float32Array | undefined {
  const { bits, element, levels }: BlockRow = BLOCKS[name];
  if (levels !== undefined) return CODEBOOKS[levels];
  return element !== undefined && bits === 4 ? minifloatValues(element) : undefined;
}
