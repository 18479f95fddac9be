// Operators of com.microsoft that are run as they are.

import type { DType } from '../../core/dtype.js';
import { FLOAT, type Known, MANY, type NodeContext, type OpRule } from '../rule.js';

const ZERO_POINT: readonly DType[] = ['uint8', ...FLOAT];

/** Y [.., N] = A [.., K] times the dequantized B' [K, N]; B is [N, blocks, block_size * bits / 8]. */
function inferMatMulNBits(context: NodeContext): Known[] {
  const attribute = (name: string): number => {
    const value = context.int(name) ?? context.fail(`attribute ${name} is missing`);
    return value > 0 ? value : context.fail(`attribute ${name} is ${value}; expected a positive number`);
  };
  const [k, n, block] = [attribute('K'), attribute('N'), attribute('block_size')];
  const bits = context.int('bits', 4);
  const blocks = Math.ceil(k / block);
  const a = context.ranked(0, 1, MANY);
  const inner = a?.at(-1);
  if (typeof inner === 'number' && inner !== k) context.fail(`A has rows of ${inner}; K is ${k}`);
  const expectCount = (index: number, what: string, wanted: number): void => {
    const dims = context.has(index) ? context.dims(index) : undefined;
    if (dims === undefined || dims.some((dim) => typeof dim !== 'number')) return;
    const found = dims.reduce<number>((product, dim) => product * (dim as number), 1);
    if (found !== wanted) context.fail(`${what} has shape [${dims.join(', ')}]; expected ${wanted} elements`);
  };
  const blockBytes = Math.ceil((block * bits) / 8);
  expectCount(1, 'B', n * blocks * blockBytes);
  expectCount(2, 'the scale', n * blocks);
  const packed = context.dtype(3) === 'uint8';
  expectCount(3, 'the zero point', packed ? n * Math.ceil((blocks * bits) / 8) : n * blocks);
  expectCount(5, 'the bias', n);
  return [{ dtype: context.dtype(0), dims: a === undefined ? undefined : [...a.slice(0, -1), n] }];
}

export const CONTRIB_OPS = {
  MatMulNBits: {
    inputs: [3, 6],
    outputs: [1, 1],
    attributes: { K: 'int', N: 'int', bits: 'int', block_size: 'int', accuracy_level: 'int' },
    accepts: [FLOAT, ['uint8'], FLOAT, ZERO_POINT, ['int32'], FLOAT],
    infer: inferMatMulNBits,
  },
} as const satisfies Record<string, OpRule>;
