// Operators that were written on codes become the same lowered nodes.

import { describe, expect, it } from 'vitest';
import { verifyGraph } from '../../src/ir/verify.js';
import { lowerQdq } from '../../src/passes/lower-qdq.js';
import { floatsFrom, judge, sqnrDb } from './judge.js';
import { feedsOf, ModelMaker, operatorsOf } from './model.js';
import { QdqMaker } from './qdq-model.js';
import { raise } from './raise.js';

const image = [1, 3, 8, 8];

describe('lowerQdq of operators on codes', () => {
  const u8 = (m: ModelMaker, name: string, value: number): string =>
    m.constant(name, 'uint8', [], Uint8Array.of(value));

  it('takes QLinearConv, QLinearMatMul and their neighbours of com.microsoft', async () => {
    const m = new QdqMaker();
    const x = m.q(m.input('x', image), 0.02, 128);
    const w = m.constant(
      'w',
      'int8',
      [4, 3, 3, 3],
      Int8Array.from({ length: 108 }, (_, i) => ((i * 37) % 255) - 127),
    );
    const wScale = m.floats('ws', [0.01, 0.02, 0.015, 0.03]);
    const wZero = m.constant('wz', 'int8', [4], new Int8Array(4));
    const bias = m.constant('b', 'int32', [4], Int32Array.of(10, -500, 0, 70));
    const [xs, xz] = [m.floats('xs', 0.02), u8(m, 'xz', 128)];
    const [ys, yz] = [m.floats('ys', 0.1), u8(m, 'yz', 130)];
    const y = m.node('QLinearConv', [x, xs, xz, w, wScale, wZero, ys, yz, bias]);
    const ms = (op: string, inputs: string[], attributes = {}): string =>
      m.nodeOf('com.microsoft', op, inputs, [`${op}_y`], attributes)[0] as string;
    const [ss, sz] = [m.floats('ss', 0.2), u8(m, 'sz', 100)];
    const sum = ms('QLinearAdd', [y, ys, yz, y, ys, yz, ss, sz]);
    const [gs, gz] = [m.floats('gs', 1 / 256), u8(m, 'gz', 0)];
    const gate = ms('QLinearSigmoid', [sum, ss, sz, gs, gz]);
    const [ps, pz] = [m.floats('ps', 0.15), u8(m, 'pz', 110)];
    const product = ms('QLinearMul', [sum, ss, sz, gate, gs, gz, ps, pz]);
    const all = ms('QLinearConcat', [ss, sz, sum, ss, sz, product, ps, pz], { axis: 1 });
    const [as, az] = [m.floats('as', 0.1), u8(m, 'az', 120)];
    const average = ms('QLinearGlobalAveragePool', [all, ss, sz, as, az], { channels_last: 0 });
    const flat = m.node('Flatten', [average]);
    const v = m.constant(
      'v',
      'int8',
      [8, 5],
      Int8Array.from({ length: 40 }, (_, i) => ((i * 53) % 255) - 127),
    );
    const [vs, vz] = [m.floats('vs', 0.02), m.constant('vz', 'int8', [], Int8Array.of(0))];
    const [os, oz] = [m.floats('os', 0.3), u8(m, 'oz', 128)];
    const matrix = m.node('QLinearMatMul', [flat, as, az, v, vs, vz, os, oz]);
    const last = ms(
      'QGemm',
      [
        matrix,
        os,
        oz,
        m.constant(
          'u',
          'int8',
          [3, 5],
          Int8Array.from({ length: 15 }, (_, i) => i * 8 - 60),
        ),
        vs,
        vz,
      ],
      {
        transB: 1,
        alpha: { float: 2 },
      },
    );
    const graph = m.output(m.declare(last, 'float32', [1, 3])).graph();
    const result = verifyGraph(lowerQdq(graph));
    expect(operatorsOf(result)).toEqual([
      'QuantizeLinear',
      'lowbit:QConv',
      'lowbit:QAdd',
      'lowbit:QLookup',
      'lowbit:QMul',
      'lowbit:QConcat',
      'lowbit:QGlobalAveragePool',
      'Flatten',
      'lowbit:QGemm',
      'lowbit:QGemm',
    ]);
    // Rounding rules differ a little (the zero point of an addition); the wiring must not.
    const [before, after] = [await judge(graph), await judge(raise(result), { graphOptimizationLevel: 'disabled' })];
    for (const feed of feedsOf(image)) {
      const [wanted, found] = [await before.run(feed), await after.run(feed)];
      expect(found[last]?.dims).toEqual(wanted[last]?.dims);
      expect(sqnrDb(floatsFrom(wanted, last), floatsFrom(found, last))).toBeGreaterThan(30);
    }
  });

  it('leaves those whose parameters are not constant', () => {
    const m = new ModelMaker();
    const [x, s, z] = [m.input('x', [2, 2], 'uint8'), m.input('s', []), m.input('z', [], 'uint8')];
    const b = m.constant('b', 'uint8', [2, 2], Uint8Array.of(1, 2, 3, 4));
    const graph = m.output(m.node('QLinearMatMul', [x, s, z, b, s, z, s, z])).graph();
    expect(operatorsOf(lowerQdq(graph))).toEqual(['QLinearMatMul']);
  });
});
