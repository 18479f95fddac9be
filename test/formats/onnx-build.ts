// Small ONNX models made from messages, for tests.

import { DTYPES, type DType } from '../../src/core/dtype.js';
import { encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage, type OnnxMessage } from '../../src/formats/onnx/messages.js';

type Dims = readonly (number | bigint | string)[];

export function valueInfo(name: string, dims: Dims, dtype: DType = 'float32'): OnnxMessage<'ValueInfoProto'> {
  const dim = dims.map((size) =>
    createMessage('Dimension', typeof size === 'string' ? { dimParam: size } : { dimValue: BigInt(size) }),
  );
  const tensorType = createMessage('TensorType', {
    elemType: DTYPES[dtype].onnx,
    shape: createMessage('TensorShapeProto', { dim }),
  });
  return createMessage('ValueInfoProto', { name, type: createMessage('TypeProto', { tensorType }) });
}

export function floatTensor(
  name: string,
  dims: readonly number[],
  values: readonly number[],
): OnnxMessage<'TensorProto'> {
  return createMessage('TensorProto', {
    name,
    dims: dims.map(BigInt),
    dataType: 1,
    rawData: new Uint8Array(Float32Array.from(values).buffer),
  });
}

export function node(
  opType: string,
  input: string[],
  output: string[],
  extra: Partial<OnnxMessage<'NodeProto'>> = {},
): OnnxMessage<'NodeProto'> {
  return createMessage('NodeProto', { opType, input, output, ...extra });
}

export interface ModelInit {
  readonly nodes: OnnxMessage<'NodeProto'>[];
  readonly inputs?: OnnxMessage<'ValueInfoProto'>[];
  readonly outputs?: OnnxMessage<'ValueInfoProto'>[];
  readonly initializers?: OnnxMessage<'TensorProto'>[];
  readonly opset?: number;
}

export function model(init: ModelInit): OnnxMessage<'ModelProto'> {
  return createMessage('ModelProto', {
    irVersion: 8n,
    opsetImport: [createMessage('OperatorSetIdProto', { domain: '', version: BigInt(init.opset ?? 13) })],
    graph: createMessage('GraphProto', {
      name: 'test',
      node: init.nodes,
      input: init.inputs ?? [valueInfo('x', [1, 4])],
      output: init.outputs ?? [valueInfo('y', [1, 4])],
      initializer: init.initializers ?? [],
    }),
  });
}

export function modelBytes(init: ModelInit): Uint8Array {
  return encodeMessage('ModelProto', model(init));
}
