// Plans that convert floats to and from the formats that carry their scales in blocks.

import type { BufferRef } from '../../backend/plan-builder.js';
import { BLOCKS, type BlockRow, blockFields, blockLevels } from '../../numerics/blocks.js';
import { CODEBOOKS, thresholdsOf } from '../../numerics/codebook.js';
import type { BlockFormat } from '../../numerics/conversions.js';
import { refuse } from './arguments.js';
import { wantBlocks } from './codec.js';
import type { ConversionPlan, PlanOptions } from './element-plans.js';
import { type ArrayPlanBuilder, planOf } from './plans.js';

function levelsOf(builder: ArrayPlanBuilder, format: BlockFormat): BufferRef | undefined {
  const levels = blockLevels(format);
  return levels === undefined ? undefined : builder.constant(levels);
}

/** Floats to blocks. Errors: ERR_BAD_ARGUMENT; after the run also for blocks that the format cannot hold. */
export function encodeBlocksPlan(format: BlockFormat, x: Float32Array, options: PlanOptions): ConversionPlan {
  const row: BlockRow = BLOCKS[format];
  const scale = wantBlocks(format, x.length, options);
  const blocks = x.length / row.block;
  const refused = Int32Array.of(-1);
  const build = (builder: ArrayPlanBuilder): void => {
    const thresholds = row.levels === undefined ? undefined : builder.constant(thresholdsOf(CODEBOOKS[row.levels]));
    builder.op('encode_blocks', {
      ...{ x: builder.input(4 * x.length), scale: builder.input(4), levels: levelsOf(builder, format), thresholds },
      ...{ codes: builder.output(blocks * row.bytes), refused: builder.output(4), ...blockFields(format, blocks) },
    });
  };
  return {
    plan: blocks === 0 ? undefined : planOf(options, ['encode', format, blocks], build),
    parameters: [scale],
    refusal: {
      output: refused,
      check() {
        const from = (refused[0] as number) * row.block;
        if (from < 0) return;
        refuse(`x[${from}..${from + row.block - 1}]`, `finite values whose scale an f16 can hold (${format})`, x);
      },
    },
  };
}

/** Blocks to `count` floats. Errors: ERR_BAD_ARGUMENT. */
export function decodeBlocksPlan(format: BlockFormat, count: number, options: PlanOptions): ConversionPlan {
  const row: BlockRow = BLOCKS[format];
  const scale = wantBlocks(format, count, options);
  const blocks = count / row.block;
  const build = (builder: ArrayPlanBuilder): void => {
    builder.op('decode_blocks', {
      ...{ codes: builder.input(blocks * row.bytes), scale: builder.input(4), levels: levelsOf(builder, format) },
      ...{ x: builder.output(4 * count), ...blockFields(format, blocks) },
    });
  };
  return {
    plan: blocks === 0 ? undefined : planOf(options, ['decode', format, blocks], build),
    parameters: [scale],
  };
}
