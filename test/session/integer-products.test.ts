// MatMulInteger and ConvInteger whose i32 sums a model reads, and the dynamic pattern when no pass has joined it.

import { describe, expect, it } from 'vitest';
import { constantOf } from '../../src/core/tensor.js';
import type { Attribute, Graph } from '../../src/ir/graph.js';
import { quantizeDynamic } from '../../src/passes/quantize-dynamic.js';
import { resolveScheme } from '../../src/schemes/scheme.js';
import { InferenceSession } from '../../src/session/inference-session.js';
import { ModelMaker, randomFloats, randomNumbers } from '../passes/model.js';
import { node } from './tiny-models.js';

type Codes = Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer>;

/** Codes over the whole range, both ends among them. */
function codes(count: number, signed: boolean, seed: number): Codes {
  const next = randomNumbers(seed);
  const least = signed ? -128 : 0;
  const value = (_: unknown, i: number) => least + (i < 2 ? i * 255 : Math.floor(next() * 256));
  return signed ? Int8Array.from({ length: count }, value) : Uint8Array.from({ length: count }, value);
}

const typeOf = (data: Codes) => (data instanceof Int8Array ? 'int8' : 'uint8');
const zeroOf = (values: readonly number[], like: Codes): Codes =>
  like instanceof Int8Array ? Int8Array.from(values) : Uint8Array.from(values);

interface Operand {
  readonly data: Codes;
  readonly dims: readonly number[];
  readonly zero: readonly number[];
}

/** One node with a fed left operand and constant weights, run as it stands and after the passes. */
async function sums(op: string, a: Operand, w: Operand, attributes: Record<string, Attribute> = {}): Promise<number[]> {
  const graph: Graph = {
    name: op,
    opsets: new Map([['', 17]]),
    inputs: ['a'],
    outputs: ['y'],
    nodes: [node(op, ['a', 'w', 'az', 'wz'], ['y'], attributes)],
    constants: new Map([
      ['w', constantOf(typeOf(w.data), w.dims, w.data)],
      ['az', constantOf(typeOf(a.data), a.zero.length === 1 ? [] : [a.zero.length], zeroOf(a.zero, a.data))],
      ['wz', constantOf(typeOf(w.data), w.zero.length === 1 ? [] : [w.zero.length], zeroOf(w.zero, w.data))],
    ]),
    types: new Map([['a', { dtype: typeOf(a.data), dims: a.dims }]]),
  };
  const results: number[][] = [];
  for (const optimize of [true, false]) {
    const session = await InferenceSession.create(graph, { optimize });
    const { y } = await session.run({ a: { type: typeOf(a.data), dims: a.dims, data: a.data } });
    expect(y?.type).toBe('int32');
    results.push(Array.from(y?.data as Int32Array));
    await session.dispose();
  }
  expect(results[1]).toEqual(results[0]);
  return results[0] as number[];
}

const SIGNS = [
  [false, true],
  [false, false],
  [true, true],
  [true, false],
] as const;

