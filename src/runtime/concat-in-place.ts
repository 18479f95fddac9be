// Concatenations without copies: convolutions write their channels where the concatenation wants them.

import { type FieldValue, type Instruction, isView, type Program, part, type View } from './program.js';

/** Bytes of a number that a convolution writes; conv_i8 is moved when they are codes. */
const WIDTHS: Readonly<Record<string, number>> = { conv_i8: 1, conv_f32: 4 };

/**
 * Takes away every copy of rows whose source one convolution writes and nothing else reads: the convolution writes the
 * rows of the target itself, `y_stride` apart.
 */
export function concatInPlace(program: Program): void {
  const users = new Map<number, Instruction[]>();
  for (const instruction of program.instructions) {
    for (const id of new Set(
      Object.values(instruction.fields)
        .filter(isView)
        .map(({ buffer }) => buffer.id),
    )) {
      users.set(id, [...(users.get(id) ?? []), instruction]);
    }
  }
  const moved = new Map<Instruction, Instruction>();
  const gone = new Set<Instruction>();
  for (const copy of program.instructions) {
    const source = sourceOf(copy);
    if (source === undefined) continue;
    const [producer, ...others] = users.get(source.buffer.id) ?? [];
    if (producer === undefined || others.length !== 1 || others[0] !== copy) continue;
    const width = WIDTHS[producer.op];
    if (width === undefined || !writesRows(producer, width, copy)) continue;
    const { y, y_offset, y_stride, rows, row_bytes } = copy.fields as Record<string, number> & { readonly y: View };
    const bytes = ((rows as number) - 1) * (y_stride as number) + (row_bytes as number);
    const fields = {
      ...producer.fields,
      y: part(y, y_offset as number, bytes),
      y_stride: (y_stride as number) / width,
    };
    moved.set(producer, { ...producer, fields });
    gone.add(copy);
  }
  if (gone.size === 0) return;
  const kept = program.instructions.filter((instruction) => !gone.has(instruction));
  program.instructions.splice(0, Number.POSITIVE_INFINITY, ...kept.map((old) => moved.get(old) ?? old));
}

/** What a copy of dense rows reads, when that is the whole of a buffer that lives between two instructions. */
function sourceOf({ op, fields }: Instruction): View | undefined {
  if (op !== 'copy_rows' || fields.x_offset !== 0 || fields.x_stride !== fields.row_bytes) return undefined;
  return wholeOf(fields.x);
}

function wholeOf(value: FieldValue): View | undefined {
  if (!isView(value) || value.buffer.space !== 'arena') return undefined;
  return value.offset === 0 && value.bytes === value.buffer.bytes ? value : undefined;
}

/** Whether a convolution writes what the copy reads, a pixel's numbers of `width` bytes a row, to a multiple of them. */
function writesRows({ fields }: Instruction, width: number, { fields: copy }: Instruction): boolean {
  if (wholeOf(fields.y)?.buffer !== (copy.x as View).buffer) return false;
  const { n, oh, ow, oc, y_stride } = fields as Record<string, number>;
  const pixels = (n as number) * (oh as number) * (ow as number);
  const row = (oc as number) * width;
  const dense = y_stride === oc && (copy.x as View).bytes === pixels * row;
  const even = (copy.y_stride as number) % width === 0 && (copy.y_offset as number) % width === 0;
  return dense && even && pixels === copy.rows && row === copy.row_bytes;
}
