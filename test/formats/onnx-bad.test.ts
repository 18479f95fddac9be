// Bad ONNX files: every one gives a LowbitError that says what is wrong and where.

import { describe, expect, test } from 'vitest';
import { LowbitError } from '../../src/core/errors.js';
import { encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage, type OnnxMessage } from '../../src/formats/onnx/messages.js';
import { loadOnnx, readOnnx } from '../../src/formats/onnx/onnx.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { refuseUnsupported } from '../../src/runtime/support.js';
import { floatTensor, model, modelBytes, node, valueInfo } from './onnx-build.js';
import { RandomBytes } from './random-bytes.js';

const good = {
  nodes: [node('Add', ['x', 'w'], ['h'], { name: 'add' }), node('Relu', ['h'], ['y'], { name: 'relu' })],
  initializers: [floatTensor('w', [4], [1, 2, 3, 4])],
};

function errorOf(run: () => unknown): LowbitError {
  try {
    run();
  } catch (error) {
    if (error instanceof LowbitError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const read = (bytes: Uint8Array) => errorOf(() => verifyGraph(readOnnx(bytes, { file: 'bad.onnx' })));
const readModel = (init: Parameters<typeof modelBytes>[0]) => read(modelBytes(init));

test('the model that the others are made from is good', () => {
  expect(verifyGraph(readOnnx(modelBytes(good))).nodes).toHaveLength(2);
});

describe('bytes', () => {
  test('a file cut off anywhere', () => {
    const bytes = modelBytes(good);
    // Cut between two fields of the model, what is left is a shorter file in good order.
    let whole = 0;
    for (let length = 0; length < bytes.length; length++) {
      try {
        verifyGraph(readOnnx(bytes.subarray(0, length), { file: 'bad.onnx' }));
        whole++;
      } catch (error) {
        expect(error).toBeInstanceOf(LowbitError);
        expect((error as LowbitError).code).toMatch(/^ERR_BAD_(FILE|MODEL)$/);
      }
    }
    expect(whole).toBeLessThan(2);
    const error = read(bytes.subarray(0, bytes.length - 20));
    expect(error.code).toBe('ERR_BAD_FILE');
    expect(error.message).toMatch(/claims \d+ bytes but \d+ are left.*bad\.onnx, byte \d+/);
    expect(error.place.offset).toBeGreaterThan(0);
  });

  test('random bytes', () => {
    const random = new RandomBytes(1);
    for (let i = 0; i < 500; i++) {
      const error = read(random.bytes(random.below(300)));
      expect(error.code).toMatch(/^ERR_BAD_(FILE|MODEL)$/);
    }
  });

  test('an empty file, text, and an image', () => {
    expect(read(new Uint8Array(0)).message).toMatch(/an empty file/);
    expect(read(new TextEncoder().encode('#!/bin/sh\necho hello\n')).code).toBe('ERR_BAD_FILE');
    expect(read(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a)).code).toBe('ERR_BAD_FILE');
  });

  test('a field of the wrong wire type', () => {
    // ModelProto.graph (field 7) as a varint.
    expect(read(Uint8Array.of(0x38, 1)).message).toMatch(/ModelProto\.graph has wire type 0 where 2 was expected/);
  });

  test('messages nested too deep', () => {
    let graph: OnnxMessage<'GraphProto'> = createMessage('GraphProto', { name: 'leaf' });
    for (let depth = 0; depth < 40; depth++) {
      const attribute = [createMessage('AttributeProto', { name: 'body', type: 5, g: graph })];
      graph = createMessage('GraphProto', { name: `g${depth}`, node: [node('Loop', [], [], { attribute })] });
    }
    const bytes = encodeMessage('ModelProto', createMessage('ModelProto', { graph }));
    expect(read(bytes)).toMatchObject({ code: 'ERR_BAD_FILE', message: expect.stringContaining('deeper than 64') });
  });

  test('a file that is not there', async () => {
    await expect(loadOnnx('/nowhere/model.onnx')).rejects.toMatchObject({ code: 'ERR_IO' });
  });
});

describe('tensors', () => {
  const tensor = (fields: Partial<OnnxMessage<'TensorProto'>>) =>
    readModel({ ...good, initializers: [createMessage('TensorProto', { name: 'w', dataType: 1, ...fields })] });

  test('a dimension of 2^40 is refused before anything is allocated', () => {
    for (const dims of [[2n ** 40n], [2n ** 20n, 2n ** 20n], [2n ** 62n, 4n]]) {
      const error = tensor({ dims, rawData: new Uint8Array(16) });
      expect(error).toMatchObject({ code: 'ERR_BAD_MODEL', message: expect.stringContaining("tensor 'w'") });
    }
    const input = readModel({ ...good, inputs: [valueInfo('x', [2n ** 40n, 4])] });
    expect(input).toMatchObject({ code: 'ERR_BAD_MODEL', message: expect.stringContaining('1099511627776') });
    expect(input.place.tensor).toBe('x');
  });

  test('a negative dimension', () => {
    expect(tensor({ dims: [-4n] })).toMatchObject({ code: 'ERR_BAD_MODEL' });
  });

  test('a size that the bytes do not have', () => {
    expect(tensor({ dims: [1000n], rawData: new Uint8Array(16) }).message).toMatch(
      /raw_data has 16 bytes; .* takes 4000/,
    );
    expect(tensor({ dims: [1000000n], dataType: 7, int64Data: [new Uint8Array(8)] }).message).toMatch(
      /too few for 1000000/,
    );
    expect(tensor({ dims: [4n], floatData: [new Uint8Array(8)] }).message).toMatch(/8 bytes where 16 were expected/);
    expect(tensor({ dims: [4n], dataType: 8 }).message).toMatch(/4 strings were expected but 0/);
    expect(tensor({ dims: [1n], dataType: 7, int64Data: [Uint8Array.of(1, 2)] }).message).toMatch(
      /more than the 1 elements/,
    );
    expect(tensor({ dims: [1n], dataType: 7, int64Data: [Uint8Array.of(0x80)] }).message).toMatch(/ends before/);
  });

  test('elements in the wrong field, and an unknown type', () => {
    expect(tensor({ dims: [1n], int32Data: [Uint8Array.of(1)] }).message).toMatch(
      /belong in float_data but int32_data/,
    );
    expect(tensor({ dims: [1n], dataType: 14 })).toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });
});

describe('graphs', () => {
  const nodes = (...list: OnnxMessage<'NodeProto'>[]) => readModel({ ...good, nodes: list });

  test('a cycle', () => {
    const error = nodes(
      node('Add', ['x', 'b'], ['a'], { name: 'first' }),
      node('Relu', ['a'], ['b'], { name: 'second' }),
      node('Relu', ['b'], ['y']),
    );
    expect(error.code).toBe('ERR_BAD_MODEL');
    expect(error.message).toMatch(/cycle through 2 nodes: 'first' <- 'second'|'second' <- 'first'/);
    expect(nodes(node('Relu', ['y'], ['y'], { name: 'self' })).message).toMatch(/cycle through 1 node: 'self'/);
  });

  test('a long chain backwards is sorted, not recursed into', () => {
    const count = 20_000;
    const chain = Array.from({ length: count }, (_, i) =>
      node('Relu', [i === 0 ? 'x' : `v${i - 1}`], [i === count - 1 ? 'y' : `v${i}`]),
    );
    const graph = verifyGraph(readOnnx(modelBytes({ ...good, nodes: chain.reverse() })));
    expect(graph.nodes[0]?.inputs).toEqual(['x']);
    expect(graph.nodes.at(-1)?.outputs).toEqual(['y']);
  });

  test('a missing initializer', () => {
    const error = readModel({ ...good, initializers: [] });
    expect(error.code).toBe('ERR_BAD_MODEL');
    expect(error.message).toMatch(
      /Add reads 'w', but no input, initializer or node makes it \(node 'add', tensor 'w'\)/,
    );
  });

  test('a wrong type', () => {
    const w = createMessage('TensorProto', { name: 'w', dims: [4n], dataType: 7, rawData: new Uint8Array(32) });
    const error = readModel({ ...good, initializers: [w] });
    expect(error.message).toMatch(/Add: input 1 'w' is int64 but input 0 'x' is float32 \(node 'add'\)/);
    const conv = nodes(node('Conv', ['x', 'w'], ['y'], { name: 'conv' }));
    expect(conv).toMatchObject({ code: 'ERR_BAD_MODEL', message: expect.stringContaining('rank of at least 3') });
    expect(
      readModel({ nodes: [node('Conv', ['x', 'x'], ['y'])], inputs: [valueInfo('x', [1, 1, 1, 1], 'int32')] }).message,
    ).toMatch(/Conv: input 0 'x' is int32; expected float32/);
  });

  test('shapes that do not fit', () => {
    expect(readModel({ ...good, inputs: [valueInfo('x', [1, 5])] }).message).toMatch(
      /Add: shapes \[1, 5\] and \[4\] do not broadcast/,
    );
    expect(readModel({ nodes: [node('MatMul', ['x', 'x'], ['y'])] }).message).toMatch(
      /do not match in the inner dimension/,
    );
  });

  test('values made twice, twice the same input, absent outputs', () => {
    expect(nodes(node('Relu', ['x'], ['y']), node('Relu', ['x'], ['y'])).message).toMatch(/'y' is made twice/);
    expect(nodes(node('Relu', ['x'], ['x'])).message).toMatch(/'x' is made twice: it is also an input/);
    expect(readModel({ ...good, inputs: [valueInfo('x', [4]), valueInfo('x', [4])] }).message).toMatch(/same name/);
    expect(readModel({ ...good, outputs: [valueInfo('z', [4])] }).message).toMatch(
      /Output 'z' of the graph is made by nothing/,
    );
    expect(readModel({ ...good, outputs: [] }).message).toMatch(/no outputs/);
    const twice = [floatTensor('w', [1], [1]), floatTensor('w', [1], [1])];
    expect(readModel({ ...good, initializers: twice }).message).toMatch(/Two initializers/);
  });

  test('operators that are used wrongly', () => {
    expect(nodes(node('Relu', ['x', 'x'], ['y'])).message).toMatch(/Relu has 2 inputs; expected 1/);
    expect(nodes(node('Add', ['x', ''], ['y'])).message).toMatch(/input 1 must not be absent/);
    expect(nodes(node('Relu', ['x'], ['y'], { domain: 'other' })).message).toMatch(
      /domain 'other'.*versions only for ''/,
    );
    const perm = createMessage('AttributeProto', { name: 'perm', type: 3, s: new Uint8Array(1) });
    expect(nodes(node('Transpose', ['x'], ['y'], { attribute: [perm] })).message).toMatch(
      /perm is of kind string; expected ints/,
    );
    expect(nodes(node('Transpose', ['x'], ['y'], { attribute: [perm, perm] })).message).toMatch(/given twice/);
  });

  test('unsupported operators are listed all at once, with node names', () => {
    const graph = verifyGraph(
      readOnnx(
        modelBytes({
          ...good,
          nodes: [
            node('Relu', ['x'], ['a'], { name: 'fine' }),
            node('Frobnicate', ['a'], ['b'], { name: 'first' }),
            node('Frobnicate', ['b'], ['c'], { name: 'second' }),
            node('Whirl', ['c'], ['y'], { name: 'third' }),
          ],
        }),
      ),
    );
    const error = errorOf(() => refuseUnsupported(graph));
    expect(error.code).toBe('ERR_UNSUPPORTED');
    expect(error.message).toMatch(
      /operators that are not supported: Frobnicate \('first', 'second'\); Whirl \('third'\)/,
    );
  });
});

test('versions that are no versions', () => {
  expect(readModel({ ...good, opset: 0 }).message).toMatch(/version of domain '' is 0/);
  const proto = model(good);
  proto.irVersion = 2n ** 63n - 1n;
  expect(read(encodeMessage('ModelProto', proto)).message).toMatch(/IR version is 9223372036854775807/);
});

test('no graph in the file', () => {
  const empty = model(good);
  expect(read(encodeMessage('ModelProto', { ...empty, graph: undefined } as typeof empty)).message).toMatch(/no graph/);
});
