// MatMulNBits of com.microsoft: float rows by weights of 4 or 8 bits that have a scale per block of k.

import { DTYPES } from '../../core/dtype.js';
import { integersOf } from '../../core/tensor.js';
import type { Node } from '../../ir/graph.js';
import { inputOf, intOf, outputOf } from '../attributes.js';
import type { Lowering, LoweringRow } from '../lowering.js';
import { groupedRowBytes, packedGroupsBytes } from '../packed.js';
import type { View } from '../program.js';
import { sizeOfDims } from './matrix.js';
import { columnVector } from './parameters.js';

const NO_CLAMP = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** `accuracy_level` of rows that are quantized to int8 by blocks; below it they stay floats. */
const QUANTIZED_ROWS = 4;

interface Weights {
  readonly bits: 4 | 8;
  readonly k: number;
  readonly n: number;
  readonly block: number;
  readonly blocks: number;
}

function weightsOf(node: Node, at: Lowering): Weights {
  const bits = intOf(node, 'bits', 4);
  if (bits !== 4 && bits !== 8) return at.unsupported(`weights of ${bits} bits; 4 and 8 are supported`);
  const [k, n, block] = [intOf(node, 'K', 0), intOf(node, 'N', 0), intOf(node, 'block_size', 0)];
  if (block < 8 || block % 8 !== 0) return at.unsupported(`block_size ${block}; multiples of 8 are supported`);
  return { bits, k, n, block, blocks: Math.ceil(k / block) };
}

/** How pack_i4 reads zero points: packed as the codes are, or one byte each. */
interface ZeroPoints {
  readonly view: View;
  readonly bits: 4 | 8;
  readonly perColumn: number;
}

/** Zero points in packed bytes, or as floats that are whole numbers. */
function zeroPointsOf(at: Lowering, name: string, { bits, n, blocks }: Weights): ZeroPoints | undefined {
  if (name === '') return undefined;
  if (at.expectType(name, 'uint8', 'float32') === 'uint8') {
    return { view: at.read(name, 'logical'), bits, perColumn: (8 / bits) * Math.ceil((blocks * bits) / 8) };
  }
  const zeros = at.floats(name, 'the zero points');
  const bad = zeros.find((zero) => !Number.isInteger(zero) || zero < 0 || zero >= 2 ** bits);
  if (bad !== undefined)
    at.unsupported(`a zero point of ${bad}; whole numbers from 0 to ${2 ** bits - 1} are supported`);
  if (zeros.length !== n * blocks) at.unsupported(`${zeros.length} zero points for ${n} x ${blocks} blocks`);
  return { view: at.block(Uint8Array.from(zeros), `${name} as bytes`), bits: 8, perColumn: blocks };
}

/** Rows of the weights by block, where `g_idx` scatters them: place p of the product is row order[p]. */
interface Order {
  readonly name: string;
  readonly rows: Int32Array;
}

/** Each block must have as many rows as one that lies in a piece has. Undefined where the rows lie in order. */
function orderOf(node: Node, at: Lowering, { k, block, blocks }: Weights): Order | undefined {
  const name = inputOf(node, 4);
  if (name === '') return undefined;
  const blockOf = integersOf(at.needConstant(name, 'g_idx')).slice(0, k);
  const places = Array.from({ length: blocks }, () => [] as number[]);
  for (const [row, group] of blockOf.entries()) places[group]?.push(row);
  const rows = Int32Array.from(places.flat());
  const equal = places.every((place, i) => place.length === Math.min(block, k - i * block));
  if (!equal || rows.length !== k) at.unsupported('a g_idx of blocks that have not block_size rows each');
  return rows.every((row, place) => row === place) ? undefined : { name, rows };
}

/** The name of the codes with their rows in order. */
function orderedCodes(at: Lowering, b: string, { name, rows }: Order, { bits, k, n, block, blocks }: Weights): string {
  const ordered = `${b} in the order of ${name}`;
  if (at.constant(ordered) !== undefined) return ordered;
  const { dtype, dims, data } = at.needConstant(b, 'weights with g_idx');
  const moved = new Uint8Array(data.length);
  const mask = 2 ** bits - 1;
  for (let column = 0; column < n; column++) {
    const first = column * blocks * block;
    for (let place = 0; place < k; place++) {
      const [from, to] = [(first + (rows[place] as number)) * bits, (first + place) * bits];
      const code = ((data[from >> 3] as number) >> (from & 7)) & mask;
      moved[to >> 3] = (moved[to >> 3] as number) | (code << (to & 7));
    }
  }
  at.defineConstant(ordered, { dtype, dims, data: moved });
  return ordered;
}