describe('integer products', () => {
  it.each(SIGNS)('MatMulInteger, signed left %s, signed right %s', async (left, right) => {
    const [batch, m, k, n] = [2, 3, 37, 19];
    const next = randomNumbers(5);
    const a = {
      data: codes(batch * m * k, left, 1),
      dims: [batch, m, k],
      zero: [left ? -7 : 131],
    };
    const zero = Array.from({ length: n }, () => Math.floor(next() * 256) - (right ? 128 : 0));
    const w = { data: codes(k * n, right, 2), dims: [k, n], zero };
    const wanted = Array.from({ length: batch * m * n }, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      let sum = 0;
      for (let j = 0; j < k; j++) {
        const weight = (w.data[j * n + column] as number) - (zero[column] as number);
        sum += ((a.data[row * k + j] as number) - (a.zero[0] as number)) * weight;
      }
      return sum;
    });
    expect(await sums('MatMulInteger', a, w)).toEqual(wanted);
  });

  it('MatMulInteger with a zero point for every row', async () => {
    const a = { data: codes(12, false, 3), dims: [3, 4], zero: [0, 128, 255] };
    const w = { data: codes(8, true, 4), dims: [4, 2], zero: [0] };
    const wanted = Array.from({ length: 6 }, (_, i) => {
      const row = i >> 1;
      return [0, 1, 2, 3].reduce(
        (sum, j) =>
          sum + ((a.data[row * 4 + j] as number) - (a.zero[row] as number)) * (w.data[j * 2 + (i & 1)] as number),
        0,
      );
    });
    expect(await sums('MatMulInteger', a, w)).toEqual(wanted);
  });

  it.each([
    ['dense', 1, false],
    ['in groups', 2, true],
    ['depthwise', 4, true],
    ['depthwise, unsigned weights', 4, false],
  ] as const)('ConvInteger, %s', async (_, groups, signed) => {
    const [c, oc, size, kernel] = [4, 4, 6, 3];
    const zeros = signed ? [0] : [128];
    const x = { data: codes(c * size * size, false, 7), dims: [1, c, size, size], zero: [77] };
    const w = {
      data: codes((oc * c * kernel * kernel) / groups, signed, 8),
      dims: [oc, c / groups, kernel, kernel],
      zero: zeros,
    };
    const pads: Attribute = { kind: 'ints', value: [1, 1, 1, 1] };
    const channels = c / groups;
    const wanted: number[] = [];
    for (let o = 0; o < oc; o++) {
      for (let y = 0; y < size; y++) {
        for (let z = 0; z < size; z++) {
          let sum = 0;
          for (let i = 0; i < channels * 9; i++) {
            const [ky, kx] = [Math.floor((i % 9) / 3) + y - 1, (i % 3) + z - 1];
            if (ky < 0 || kx < 0 || ky >= size || kx >= size) continue;
            const channel = Math.floor(o / (oc / groups)) * channels + Math.floor(i / 9);
            const code = x.data[(channel * size + ky) * size + kx] as number;
            sum += (code - 77) * ((w.data[o * channels * 9 + i] as number) - (zeros[0] as number));
          }
          wanted.push(sum);
        }
      }
    }
    const attributes = { pads, group: { kind: 'int', value: groups } as Attribute };
    expect(await sums('ConvInteger', x, w, attributes)).toEqual(wanted);
  });

  it('refuses a zero point for every channel of an image, and says so', async () => {
    const x = { data: codes(8, false, 1), dims: [1, 2, 2, 2], zero: [1, 2] };
    const w = { data: codes(2, true, 1), dims: [1, 2, 1, 1], zero: [0] };
    await expect(sums('ConvInteger', x, w)).rejects.toThrow(/2 elements for 'a'; one is supported/);
  });

  it('runs the dynamic pattern operator by operator to the bytes of the joined operator', async () => {
    const m = new ModelMaker();
    const x = m.input('x', [1, 4, 9, 9]);
    const conv = m.node('Conv', [x, m.random('w0', [8, 4, 3, 3])], { pads: [1, 1, 1, 1] });
    const flat = m.node('Reshape', [conv, m.integers('shape', [9, 72])]);
    const graph = m.output(m.node('MatMul', [flat, m.random('w1', [72, 5])], {}, 'y')).graph();
    const dynamic = quantizeDynamic(graph, resolveScheme('dynamic-u8i8-conv'));
    expect(dynamic.nodes.map(({ op }) => op)).toContain('ConvInteger');
    const feeds = { x: { type: 'float32' as const, dims: [1, 4, 9, 9], data: randomFloats(324, 9) } };
    const outputs: number[][] = [];
    for (const optimize of [true, false]) {
      const session = await InferenceSession.create(dynamic, { optimize });
      const results = await session.run(feeds);
      outputs.push(Array.from(results.y?.data as Float32Array));
      await session.dispose();
    }
    expect(outputs[1]).toEqual(outputs[0]);
  });
});
