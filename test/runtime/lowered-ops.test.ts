// Operators on codes, of the domain 'lowbit', against their formulas.

import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../src/backend/load.js';
import { type ConstantTensor, constantOf } from '../../src/core/tensor.js';
import type { Attribute, Graph } from '../../src/ir/graph.js';
import { compileSync } from '../../src/runtime/compile.js';
import { clamp, f32, rint } from '../oracle/arithmetic.js';

type Codes = Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer>;
type Quantization = readonly [scale: number, zeroPoint: number];

function codes(count: number, seed: number, signed = false): Codes {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  return signed ? Int8Array.from({ length: count }, () => next() - 128) : Uint8Array.from({ length: count }, next);
}

const dtypeOf = (data: Codes) => (data instanceof Int8Array ? 'int8' : 'uint8');

/** Runs one node whose inputs are feeds (arrays of codes) and constants, all by name. */
function runNode(
  op: string,
  inputs: readonly string[],
  feeds: Readonly<Record<string, { data: Codes; dims: readonly number[] }>>,
  constants: Readonly<Record<string, ConstantTensor>>,
  attributes: Readonly<Record<string, Attribute>> = {},
): { data: ArrayLike<number>; dims: readonly number[] } {
  const graph: Graph = {
    name: op,
    opsets: new Map([
      ['', 21],
      ['lowbit', 1],
    ]),
    inputs: Object.keys(feeds),
    outputs: ['y'],
    nodes: [
      { name: op, op, domain: 'lowbit', inputs, outputs: ['y'], attributes: new Map(Object.entries(attributes)) },
    ],
    constants: new Map(Object.entries(constants)),
    types: new Map(Object.entries(feeds).map(([name, { data, dims }]) => [name, { dtype: dtypeOf(data), dims }])),
  };
  const plan = compileSync(graph, loadBackend());
  const result = plan.runSync(new Map(Object.entries(feeds).map(([name, { data }]) => [name, data])));
  const output = { data: result.outputs.get('y') as unknown as ArrayLike<number>, dims: plan.outputs[0]?.dims ?? [] };
  plan.dispose();
  return output;
}

/** Constants `<name>s` and `<name>z` of a quantization. */
function parameters(name: string, [scale, zero]: Quantization, signed: boolean): Record<string, ConstantTensor> {
  const zeros = signed ? Int8Array.of(zero) : Uint8Array.of(zero);
  return {
    [`${name}s`]: constantOf('float32', [], Float32Array.of(scale)),
    [`${name}z`]: constantOf(signed ? 'int8' : 'uint8', [], zeros),
  };
}

const A: Quantization = [f32(0.021), 120];
const B: Quantization = [f32(0.017), -3];
const Y: Quantization = [f32(0.033), 97];

