// Additions that convolutions do, and those that stay.

import { describe, expect, it } from 'vitest';
import { fuseResidual } from '../../src/runtime/fuse-residual.js';
import { type FieldValue, type Instruction, Program, type View } from '../../src/runtime/program.js';

const FLAT = { d0: 1, d1: 1, d2: 1, d3: 24, a0: 0, a1: 0, a2: 0, a3: 1, b0: 0, b1: 0, b2: 0, b3: 1 };

/** Two convolutions of 6 pixels and 4 channels from an input, and the sum of their codes. */
function block() {
  const program = new Program();
  const [x, main, skip, sum] = ['x', 'main', 'skip', 'sum'].map((name) =>
    program.buffer(24, name === 'x' ? 'input' : 'arena', name),
  ) as [View, View, View, View];
  const add = (op: string, fields: Record<string, FieldValue>) => program.emit({ op, fields, inPlace: [], node: op });
  const conv = { x, n: 1, oh: 2, ow: 3, oc: 4, y_stride: 4, y_format: 2 };
  add('conv_i8', { ...conv, y: main, y_zero_point: 3 });
  add('conv_i8', { ...conv, y: skip, y_zero_point: 5 });
  const codes = { a_format: 2, b_format: 2, y_format: 2, a_zero: 3, b_zero: 5, y_zero: 7, qlo: 7, qhi: 255 };
  add('binary_i8', { a: main, b: skip, y: sum, kind: 0, ...FLAT, ...codes, a_ratio: 0.5, b_ratio: 2 });
  return { program, x, main, skip, sum, add };
}

/** The same with fields of one of its instructions changed. */
function changed(index: number, fields: Record<string, FieldValue>): Program {
  const { program } = block();
  const old = program.instructions[index] as Instruction;
  program.instructions[index] = { ...old, fields: { ...old.fields, ...fields } };
  return program;
}

const opsOf = ({ instructions }: Program): string[] => instructions.map(({ op }) => op);
const APART = ['conv_i8', 'conv_i8', 'binary_i8'];

describe('fuseResidual', () => {
  it('lets the later convolution add what the earlier one made', () => {
    const { program, main, sum } = block();
    fuseResidual(program);
    expect(opsOf(program)).toEqual(['conv_i8', 'conv_add_i8']);
    expect(program.instructions[1]?.fields).toMatchObject({
      ...{ y: sum, added: main, y_zero_point: 5, y_format: 2, ratio: 2, added_ratio: 0.5 },
      ...{ added_format: 2, added_zero: 3, sum_format: 2, sum_zero: 7, sum_lo: 7, sum_hi: 255 },
    });
  });

  it('lets the only convolution add what was there', () => {
    const { program, x, skip } = block();
    const [, , sum] = program.instructions as [Instruction, Instruction, Instruction];
    program.instructions[2] = { ...sum, fields: { ...sum.fields, a: x } };
    fuseResidual(program);
    expect(opsOf(program)).toEqual(['conv_i8', 'conv_add_i8']);
    expect(program.instructions[1]?.fields).toMatchObject({ added: x, ratio: 2 });
    expect(program.instructions[1]?.fields.y).not.toBe(skip);
  });

  it('leaves products, broadcasts and codes that the sum takes for others', () => {
    const others = [
      changed(2, { kind: 2 }),
      changed(2, { d2: 2, d3: 12, b2: 0 }),
      changed(2, { a_zero: 4, b_zero: 4 }),
      changed(2, { b_ratio: Number.POSITIVE_INFINITY }),
      changed(2, { a_format: 3, b_format: 3 }),
    ];
    for (const program of others) {
      fuseResidual(program);
      expect(opsOf(program)).toEqual(APART);
    }
  });

  it('leaves terms that others read, and outputs', () => {
    const read = block();
    read.add('clamp_f32', { x: read.main, y: read.x, n: 1 });
    read.add('clamp_f32', { x: read.skip, y: read.x, n: 1 });
    fuseResidual(read.program);
    expect(opsOf(read.program).slice(0, 3)).toEqual(APART);
    const fetched = block();
    fetched.main.buffer.space = 'output';
    fetched.skip.buffer.space = 'output';
    fuseResidual(fetched.program);
    expect(opsOf(fetched.program)).toEqual(APART);
  });

  it('leaves a sum whose other term is made, or whose place is taken, behind the convolution', () => {
    const late = block();
    const [first, second, sum] = late.program.instructions as [Instruction, Instruction, Instruction];
    late.program.instructions.splice(0, 3, second, { ...first, op: 'depthwise_i8' }, sum);
    fuseResidual(late.program);
    expect(opsOf(late.program)).toEqual(['conv_i8', 'depthwise_i8', 'binary_i8']);
    const taken = block();
    const use: Instruction = { op: 'clamp_f32', fields: { x: taken.sum, y: taken.x, n: 1 }, inPlace: [], node: '' };
    taken.program.instructions.splice(2, 0, use);
    fuseResidual(taken.program);
    expect(opsOf(taken.program)).toEqual(['conv_i8', 'conv_i8', 'clamp_f32', 'binary_i8']);
  });
});
