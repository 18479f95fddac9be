// encode_blocks and decode_blocks of every format on every target, against the oracle.

import { describe, expect, test } from 'vitest';
import { BLOCKS, type BlockRow, blockFields } from '../../src/numerics/blocks.js';
import {
  type GgmlName,
  ggmlBlock,
  ggmlValues,
  IQ4_LEVELS,
  mxBlock,
  mxValues,
  nvfp4Block,
  nvfp4Values,
} from '../oracle/blocks.js';
import { LAYOUTS, type LayoutName, valueOfCode } from '../oracle/minifloat.js';
import { coversSlots, floatsIn, int32sIn, type Program, randomFloats, randomOf, runEverywhere } from './harness.js';

type Name = keyof typeof BLOCKS;
const NAMES = Object.keys(BLOCKS) as Name[];
const ELEMENTS: Partial<Record<Name, LayoutName>> = {
  ...{ mxfp4: 'f4e2m1', mxfp6e2m3: 'f6e2m3', mxfp6e3m2: 'f6e3m2', mxfp8e4m3: 'f8e4m3fn', mxfp8e5m2: 'f8e5m2' },
  nvfp4: 'f4e2m1',
};
const isGgml = (name: Name): name is GgmlName => !name.startsWith('mx') && name !== 'nvfp4';

/** Counts of blocks around the groups that kernels take, and more than one task. */
const COUNTS = [1, 2, 3, 4, 5, 7, 33, 601];
const ODD = [0, -0, 1e-45, -3e-42, 1e-38, -2e-20];

function oracle(name: Name, x: readonly number[], scale: number) {
  if (isGgml(name)) return ggmlBlock(name, x);
  return name === 'nvfp4' ? nvfp4Block(x, scale) : mxBlock(x, ELEMENTS[name]);
}

function decodedBlock(name: Name, bytes: readonly number[], scale: number): number[] {
  if (isGgml(name)) return ggmlValues(name, bytes);
  return name === 'nvfp4' ? nvfp4Values(bytes, scale) : mxValues(bytes, ELEMENTS[name]);
}

/** The fields of both instructions, and the buffers of tables. */
function instruction(name: Name, count: number, scale: number) {
  const { kind, bits, element }: BlockRow = BLOCKS[name];
  const layout = element === undefined ? undefined : LAYOUTS[element as LayoutName];
  const values = bits === 4 && layout !== undefined ? [...Array(16).keys()].map((c) => valueOfCode(layout, c)) : [];
  const levels = Float32Array.from(kind === 'half_levels' ? IQ4_LEVELS : values);
  // The floats next below the middles of integers: those are halves of integers.
  const thresholds = Float32Array.from(IQ4_LEVELS.slice(1), (level, i) => {
    const near = Float32Array.of((level + (IQ4_LEVELS[i] as number)) / 2);
    const words = new Int32Array(near.buffer);
    words[0] = (words[0] as number) + ((near[0] as number) > 0 ? -1 : 1);
    return near[0] as number;
  });
  return {
    fields: {
      ...{ scale: 'scale', levels: levels.length === 0 ? undefined : 'levels' },
      ...blockFields(name, count),
    },
    tables: { scale: Float32Array.of(scale), ...(levels.length === 0 ? {} : { levels }), thresholds },
  };
}

function encode(name: Name, x: Float32Array, scale = 1): { codes: Uint8Array; refused: number } {
  const { block, bytes } = BLOCKS[name];
  const count = x.length / block;
  const { fields, tables } = instruction(name, count, scale);
  const program: Program = {
    buffers: { x, ...tables, codes: count * bytes, refused: 4 },
    steps: [['encode_blocks', { ...fields, x: 'x', thresholds: 'thresholds', codes: 'codes', refused: 'refused' }]],
  };
  const { codes, refused } = runEverywhere(program);
  return { codes: codes as Uint8Array, refused: int32sIn(refused)[0] as number };
}