describe('operators on codes', () => {
  const a = { data: codes(2 * 3 * 4, 1), dims: [2, 3, 4] };
  const b = { data: codes(3, 2, true), dims: [3, 1] };
  const constants = { ...parameters('a', A, false), ...parameters('b', B, true), ...parameters('y', Y, false) };
  const inputs = ['a', 'as', 'az', 'b', 'bs', 'bz', 'ys', 'yz'];
  const pair = (i: number): [number, number] => [
    (a.data[i] as number) - A[1],
    (b.data[Math.floor(i / 4) % 3] as number) - B[1],
  ];

  it('QAdd of u8 and i8, broadcast, with a clamp', () => {
    const y = runNode('QAdd', inputs, { a, b }, constants, { qlo: { kind: 'int', value: 97 } });
    expect(y.dims).toEqual([2, 3, 4]);
    for (let i = 0; i < 24; i++) {
      const [x, z] = pair(i);
      const sum = f32(f32(x * f32(A[0] / Y[0])) + f32(z * f32(B[0] / Y[0])));
      expect(y.data[i]).toBe(clamp(rint(sum) + Y[1], 97, 255));
    }
  });

  it('QMul', () => {
    const y = runNode('QMul', inputs, { a, b }, constants);
    for (let i = 0; i < 24; i++) {
      const [x, z] = pair(i);
      const product = f32(f32(x * z) * f32(f32(A[0] * B[0]) / Y[0]));
      expect(y.data[i]).toBe(clamp(rint(product) + Y[1], 0, 255));
    }
  });

  it('QConcat of other scales and of the same', () => {
    const same = { data: codes(6, 5), dims: [2, 3] };
    const other = { data: codes(8, 6, true), dims: [2, 4] };
    const y = runNode(
      'QConcat',
      ['ys', 'yz', 'same', 'ys', 'yz', 'other', 'bs', 'bz'],
      { same, other },
      { ...parameters('b', B, true), ...parameters('y', Y, false) },
      { axis: { kind: 'int', value: 1 } },
    );
    expect(y.dims).toEqual([2, 7]);
    for (let row = 0; row < 2; row++) {
      for (let j = 0; j < 3; j++) expect(y.data[row * 7 + j]).toBe(same.data[row * 3 + j]);
      for (let j = 0; j < 4; j++) {
        const real = f32(((other.data[row * 4 + j] as number) - B[1]) * B[0]);
        expect(y.data[row * 7 + 3 + j]).toBe(clamp(rint(f32(real / Y[0])) + Y[1], 0, 255));
      }
    }
  });

  it('QLookup from i8 to u8', () => {
    const x = { data: codes(11, 9, true), dims: [11] };
    const table = Uint8Array.from({ length: 256 }, (_, byte) => (byte * 7 + 3) & 255);
    const y = runNode(
      'QLookup',
      ['x', 't'],
      { x },
      { t: constantOf('uint8', [256], table) },
      { to: { kind: 'int', value: 2 } },
    );
    expect(Array.from(y.data)).toEqual(Array.from(x.data, (code) => table[code & 255]));
  });

  it('QGlobalAveragePool', () => {
    const x = { data: codes(1 * 3 * 2 * 5, 4), dims: [1, 3, 2, 5] };
    const y = runNode('QGlobalAveragePool', ['x', 'as', 'az', 'ys', 'yz'], { x }, constants);
    expect(y.dims).toEqual([1, 3, 1, 1]);
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let i = 0; i < 10; i++) sum += (x.data[c * 10 + i] as number) - A[1];
      const ratio = f32(A[0] / f32(Y[0] * 10));
      expect(y.data[c]).toBe(clamp(rint(f32(sum * ratio)) + Y[1], 0, 255));
    }
  });

  it('QConv of a depthwise kernel with u8 weights around 128, and around something else', () => {
    const x = { data: codes(1 * 4 * 5 * 5, 7), dims: [1, 4, 5, 5] };
    for (const wZero of [128, 100]) {
      const w = codes(4 * 9, 8);
      const scale = f32(0.004);
      const y = runNode(
        'QConv',
        ['x', 'as', 'az', 'w', 'ws', 'wz', 'ys', 'yz', 'bias'],
        { x },
        {
          ...constants,
          w: constantOf('uint8', [4, 1, 3, 3], w as Uint8Array),
          ws: constantOf('float32', [], Float32Array.of(scale)),
          wz: constantOf('uint8', [], Uint8Array.of(wZero)),
          bias: constantOf('int32', [4], Int32Array.of(5, -700, 900, 0)),
        },
        { group: { kind: 'int', value: 4 }, pads: { kind: 'ints', value: [1, 1, 1, 1] } },
      );
      const multiplier = f32(f32(A[0] * scale) / Y[0]);
      for (let c = 0; c < 4; c++) {
        for (let p = 0; p < 25; p++) {
          let acc = [5, -700, 900, 0][c] as number;
          for (let t = 0; t < 9; t++) {
            const [row, column] = [Math.floor(p / 5) + Math.floor(t / 3) - 1, (p % 5) + (t % 3) - 1];
            if (row < 0 || row > 4 || column < 0 || column > 4) continue;
            acc += ((x.data[c * 25 + row * 5 + column] as number) - A[1]) * ((w[c * 9 + t] as number) - wZero);
          }
          expect(y.data[c * 25 + p]).toBe(clamp(rint(f32(f32(acc) * multiplier)) + Y[1], 0, 255));
        }
      }
    }
  });
});
