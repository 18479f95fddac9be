// Additions of codes without an instruction of their own: the convolution that makes one of the terms adds the other.

import { type FieldValue, type Instruction, isView, type Program, type View } from './program.js';

/**
 * Takes away every addition of codes of which an int8 convolution writes a term that nothing else reads: the convolution
 * becomes one that adds. When both terms come from convolutions it is the later one, for the other term must be there.
 */
export function fuseResidual(program: Program): void {
  const { instructions } = program;
  const uses = new Map<number, number[]>();
  instructions.forEach(({ fields }, index) => {
    for (const id of new Set(
      Object.values(fields)
        .filter(isView)
        .map(({ buffer }) => buffer.id),
    )) {
      uses.set(id, [...(uses.get(id) ?? []), index]);
    }
  });
  const gone = new Set<number>();
  instructions.forEach((sum, index) => {
    if (!addsRows(sum)) return;
    const terms = (['a', 'b'] as const).flatMap((name) => {
      const [maker, ...readers] = uses.get((sum.fields[name] as View).buffer.id) ?? [];
      if (maker === undefined || readers.length !== 1 || readers[0] !== index) return [];
      return makesTerm(instructions[maker] as Instruction, sum, name) ? [{ maker, name }] : [];
    });
    const later = terms.sort((one, other) => other.maker - one.maker)[0];
    if (later === undefined) return;
    const other = sum.fields[later.name === 'a' ? 'b' : 'a'] as View;
    const between = (uses.get(other.buffer.id) ?? []).filter((use) => use >= later.maker && use < index);
    const written = between.some((use) => writes(instructions[use] as Instruction, other));
    if (written || !freeAt(uses, sum.fields.y, later.maker, index)) return;
    instructions[later.maker] = added(instructions[later.maker] as Instruction, sum, later.name, other);
    gone.add(index);
  });
  const kept = instructions.filter((_, index) => !gone.has(index));
  if (gone.size > 0) instructions.splice(0, Number.POSITIVE_INFINITY, ...kept);
}

/** Whether an instruction adds codes of two tensors of one shape, element by element. */
function addsRows({ op, fields }: Instruction): boolean {
  if (op !== 'binary_i8' || fields.kind !== 0) return false;
  const { a, b, y } = fields;
  if (!isView(a) || !isView(b) || !isView(y) || a.buffer === b.buffer) return false;
  const { d0, d1, d2, d3, a3, b3 } = fields as Record<string, number>;
  return d0 === 1 && d1 === 1 && d2 === 1 && (a3 === 1 || d3 === 1) && (b3 === 1 || d3 === 1);
}

/** Whether a convolution makes all of a term, as the codes that the sum takes it for. */
function makesTerm({ op, fields }: Instruction, { fields: sum }: Instruction, name: 'a' | 'b'): boolean {
  const y = fields.y as FieldValue;
  if (op !== 'conv_i8' || !isView(y) || y.buffer.space !== 'arena' || y.bytes !== y.buffer.bytes) return false;
  const term = sum[name] as View;
  const same = y.buffer === term.buffer && y.offset === term.offset && y.bytes === term.bytes;
  const codes = fields.y_format === sum[`${name}_format`] && fields.y_zero_point === sum[`${name}_zero`];
  const ratios = [sum.a_ratio, sum.b_ratio].every(Number.isFinite);
  return same && codes && ratios && fields.y_stride === fields.oc;
}

/** Whether an instruction writes into a buffer; which fields it reads is not known, so only y counts as written alone. */
function writes({ fields }: Instruction, { buffer }: View): boolean {
  return Object.entries(fields).some(([name, value]) => isView(value) && value.buffer === buffer && !READ.has(name));
}

/** Fields that no instruction writes. */
const READ = new Set(['x', 'a', 'b', 'added', 'packed', 'weights', 'residual']);

/** Whether nothing touches the sum's buffer from one instruction up to another. */
function freeAt(uses: ReadonlyMap<number, readonly number[]>, y: FieldValue, from: number, to: number): boolean {
  return isView(y) && (uses.get(y.buffer.id) ?? []).every((use) => use < from || use >= to);
}

function added(conv: Instruction, { fields: sum, node }: Instruction, name: 'a' | 'b', other: View): Instruction {
  const rest = name === 'a' ? 'b' : 'a';
  return {
    op: 'conv_add_i8',
    fields: {
      ...conv.fields,
      y: sum.y,
      added: other,
      added_format: sum[`${rest}_format`],
      added_zero: sum[`${rest}_zero`],
      ratio: sum[`${name}_ratio`],
      added_ratio: sum[`${rest}_ratio`],
      sum_format: sum.y_format,
      sum_zero: sum.y_zero,
      sum_lo: sum.qlo,
      sum_hi: sum.qhi,
    },
    inPlace: [],
    node: `${conv.node}, ${node}`,
  };
}