function decode(name: Name, codes: Uint8Array, scale = 1): number[] {
  const { block, bytes } = BLOCKS[name];
  const count = codes.length / bytes;
  const { fields, tables } = instruction(name, count, scale);
  const { thresholds: _, ...held } = tables;
  const program: Program = {
    buffers: { codes, ...held, x: 4 * count * block },
    steps: [['decode_blocks', { ...fields, codes: 'codes', x: 'x' }]],
  };
  return Array.from(floatsIn(runEverywhere(program, { floats: ['x'] }).x));
}

describe.each(NAMES)('%s', (name) => {
  const { block, bytes } = BLOCKS[name];

  /** Bytes of x, and floats of those bytes, are the oracle's. */
  function check(x: Float32Array, scale = 1): void {
    const { codes, refused } = encode(name, x, scale);
    expect(refused).toBe(-1);
    const wanted = Array.from({ length: x.length / block }, (_, b) =>
      oracle(name, [...x.subarray(b * block, (b + 1) * block)], scale),
    );
    expect(Array.from(codes)).toEqual(wanted.flatMap((made) => made.bytes));
    expect(decode(name, codes, scale)).toEqual(wanted.flatMap((made) => made.values));
  }

  test('bytes and values of the oracle, any number of blocks', () => {
    coversSlots('encode_blocks_f32_u8', 'decode_blocks_u8_f32');
    for (const [seed, count] of COUNTS.entries()) check(randomFloats(count * block, seed, 8 ** (seed % 4), ODD));
  });

  test('a tensor scale where the format has one', () => {
    for (const scale of name === 'nvfp4' ? [Math.fround(0.01), 2 ** -140, 3e38] : [2]) {
      check(randomFloats(5 * block, 3, 1), scale);
    }
  });

  test('blocks of zeros of both signs, of equals, and with ties of magnitude', () => {
    const blocks = [
      ...[0, -0, 3, -3, 2 ** -127, -(2 ** -149)].map((value) => Array<number>(block).fill(value)),
      ...[1, 2, 5].map((step) => Array.from({ length: block }, (_, i) => (i % (step + 1) < step ? -0 : 0))),
      ...[1, 3].map((step) => Array.from({ length: block }, (_, i) => (i % (2 * step) < step ? 7.5 : -7.5))),
      ...[1, -1].map((sign) => Array.from({ length: block }, (_, i) => (i < 3 ? 0 : sign * (i % 5)))),
      ...[1, -1].map((sign) => Array.from({ length: block }, (_, i) => sign * (i === 9 ? -0 : i + 1))),
    ];
    check(Float32Array.from(blocks.flat()));
  });

  test('ties between codes', () => {
    // Every half and quarter step between codes of a block whose largest value is a power of two.
    for (const largest of [1, 4, 127, 448]) {
      const steps = Float32Array.from({ length: 8 * block }, (_, i) =>
        i % block === 0 ? largest : ((i % 2 === 0 ? 1 : -1) * largest * i) / (8 * block),
      );
      check(steps);
    }
  });

  test('NaN, infinities, and what a scale cannot hold', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38]) {
      for (const place of [0, block - 1]) {
        const x = randomFloats(700 * block, 5);
        x[451 * block + place] = bad;
        x[620 * block] = bad;
        if (!isGgml(name)) {
          check(x.slice(449 * block, 454 * block));
          continue;
        }
        expect(encode(name, x).refused).toBe(451);
      }
    }
  });

  test('decodes any bytes', () => {
    const random = randomOf(7);
    const codes = Uint8Array.from({ length: 512 * bytes }, () => Math.floor(random() * 256));
    // Every value of the first byte of a block.
    for (let b = 0; b < 512; b++) codes[b * bytes] = b % 256;
    const found = decode(name, codes);
    const wanted = Array.from({ length: 512 }, (_, b) =>
      decodedBlock(name, [...codes.subarray(b * bytes, (b + 1) * bytes)], 1),
    );
    expect(found).toEqual(wanted.flat());
  });
});
