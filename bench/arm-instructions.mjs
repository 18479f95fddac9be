// Counts the instructions that the ARM kernels take, under qemu-aarch64, against what the instruction set needs for the same
// work: `npm run bench:arm-instructions`. Fails when a kernel takes more than 1.25 times as many. `-- --filter TEXT` chooses
// kernels, `-- --mix` also prints what the instructions were.
//
// Counted is the difference of two runs that differ only in k (products), pixels (depthwise) or values (quantize), so that
// everything that happens once cancels; arranging rows and columns, carrying accumulators from one part of k to the next and
// the loops themselves are in it. Needed are, for the tile of the kernel: the arithmetic of the shortest exact sequence that
// is known, and one load for two registers of operands (ldp), one store for two registers of results (stp).

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { at, filesBelow, ifChanged, output, run } from '../tools/root.mjs';

const LIMIT = 1.25;
const PROGRAM = 'build/aarch64/arm-instructions';
const COMPILER = 'aarch64-linux-gnu-g++';
const FLAGS =
  '-std=c++17 -O3 -Wall -Wextra -fno-exceptions -fno-rtti -ffp-contract=off -fno-math-errno -fno-trapping-math';

/** What bench/arm_instructions.cc multiplies. */
const ROWS = 96;
const COLUMNS = 64;
const CHANNELS = 64;
const TAPS = 9;

/** A product by tiles: per k of one tile of 6 rows, its arithmetic and the registers of operands that it reads. */
const product = (columns, arithmetic, registers) => ({
  amounts: [1024, 2048],
  unit: `k of 6x${columns}`,
  units: (ROWS / 6) * (COLUMNS / columns),
  needed: arithmetic + registers / 2,
});
/** A pixel of 3x3 taps, 16 channels: pointers by two, one load per two registers of a tap, results by two. */
const depthwise = (arithmetic, loads) => ({
  amounts: [256, 512],
  unit: 'pixel x 16',
  units: CHANNELS / 16,
  needed: arithmetic + loads + 4 / 2,
});
/**
 * A pixel of 3x3 taps, 16 channels of floats, in tiles of 7 pixels and two registers: per tile 9 taps of 7 pixels by fmul and
 * fadd and their bounds by fmax and fmin; 9 weights and the 27 pixels below; 7 results.
 */
const LINES = 8;
const depthwiseFloats = {
  amounts: [112, 224],
  unit: 'pixel x 16',
  units: (LINES * CHANNELS) / 16,
  needed: (2 / 7) * (7 * (TAPS * 2 + 2) * 2 + TAPS + 27 + 7),
};
/** 16 values: four registers of floats in, one of codes out. */
const quantize = (arithmetic) => ({
  amounts: [1024, 2048],
  unit: '16 values',
  units: 1 / 16,
  needed: arithmetic + 4 / 2 + 1,
});

const CASES = {
  // smull, smlsl and sadalp for 16 products. There is no smull of bytes by lane: a word of a row fills a register.
  gemm_u8i8_i32_arm_neon: product(8, (6 * 8 * 3) / 16, (8 + 6 * 4) / 16),
  gemm_i8i8_i32_arm_neon: product(8, (6 * 8 * 3) / 16, (8 + 6 * 4) / 16),
  // sdot by lane for 16 products.
  gemm_u8i8_i32_arm_dotprod: product(16, (6 * 16) / 16, (16 + 6) / 16),
  gemm_i8i8_i32_arm_dotprod: product(16, (6 * 16) / 16, (16 + 6) / 16),
  // usmmla and smmla for 32 products.
  gemm_u8i8_i32_arm_i8mm: product(16, (6 * 16) / 32, (16 + 6) / 16),
  gemm_i8i8_i32_arm_i8mm: product(16, (6 * 16) / 32, (16 + 6) / 16),
  // The same to codes: sums of one part of k wait for the next one, the last part ends in the output.
  gemm_u8i8_u8_arm_neon: product(8, (6 * 8 * 3) / 16, (8 + 6 * 4) / 16),
  gemm_i8i8_i8_arm_neon: product(8, (6 * 8 * 3) / 16, (8 + 6 * 4) / 16),
  gemm_u8i8_u8_arm_dotprod: product(16, (6 * 16) / 16, (16 + 6) / 16),
  gemm_i8i8_i8_arm_dotprod: product(16, (6 * 16) / 16, (16 + 6) / 16),
  gemm_u8i8_u8_arm_i8mm: product(16, (6 * 16) / 32, (16 + 6) / 16),
  gemm_i8i8_i8_arm_i8mm: product(16, (6 * 16) / 32, (16 + 6) / 16),
  // fmla by lane for 4 products; fmul and fadd.
  gemm_f32_arm_neon: product(16, (6 * 16) / 4, (16 + 6) / 4),
  gemm_unfused_f32_arm_neon: product(16, (2 * 6 * 16) / 4, (16 + 6) / 4),
  // Two taps: 2 smull, 2 smlsl, 4 saddw; the odd one 2 smull, 4 saddw; u8 a sign per tap, i8 a complement per pair.
  depthwise_u8i8_i32_arm_neon: depthwise(4 * 8 + 6 + TAPS, TAPS / 2 + TAPS),
  depthwise_i8i8_i32_arm_neon: depthwise(4 * 8 + 6 + 4, TAPS / 2 + TAPS),
  depthwise_f32_arm_neon: depthwiseFloats,
  // Four times fdiv, fmaxnm (for NaN), fcvtns and half a sqxtn twice, sqadd of 8, sqxtun or sqxtn of 8.
  quantize_f32_u8_arm_neon: quantize(4 * 3 + 4 + 2 + 2),
  quantize_f32_i8_arm_neon: quantize(4 * 3 + 4 + 2 + 2),
};

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, mix: { type: 'boolean', default: false } },
});

