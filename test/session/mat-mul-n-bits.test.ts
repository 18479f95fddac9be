// MatMulNBits of com.microsoft in sessions: against the oracle, and against onnxruntime within bounds of the rounding.

import { Tensor } from 'onnxruntime-common';
import { InferenceSession as Peer } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage } from '../../src/formats/onnx/messages.js';
import { InferenceSession } from '../../src/session/inference-session.js';
import { floatTensor, model, node, valueInfo } from '../formats/onnx-build.js';
import { packBits } from '../kernels/grouped-program.js';
import { randomFloats, randomOf } from '../kernels/harness.js';
import { dequantizedMatrix, type GroupedMatrix, groupedProduct, quantizeGroups } from '../oracle/groups.js';
import { floatProduct, gamma } from '../oracle/product.js';

interface Case {
  readonly bits: 4 | 8;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly block: number;
  readonly zeros: 'none' | 'packed' | 'floats';
  readonly bias: boolean;
  readonly level: number;
  /** The weights are an input of the model. */
  readonly fed?: boolean;
  /** The rows of a block are scattered by g_idx. */
  readonly scattered?: boolean;
  /** One row more in its first block, one less in the last. */
  readonly uneven?: boolean;
}

const BASE: Case = { bits: 4, m: 3, k: 64, n: 24, block: 32, zeros: 'none', bias: false, level: 4 };

const bytes = (name: string, dims: readonly number[], rawData: Uint8Array) =>
  createMessage('TensorProto', { name, dims: dims.map(BigInt), dataType: 2, rawData });
const ints = (name: string, values: readonly number[]) =>
  createMessage('TensorProto', {
    name,
    dims: [BigInt(values.length)],
    dataType: 6,
    rawData: new Uint8Array(Int32Array.from(values).buffer),
  });
const int = (name: string, value: number) => createMessage('AttributeProto', { name, type: 2, i: BigInt(value) });

function build(c: Case, change: Readonly<Record<string, number>> = {}) {
  const random = randomOf(c.k + c.n);
  const blocks = Math.ceil(c.k / c.block);
  const range = 2 ** c.bits;
  const stored = Array.from({ length: c.n * blocks * c.block }, () => Math.floor(random() * range));
  const scale = Float32Array.from({ length: c.n * blocks }, () => (random() - 0.3) / 4);
  const zero = Array.from(scale, () => (c.zeros === 'none' ? range / 2 : Math.floor(random() * range)));
  const zeroBytes = Array.from({ length: c.n }, (_, j) => [
    ...packBits(zero.slice(j * blocks, (j + 1) * blocks), c.bits),
  ]).flat();
  const matrix: GroupedMatrix = {
    ...{ k: c.k, n: c.n, groupSize: c.block },
    codes: Array.from(
      { length: c.k * c.n },
      (_, i) => stored[(i % c.n) * blocks * c.block + Math.floor(i / c.n)] as number,
    ),
    scale: Float32Array.from(
      { length: c.n * blocks },
      (_, i) => scale[(i % c.n) * blocks + Math.floor(i / c.n)] as number,
    ),
    zero: Array.from({ length: c.n * blocks }, (_, i) => zero[(i % c.n) * blocks + Math.floor(i / c.n)] as number),
  };
  const bias = c.bias ? randomFloats(c.n, 9) : undefined;
  const attributes = { K: c.k, N: c.n, bits: c.bits, block_size: c.block, accuracy_level: c.level, ...change };
  // Where row `place` of the matrix, which has its blocks in order, lies in the file.
  const blockOf = Array.from({ length: c.k }, (_, i) => Math.floor(i / c.block));
  if (c.scattered === true) {
    for (let i = c.k - 1; i > 0; i--) {
      const other = Math.floor(random() * (i + 1));
      [blockOf[i], blockOf[other]] = [blockOf[other] as number, blockOf[i] as number];
    }
  }
  const rowAt = blockOf.map((_, i) => i).sort((i, j) => (blockOf[i] as number) - (blockOf[j] as number) || i - j);
  const scatter = (values: ArrayLike<number>, width: number): number[] => {
    const moved = Array.from(values);
    for (const [place, row] of rowAt.entries()) {
      for (let from = 0; from < values.length; from += width) moved[from + row] = values[from + place] as number;
    }
    return moved;
  };
  const b = {
    dims: [c.n, blocks, (c.block * c.bits) / 8],
    data: packBits(scatter(stored, blocks * c.block), c.bits),
  };
  const g = c.scattered === true ? 'g' : '';
  const inputs = ['x', 'b', 's', c.zeros === 'none' ? '' : 'z', g, c.bias ? 'bias' : ''];
  while (inputs.at(-1) === '') inputs.pop();
  const message = model({
    nodes: [
      node('MatMulNBits', inputs, ['y'], {
        name: 'product',
        domain: 'com.microsoft',
        attribute: Object.entries(attributes).map(([name, value]) => int(name, value)),
      }),
    ],
    inputs: [valueInfo('x', ['rows', 1, c.k]), ...(c.fed === true ? [valueInfo('b', b.dims, 'uint8')] : [])],
    outputs: [valueInfo('y', ['rows', 1, c.n])],
    initializers: [
      ...(c.fed === true ? [] : [bytes('b', b.dims, b.data)]),
      floatTensor('s', [c.n * blocks], [...scale]),
      ...(c.zeros === 'packed' ? [bytes('z', [zeroBytes.length], Uint8Array.from(zeroBytes))] : []),
      ...(c.zeros === 'floats' ? [floatTensor('z', [c.n, blocks], zero)] : []),
      ...(g === '' ? [] : [ints('g', c.uneven === true ? blockOf.with(blockOf.lastIndexOf(blocks - 1), 0) : blockOf)]),
      ...(bias === undefined ? [] : [floatTensor('bias', [c.n], [...bias])]),
    ],
    opset: 17,
  });
  message.opsetImport.push(createMessage('OperatorSetIdProto', { domain: 'com.microsoft', version: 1n }));
  const x = randomFloats(c.m * c.k, c.m + c.k, 2);
  const given = Float32Array.from(scatter(x, c.k));
  return { file: encodeMessage('ModelProto', message), matrix, bias, b, x, given };
}