/** The columns of a in order. */
function orderedRows(at: Lowering, a: string, { name, rows }: Order, m: number, k: number): View {
  return at.once(`${a} in the order of ${name}`, () => {
    const y = at.scratch(m * k * 4, `${a} in order`);
    const indices = at.block(rows, `the order of ${name}`);
    const sizes = { outer: m, axis: k, inner_bytes: 4, count: k, format: DTYPES.int32.onnx };
    at.emit('gather', { x: at.read(a, 'logical'), indices, y, ...sizes });
    return y;
  });
}

/** The weights in the order of the kernels: packed once when they are constants, in every run otherwise. */
function packWeights(node: Node, at: Lowering, weights: Weights, order: Order | undefined): View {
  const { bits, k, n, block, blocks } = weights;
  const [given, scales, zeros] = [inputOf(node, 1), inputOf(node, 2), inputOf(node, 3)];
  const b = order === undefined ? given : orderedCodes(at, given, order, weights);
  at.expectType(b, 'uint8');
  at.expectType(scales, 'float32');
  const zero = zeroPointsOf(at, zeros, weights);
  const scale = at.read(scales, 'logical');
  const fields = (w: View, packed: View) => ({
    ...{ w, scale, zero: zero?.view, packed, bits, format: DTYPES.uint8.onnx, k, n },
    ...{ k_stride: 1, n_stride: blocks * block, group_size: block, scale_group_stride: 1, scale_n_stride: blocks },
    ...{ zero_bits: zero?.bits ?? bits, zero_group_stride: 1, zero_n_stride: zero?.perColumn ?? 0 },
  });
  const bytes = packedGroupsBytes(bits, k, n, block, zero !== undefined);
  const constant = [b, scales, zeros].every((name) => name === '' || at.constant(name) !== undefined);
  if (constant) {
    const key = `packed ${bits} bits by ${block} with ${scales} and ${zeros}`;
    return at.derive(b, key, bytes, 'pack_i4', fields);
  }
  const packed = at.scratch(bytes, `${b} packed`);
  at.emit('pack_i4', fields(at.read(b, 'logical'), packed));
  return packed;
}

interface Rows {
  readonly a: View;
  readonly a_scale: View | undefined;
  readonly a_sum: View | undefined;
  readonly a_format: number;
}

/** Codes of the rows by blocks, made once for all products that read them with one block size. */
function quantizedRows(at: Lowering, a: string, x: View, m: number, { k, block, blocks }: Weights): Rows {
  return at.once(`${a} by blocks of ${block}`, () => {
    const codes = at.scratch(m * groupedRowBytes(k), `${a} codes`);
    const [scale, sum] = [at.scratch(blocks * m * 4, 'scales'), at.scratch(blocks * m * 4, 'sums')];
    at.emit('quantize_groups', { x, codes, scale, sum, rows: m, columns: k, group_size: block });
    return { a: codes, a_scale: scale, a_sum: sum, a_format: DTYPES.int8.onnx };
  });
}

function matMulNBits(node: Node, at: Lowering): void {
  const [a, y] = [inputOf(node, 0), outputOf(node)];
  at.expectType(a, 'float32');
  const weights = weightsOf(node, at);
  const { bits, k, n, block } = weights;
  const m = sizeOfDims(at.dims(a).slice(0, -1));
  const order = orderOf(node, at, weights);
  const packed = packWeights(node, at, weights, order);
  const x = order === undefined ? at.read(a, 'logical') : orderedRows(at, a, order, m, k);
  const rows: Rows =
    intOf(node, 'accuracy_level', 0) === QUANTIZED_ROWS
      ? quantizedRows(at, order === undefined ? a : `${a} in the order of ${order.name}`, x, m, weights)
      : { a: x, a_scale: undefined, a_sum: undefined, a_format: DTYPES.float32.onnx };
  const bias = columnVector(at, inputOf(node, 5), 'float32', n);
  const sizes = { bits, m, k, n, group_size: block, exact: at.exact };
  at.emit('gemm_i4', { ...rows, packed, bias, y: at.write(y, 'logical'), ...sizes, ...NO_CLAMP });
}

export const N_BITS_ROWS = {
  MatMulNBits: { lower: matMulNBits, constants: [4] },
} as const satisfies Record<string, LoweringRow>;
