// Copies that convolutions make needless, and those that must stay.

import { describe, expect, it } from 'vitest';
import { concatInPlace } from '../../src/runtime/concat-in-place.js';
import { type Instruction, Program, type View } from '../../src/runtime/program.js';

/** Two convolutions of 6 pixels, of 4 and 8 channels, whose outputs are put side by side. */
function sideBySide(): { program: Program; first: View; second: View; out: View } {
  const program = new Program();
  const first = program.buffer(24, 'arena', 'first');
  const second = program.buffer(48, 'arena', 'second');
  const out = program.buffer(72, 'arena', 'out');
  const add = (op: string, fields: Record<string, number | View>): void =>
    program.emit({ op, fields, inPlace: [], node: '' });
  add('conv_i8', { y: first, n: 1, oh: 2, ow: 3, oc: 4, y_stride: 4 });
  add('conv_i8', { y: second, n: 1, oh: 2, ow: 3, oc: 8, y_stride: 8 });
  const rows = { y: out, rows: 6, x_offset: 0, y_stride: 12 };
  add('copy_rows', { ...rows, x: first, row_bytes: 4, x_stride: 4, y_offset: 0 });
  add('copy_rows', { ...rows, x: second, row_bytes: 8, x_stride: 8, y_offset: 4 });
  return { program, first, second, out };
}

const opsOf = ({ instructions }: Program): string[] => instructions.map(({ op }) => op);

describe('concatInPlace', () => {
  it('makes convolutions write into the concatenation', () => {
    const { program, out } = sideBySide();
    concatInPlace(program);
    expect(opsOf(program)).toEqual(['conv_i8', 'conv_i8']);
    const [first, second] = program.instructions.map(({ fields }) => fields);
    expect(first).toMatchObject({ oc: 4, y_stride: 12, y: { buffer: out.buffer, offset: 0, bytes: 64 } });
    expect(second).toMatchObject({ oc: 8, y_stride: 12, y: { buffer: out.buffer, offset: 4, bytes: 68 } });
  });

  it('counts floats as four bytes, and leaves rows that begin within one', () => {
    for (const [offset, ops] of [
      [8, ['conv_f32']],
      [6, ['conv_f32', 'copy_rows']],
    ] as const) {
      const program = new Program();
      const x = program.buffer(48, 'arena', 'x');
      const out = program.buffer(144, 'arena', 'out');
      program.emit({ op: 'conv_f32', fields: { y: x, n: 1, oh: 2, ow: 3, oc: 2, y_stride: 2 }, inPlace: [], node: '' });
      const rows = { rows: 6, row_bytes: 8, x_stride: 8, x_offset: 0, y_stride: 24, y_offset: offset };
      program.emit({ op: 'copy_rows', fields: { x, y: out, ...rows }, inPlace: [], node: '' });
      concatInPlace(program);
      expect(opsOf(program)).toEqual(ops);
      if (ops.length > 1) continue;
      expect(program.instructions[0]?.fields).toMatchObject({
        ...{ oc: 2, y_stride: 6, y: { buffer: out.buffer, offset: 8, bytes: 128 } },
      });
    }
  });

  it('leaves copies of what others read, of outputs, and of other producers', () => {
    const read = sideBySide();
    read.program.emit({ op: 'clamp_f32', fields: { x: read.first, y: read.out, n: 1 }, inPlace: [], node: '' });
    const fetched = sideBySide();
    fetched.first.buffer.space = 'output';
    const other = sideBySide();
    other.program.instructions[0] = { ...(other.program.instructions[0] as Instruction), op: 'depthwise_i8' };
    for (const { program } of [read, fetched, other]) {
      concatInPlace(program);
      expect(opsOf(program).filter((op) => op === 'copy_rows')).toHaveLength(1);
    }
  });

  it('leaves copies of rows that are not the pixels of the convolution', () => {
    const { program, first, out } = sideBySide();
    const rows = { y: out, x: first, rows: 3, row_bytes: 8, x_stride: 8, x_offset: 0, y_stride: 12, y_offset: 0 };
    program.instructions[2] = { op: 'copy_rows', fields: rows, inPlace: [], node: '' };
    concatInPlace(program);
    expect(opsOf(program)).toEqual(['conv_i8', 'conv_i8', 'copy_rows']);
  });
});
