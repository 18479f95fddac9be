// Reading ONNX: views, unknown fields, typed data, external data, names.

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConstantTensor, elementsOf, floatsOf } from '../../src/core/tensor.js';
import { decodeMessage, encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage } from '../../src/formats/onnx/messages.js';
import {
  loadOnnx,
  onnxInfo,
  readOnnx,
  readTensorProto,
  writeOnnx,
  writeTensorProto,
} from '../../src/formats/onnx/onnx.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { floatTensor, model, modelBytes, node, valueInfo } from './onnx-build.js';

const addModel = {
  nodes: [node('Add', ['x', 'w'], ['y'], { name: 'add' })],
  initializers: [floatTensor('w', [4], [1, 2, 3, 4])],
};

describe('constants', () => {
  test('raw data are views of the file, whatever kind of array holds it', () => {
    const bytes = modelBytes(addModel);
    for (const file of [bytes, Buffer.from(bytes)]) {
      const tensor = readOnnx(file).constants.get('w');
      expect(tensor?.data.buffer).toBe(file.buffer);
      expect(Buffer.isBuffer(tensor?.data)).toBe(false);
      expect(Array.from(floatsOf(tensor as NonNullable<typeof tensor>))).toEqual([1, 2, 3, 4]);
    }
  });

  const typed = [
    { field: 'floatData', type: 1, wire: 'float', values: [1.5, -2, 0.25], expected: [1.5, -2, 0.25] },
    { field: 'doubleData', type: 11, wire: 'double', values: [1.5, -2], expected: [1.5, -2] },
    { field: 'int32Data', type: 6, wire: 'int32', values: [1, -2, 2 ** 31 - 1], expected: [1, -2, 2 ** 31 - 1] },
    { field: 'int32Data', type: 3, wire: 'int32', values: [-128, 127], expected: [-128, 127] },
    { field: 'int32Data', type: 2, wire: 'int32', values: [0, 255], expected: [0, 255] },
    { field: 'int32Data', type: 9, wire: 'int32', values: [1, 0], expected: [1, 0] },
    { field: 'int32Data', type: 10, wire: 'int32', values: [0x3c00], expected: [0x3c00] },
    { field: 'int64Data', type: 7, wire: 'int64', values: [-1, 5], expected: [-1n, 5n] },
    { field: 'uint64Data', type: 13, wire: 'uint64', values: [2 ** 53, 5], expected: [2n ** 53n, 5n] },
    { field: 'uint64Data', type: 12, wire: 'uint64', values: [2 ** 32 - 1], expected: [2 ** 32 - 1] },
  ] as const;
  test.each(typed)('$field of type $type', ({ field, type, wire, values, expected }) => {
    const writer = new BinaryWriter();
    for (const value of values) writer[wire](value);
    const packed = writer.finish();
    // One piece, and the same in two pieces, as protobuf allows.
    for (const pieces of [[packed], [packed.subarray(0, 4), packed.subarray(4)]]) {
      const proto = createMessage('TensorProto', {
        name: 't',
        dims: [BigInt(values.length)],
        dataType: type,
        [field]: pieces,
      });
      const { name, tensor } = readTensorProto(encodeMessage('TensorProto', proto));
      expect(name).toBe('t');
      expect(Array.from(elementsOf(tensor) as ArrayLike<number | bigint>)).toEqual(expected);
    }
  });

  test('a tensor survives writing and reading', () => {
    const tensor = { dtype: 'int16', dims: [2, 1], data: new Uint8Array([1, 2, 3, 4]) } as const;
    expect(readTensorProto(writeTensorProto('name', tensor))).toEqual({ name: 'name', tensor });
  });
});

test('unknown fields of every message are written back', () => {
  const proto = model(addModel);
  const unknown = { no: 4000, wireType: WireType.LengthDelimited, data: new Uint8Array([3, 1, 2, 3]) };
  const graph = proto.graph as NonNullable<typeof proto.graph>;
  const places = (message: typeof proto): unknown[] => {
    const inner = message.graph as NonNullable<typeof message.graph>;
    return [message, inner, inner.node[0], inner.initializer[0], inner.input[0], inner.input[0]?.type, inner.output[0]];
  };
  for (const place of places(proto)) (place as { $unknown?: unknown[] }).$unknown = [unknown];
  expect(graph.node).toHaveLength(1);
  const written = decodeMessage('ModelProto', writeOnnx(verifyGraph(readOnnx(encodeMessage('ModelProto', proto)))));
  for (const place of places(written)) expect((place as { $unknown?: unknown[] }).$unknown).toEqual([unknown]);
});

