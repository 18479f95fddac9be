// The ONNX project's own tests of single operators, for every operator that the runtime has.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TypedArray } from '../../src/core/dtype.js';
import { LowbitError } from '../../src/core/errors.js';
import { type ConstantTensor, elementsOf } from '../../src/core/tensor.js';
import { readOnnx, readTensorProto } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { LOWERING_TABLE } from '../../src/runtime/ops/table.js';
import { InferenceSession } from '../../src/session/inference-session.js';

const ROOT = fileURLToPath(new URL('../../../shared/data/onnx-node-tests', import.meta.url));
const SUPPORTED = new Set(Object.keys(LOWERING_TABLE['']));

interface NodeTest {
  readonly name: string;
  readonly folder: string;
  readonly graph: Graph;
}

function findTests(): NodeTest[] {
  if (!existsSync(ROOT)) return [];
  return readdirSync(ROOT)
    .map((name) => ({ name, folder: path.join(ROOT, name) }))
    .filter(({ folder }) => existsSync(path.join(folder, 'model.onnx')))
    .flatMap(({ name, folder }) => {
      try {
        const graph = readOnnx(readFileSync(path.join(folder, 'model.onnx')));
        const supported = graph.nodes.every(
          ({ op, domain }) => domain === '' && (SUPPORTED.has(op) || op === 'Constant'),
        );
        return supported && graph.nodes.length > 0 ? [{ name, folder, graph }] : [];
      } catch {
        return [];
      }
    });
}

function tensorsIn(folder: string, kind: 'input' | 'output'): ConstantTensor[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`));
  const index = (file: string): number => Number(/\d+/.exec(file)?.[0]);
  return files
    .sort((a, b) => index(a) - index(b))
    .map((file) => readTensorProto(readFileSync(path.join(folder, file))).tensor);
}

function expectClose(actual: TypedArray, expected: TypedArray, name: string): void {
  expect(actual.length, name).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [mine, theirs] = [Number(actual[i]), Number(expected[i])];
    const exact = !(expected instanceof Float32Array) || !Number.isFinite(theirs);
    if (exact) expect(mine, `${name}[${i}]`).toBe(theirs);
    // The tolerance of ONNX's own runner; some expected values were written down with four digits.
    else
      expect(Math.abs(mine - theirs), `${name}[${i}]: ${mine} for ${theirs}`).toBeLessThanOrEqual(
        1e-7 + 1e-3 * Math.abs(theirs),
      );
  }
}

const tests = findTests();
const refused: string[] = [];

describe.skipIf(tests.length === 0)('ONNX node tests (skipped without ../shared/data)', () => {
  it.each(tests)('$name', async ({ name, folder, graph }) => {
    const types = [...graph.inputs, ...graph.outputs].map((value) => graph.types.get(value)?.dtype ?? 'none');
    const sets = readdirSync(folder).filter((entry) => entry.startsWith('test_data_set_'));
    try {
      for (const optimize of [true, false]) {
        const session = await InferenceSession.create(path.join(folder, 'model.onnx'), { optimize });
        for (const set of sets) {
          const inputs = tensorsIn(path.join(folder, set), 'input');
          const feeds = Object.fromEntries(
            session.inputNames.map((input, index) => {
              const tensor = inputs[index] as ConstantTensor;
              return [input, { type: tensor.dtype, dims: tensor.dims, data: elementsOf(tensor) }];
            }),
          );
          const outputs = await session.run(feeds);
          tensorsIn(path.join(folder, set), 'output').forEach((expected, index) => {
            const output = session.outputNames[index] as string;
            expect(outputs[output]?.dims, output).toEqual(expected.dims);
            expectClose(outputs[output]?.data as TypedArray, elementsOf(expected), output);
          });
        }
        session.dispose();
      }
    } catch (error) {
      // Refusing is right for what the runtime says it does not do, and for nothing else.
      if (!(error instanceof LowbitError) || error.code !== 'ERR_UNSUPPORTED') throw error;
      refused.push(`${name}: ${error.message} {${types.join(', ')}}`);
    }
  });

  it('runs most of them', () => {
    const ran = tests.length - refused.length;
    console.log(`${ran} of ${tests.length} node tests ran; refused:\n  ${refused.join('\n  ')}`);
    expect(ran).toBeGreaterThanOrEqual(435);
  });
});