const tools = { 'qemu-aarch64': 'qemu-user', [COMPILER]: 'g++-aarch64-linux-gnu' };
const missing = Object.keys(tools).filter((program) => output(program, ['--version']) === undefined);
if (missing.length > 0) {
  console.log(
    `Not counted: ${missing.join(', ')} not found (on Debian: ${missing.map((tool) => tools[tool]).join(' ')})`,
  );
  console.log('\n0 passed, 0 failed');
  process.exit(0);
}

const kernels = filesBelow('native/kernels').filter((file) => /\/arm_\w+\.cc$/.test(file));
await ifChanged('arm-instructions', [...filesBelow('native'), 'bench/arm_instructions.cc'], [PROGRAM], () => {
  mkdirSync(at('build/aarch64'), { recursive: true });
  run(COMPILER, [...FLAGS.split(' '), '-I.', '-static', ...kernels, 'bench/arm_instructions.cc', '-o', PROGRAM]);
});

/** Every instruction that a run executes, by mnemonic: qemu lists the blocks that it translates and names each it enters. */
async function executed(kernel, amount) {
  const child = spawn('qemu-aarch64', ['-cpu', 'max', '-d', 'in_asm,exec,nochain', at(PROGRAM), kernel, `${amount}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const blocks = new Map();
  const entered = new Map();
  let block;
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('0x')) {
      const [, address, mnemonic] = /^0x([0-9a-f]+):\s+[0-9a-f]+\s+(\S+)/.exec(line);
      if (block === undefined) {
        block = [];
        const key = BigInt(`0x${address}`);
        blocks.set(key, block);
      }
      block.push(mnemonic);
    } else if (line.startsWith('Trace ')) {
      block = undefined;
      const instructions = blocks.get(BigInt(`0x${line.split('/')[1]}`));
      if (instructions === undefined) throw new Error(`qemu entered a block that it did not list: ${line}`);
      entered.set(instructions, (entered.get(instructions) ?? 0) + 1);
    } else {
      block = undefined;
    }
  }
  const status = child.exitCode ?? (await new Promise((resolve) => child.once('close', resolve)));
  if (status !== 0) throw new Error(`${kernel} ended with ${status}`);
  const counts = new Map();
  for (const [instructions, times] of entered) {
    for (const mnemonic of instructions) counts.set(mnemonic, (counts.get(mnemonic) ?? 0) + times);
  }
  return counts;
}

const rows = [];
for (const [kernel, { amounts, unit, units, needed }] of Object.entries(CASES)) {
  if (!kernel.includes(values.filter)) continue;
  const [less, more] = [await executed(kernel, amounts[0]), await executed(kernel, amounts[1])];
  const per = (amounts[1] - amounts[0]) * units;
  const mix = [...more].map(([mnemonic, count]) => [mnemonic, (count - (less.get(mnemonic) ?? 0)) / per]);
  const counted = mix.reduce((sum, [, count]) => sum + count, 0);
  rows.push({ kernel, unit, counted, needed, ratio: counted / needed, mix });
}
if (rows.length === 0) throw new Error(`no kernel has '${values.filter}' in its name`);

console.log(`${'kernel'.padEnd(30)} ${'unit'.padEnd(12)} ${'counted'.padStart(8)} ${'needed'.padStart(8)}  ratio`);
for (const { kernel, unit, counted, needed, ratio, mix } of rows) {
  const figures = [counted.toFixed(2).padStart(8), needed.toFixed(2).padStart(8), ratio.toFixed(3).padStart(6)];
  console.log(`${kernel.padEnd(30)} ${unit.padEnd(12)} ${figures.join(' ')}${ratio > LIMIT ? '  <- above 1.25' : ''}`);
  if (!values.mix) continue;
  const most = mix.filter(([, count]) => count >= counted / 200).sort(([, a], [, b]) => b - a);
  console.log(`  ${most.map(([mnemonic, count]) => `${mnemonic} ${count.toFixed(2)}`).join(', ')}`);
}
const above = rows.filter(({ ratio }) => !(ratio <= LIMIT)).length;
console.log(`\nWithin ${LIMIT} of what is needed:\n${rows.length - above} passed, ${above} failed`);
process.exit(above > 0 ? 1 : 0);