test('the header is told', () => {
  const proto = model({ ...addModel, opset: 15 });
  proto.producerName = 'somebody';
  proto.metadataProps = [createMessage('StringStringEntryProto', { key: 'k', value: 'v' })];
  const info = onnxInfo(readOnnx(encodeMessage('ModelProto', proto)));
  expect(info).toMatchObject({ irVersion: 8, producer: 'somebody' });
  expect(info?.opsets).toEqual(new Map([['', 15]]));
  expect(info?.metadata).toEqual(new Map([['k', 'v']]));
});

test('nodes get unique names; given ones stay', () => {
  const graph = readOnnx(
    modelBytes({
      nodes: [
        node('Relu', ['x'], ['a']),
        node('Relu', ['a'], ['b'], { name: 'same' }),
        node('Relu', ['b'], ['c'], { name: 'same' }),
        node('Relu', ['c'], ['y'], { name: 'Relu_0' }),
      ],
    }),
  );
  const names = graph.nodes.map(({ name }) => name);
  expect(new Set(names).size).toBe(4);
  expect(names[1]).toBe('same');
  expect(names[3]).toBe('Relu_0');
});

test('an initializer that is listed as an input is a constant', () => {
  const graph = readOnnx(modelBytes({ ...addModel, inputs: [valueInfo('x', [1, 4]), valueInfo('w', [4])] }));
  expect(graph.inputs).toEqual(['x']);
});

test('values that a subgraph captures are known', () => {
  const body = createMessage('GraphProto', {
    name: 'body',
    node: [node('Add', ['w', 'inner'], ['t'])],
    initializer: [floatTensor('inner', [4], [0, 0, 0, 0])],
    output: [valueInfo('t', [4])],
  });
  const attribute = createMessage('AttributeProto', { name: 'then_branch', type: 5, g: body });
  const graph = readOnnx(
    modelBytes({
      ...addModel,
      nodes: [node('If', ['x'], ['y'], { attribute: [attribute] })],
      inputs: [valueInfo('x', [], 'bool')],
    }),
  );
  expect(graph.nodes[0]?.attributes.get('then_branch')).toMatchObject({ kind: 'opaque', captures: ['w'] });
});

describe('external data', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'external-'));
    await writeFile(path.join(folder, 'weights.bin'), new Uint8Array(Float32Array.of(0, 1, 2, 3, 4).buffer));
    await symlink('/etc/passwd', path.join(folder, 'link.bin'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const load = async (entries: Record<string, string>) => {
    const tensor = createMessage('TensorProto', {
      name: 'w',
      dims: [4n],
      dataType: 1,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) =>
        createMessage('StringStringEntryProto', { key, value }),
      ),
    });
    const file = path.join(folder, 'model.onnx');
    await writeFile(file, modelBytes({ ...addModel, initializers: [tensor] }));
    return loadOnnx(file);
  };

  test('is read from beside the model, and written into it', async () => {
    const graph = await load({ location: 'weights.bin', offset: '4', length: '16' });
    const again = readOnnx(writeOnnx(graph));
    for (const { constants } of [graph, again]) {
      const tensor = constants.get('w') as ConstantTensor;
      expect(Array.from(floatsOf(tensor))).toEqual([1, 2, 3, 4]);
    }
  });

  test.each([
    ['outside of the model', { location: '../weights.bin', length: '16' }, 'ERR_BAD_FILE'],
    ['outside of the model', { location: '/etc/passwd', length: '16' }, 'ERR_BAD_FILE'],
    ['lead outside of the model', { location: 'link.bin', length: '16' }, 'ERR_BAD_FILE'],
    ['which has 20', { location: 'weights.bin', offset: '8', length: '16' }, 'ERR_BAD_FILE'],
    ['length of 16', { location: 'weights.bin', length: '9999999999999' }, 'ERR_BAD_FILE'],
    ["offset '-1'", { location: 'weights.bin', offset: '-1' }, 'ERR_BAD_FILE'],
    ['Cannot read', { location: 'absent.bin' }, 'ERR_IO'],
  ])('%s', async (message, entries, code) => {
    await expect(load(entries as unknown as Record<string, string>)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('needs a path', () => {
    const tensor = createMessage('TensorProto', { name: 'w', dims: [4n], dataType: 1, dataLocation: 1 });
    expect(() => readOnnx(modelBytes({ ...addModel, initializers: [tensor] }))).toThrow(/by its path.*tensor 'w'/);
  });
});