async function peerResult(file: Uint8Array, x: Float32Array, { m, k }: Case): Promise<Float32Array> {
  const peer = await Peer.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const { y } = await peer.run({ x: new Tensor('float32', x, [m, 1, k]) });
  await peer.release();
  return y?.data as Float32Array;
}

/** With a g_idx onnxruntime 1.30 takes 8 in the place of packed zero points, and knows no weights of 8 bits. */
const peerKnows = (c: Case): boolean => c.scattered !== true || (c.zeros !== 'packed' && c.bits === 4);

const CASES: readonly Case[] = [
  BASE,
  { ...BASE, m: 1, k: 100, block: 16, zeros: 'packed', bias: true },
  { ...BASE, m: 20, k: 300, n: 50, block: 128 },
  { ...BASE, bits: 8, zeros: 'packed', k: 96, bias: true },
  { ...BASE, level: 0, zeros: 'packed', k: 90, m: 5 },
  { ...BASE, level: 1, bits: 8, k: 512, block: 64, bias: true },
  { ...BASE, level: 0, zeros: 'floats', block: 16 },
  { ...BASE, scattered: true, zeros: 'packed', bias: true },
  { ...BASE, scattered: true, zeros: 'floats', bias: true },
  { ...BASE, scattered: true, bits: 8, level: 0, zeros: 'packed' },
  { ...BASE, scattered: true, k: 90, block: 16, m: 2 },
  { ...BASE, scattered: true, level: 0, zeros: 'floats' },
];

describe('MatMulNBits', () => {
  it.each(CASES)('%o', async (c) => {
    const { file, matrix, bias, x, given } = build(c);
    const exact = floatProduct({ m: c.m, k: c.k, n: c.n, a: x, w: dequantizedMatrix(matrix) }, bias);
    const rows = quantizeGroups(x, c.m, c.k, c.block);
    const theirs = peerKnows(c) ? await peerResult(file, given, c) : undefined;
    // A code differs from its value by half a scale of the row at most: what that is worth, per output.
    const rounding = Array.from(exact.value, (_, i) => {
      const [r, j] = [Math.floor(i / c.n), i % c.n];
      const w = dequantized(matrix);
      let sum = 0;
      for (let t = 0; t < c.k; t++) {
        sum += ((rows.scale[Math.floor(t / c.block) * c.m + r] as number) / 2) * Math.abs(w[t * c.n + j] as number);
      }
      return sum;
    });
    for (const kind of ['native', 'wasm'] as const) {
      using session = await InferenceSession.create(file, { backend: kind });
      const { y } = await session.run({ x: new Tensor('float32', given, [c.m, 1, c.k]) });
      expect(y?.dims).toEqual([c.m, 1, c.n]);
      const ours = y?.data as Float32Array;
      if (c.level === 4) expect(ours).toEqual(Float32Array.from(groupedProduct(rows, c.m, matrix, bias)));
      for (const [i, value] of exact.value.entries()) {
        const sums = 2 * gamma(c.k + 8) * (exact.magnitude[i] as number);
        const bound = c.level === 4 ? (rounding[i] as number) * 1.0001 + sums : sums;
        expect(Math.abs((ours[i] as number) - value), `${kind} ${i}`).toBeLessThanOrEqual(bound);
        if (theirs === undefined) continue;
        expect(Math.abs((ours[i] as number) - (theirs[i] as number)), `peer ${i}`).toBeLessThanOrEqual(2 * bound);
      }
    }
  });

  it('refuses a g_idx of blocks that differ in size', async () => {
    const { file } = build({ ...BASE, scattered: true, uneven: true });
    await expect(InferenceSession.create(file)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });

  it('takes weights that a run gives', async () => {
    const { file, matrix, x, b } = build({ ...BASE, fed: true });
    using session = await InferenceSession.create(file);
    const feeds = { x: new Tensor('float32', x, [3, 1, 64]), b: new Tensor('uint8', b.data, b.dims) };
    const { y } = await session.run(feeds);
    expect(y?.data).toEqual(Float32Array.from(groupedProduct(quantizeGroups(x, 3, 64, 32), 3, matrix)));
  });

  it.each([
    [{ bits: 2 }, 'ERR_BAD_MODEL'],
    [{ N: 25 }, 'ERR_BAD_MODEL'],
    [{ K: 65 }, 'ERR_BAD_MODEL'],
    [{ K: 0 }, 'ERR_BAD_MODEL'],
  ])('refuses %o', async (change, code) => {
    const { file } = build(BASE, change);
    await expect(InferenceSession.create(file)).rejects.toMatchObject({ code });
  });
});

const matrices = new WeakMap<GroupedMatrix, number[]>();

/** dequantizedMatrix(), once per matrix. */
function dequantized(matrix: GroupedMatrix): number[] {
  const known = matrices.get(matrix) ?? dequantizedMatrix(matrix);
  matrices.set(matrix, known);
  return known;
}
