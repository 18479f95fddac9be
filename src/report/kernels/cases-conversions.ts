// Measured conversions: floats to every number format and back.

import type { BufferRef, PlanBuilder } from '../../backend/plan-builder.js';
import { BLOCKS, type BlockName, type BlockRow, blockFields, blockLevels } from '../../numerics/blocks.js';
import { CODEBOOKS, thresholdsOf } from '../../numerics/codebook.js';
import { CONVERSION_NAMES, CONVERSIONS, type ConversionName, isBlockFormat } from '../../numerics/conversions.js';
import { floatFields, type MinifloatName } from '../../numerics/minifloat.js';
import { bytes, floats, type KernelCase, moving } from './case.js';

type Build = (builder: PlanBuilder, y: BufferRef) => void;

/** Codes of floats of middling size: with the second highest bit they may be NaN, without the third one subnormal. */
function codesOf(builder: PlanBuilder, count: number): BufferRef {
  return builder.constant(bytes(count).map((byte) => (byte & 0xbf) | 0x20));
}

/** One scale for all, or one per so many elements. */
function geometry(builder: PlanBuilder, n: number, block: number) {
  const count = block === 0 ? 1 : Math.ceil(n / block);
  const spread = { granularity: block === 0 ? 0 : 2, outer: 1, axis: n, inner: 1, block };
  return { count, fields: { ...spread, scale: builder.constant(new Float32Array(count).fill(0.15)) } };
}

/** The instruction of a format with a code per element. */
function element(format: ConversionName, n: number, back: boolean, codeBytes: number): Build {
  const { kind, bits, signed } = CONVERSIONS[format];
  return (builder, y) => {
    const ends = back ? { codes: codesOf(builder, codeBytes), x: y } : { x: builder.constant(floats(n)), codes: y };
    const op = (name: string, fields: Readonly<Record<string, number | BufferRef>>): void =>
      builder.op(`${back ? 'decode' : 'encode'}_${name}`, { ...ends, ...fields });
    if (kind === 'exponent') {
      op('exponents', back ? { n } : { n, rounding: 2, saturate: 1 });
      return;
    }
    const { count, fields } = geometry(builder, n, kind === 'minifloat' || bits === 16 ? 0 : 32);
    if (kind === 'minifloat') {
      op('float', { ...fields, ...floatFields(format as MinifloatName, true) });
    } else if (kind === 'codebook') {
      const levels = CODEBOOKS.nf4;
      op(
        'levels',
        back
          ? { ...fields, levels: builder.constant(levels) }
          : { ...fields, thresholds: builder.constant(thresholdsOf(levels)) },
      );
    } else {
      const zero_point = builder.constant(new Int32Array(count));
      op('integer', { ...fields, zero_point, bits, sign: Number(signed), ...(back ? {} : { wraps: 0 }) });
    }
  };
}

/** Bytes of a scale of 1, by the kind of a block: an exponent, an E4M3, an f16. */
function oneOf({ kind }: BlockRow): readonly number[] {
  if (kind === 'nvfp4') return [0x38];
  return kind.startsWith('mx') ? [127] : [0, 0x3c];
}

function inBlocks(format: BlockName, count: number, back: boolean): Build {
  const row: BlockRow = BLOCKS[format];
  const levels = blockLevels(format);
  return (builder, y) => {
    const fields = {
      ...{ scale: builder.constant(Float32Array.of(1)), ...blockFields(format, count) },
      levels: levels === undefined ? undefined : builder.constant(levels),
    };
    if (back) {
      const codes = bytes(count * row.bytes).map((byte) => byte & 0x3f);
      for (let b = 0; b < count; b++) codes.set(oneOf(row), b * row.bytes);
      builder.op('decode_blocks', { codes: builder.constant(codes), x: y, ...fields });
      return;
    }
    builder.op('encode_blocks', {
      ...{ x: builder.constant(floats(count * row.block)), codes: y, refused: builder.arena(0, 4), ...fields },
      thresholds: row.levels === undefined ? undefined : builder.constant(thresholdsOf(CODEBOOKS[row.levels])),
    });
  };
}

function conversion(format: ConversionName, n: number, back: boolean): KernelCase {
  const name = back ? `decode ${format} f32` : `encode f32 ${format}`;
  if (isBlockFormat(format)) {
    const { block, bytes: size } = BLOCKS[format];
    const count = Math.floor(n / block);
    const output = back ? 4 * count * block : count * size;
    const one = moving(name, count * block, 4 + size / block, output, inBlocks(format, count, back));
    return { ...one, arenaBytes: 4 };
  }
  const codeBytes = Math.ceil((n * CONVERSIONS[format].bits) / 8);
  return moving(name, n, 4 + codeBytes / n, back ? 4 * n : codeBytes, element(format, n, back, codeBytes));
}

/** All formats but u8 and i8, which `quantize` and `dequantize` convert. */
export function conversionCases(n: number): readonly KernelCase[] {
  const formats = CONVERSION_NAMES.filter((format) => format !== 'u8' && format !== 'i8');
  return formats.flatMap((format) => [false, true].map((back) => conversion(format, n, back)));
}
