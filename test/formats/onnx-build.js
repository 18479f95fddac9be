// Small ONNX models made from messages, for tests.
import { encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage } from '../../src/formats/onnx/messages.js';
import { DTYPES } from '../../src/core/dtype.js';
export function valueInfo(name, dims, dtype = 'float32') {
    const dim = dims.map((size) => createMessage('Dimension', typeof size === 'string' ? { dimParam: size } : { dimValue: BigInt(size) }));
    const tensorType = createMessage('TensorType', {
        elemType: DTYPES[dtype].onnx,
        shape: createMessage('TensorShapeProto', { dim }),
    });
    return createMessage('ValueInfoProto', { name, type: createMessage('TypeProto', { tensorType }) });
}
export function floatTensor(name, dims, values) {
    return createMessage('TensorProto', {
        name,
        dims: dims.map(BigInt),
        dataType: 1,
        rawData: new Uint8Array(Float32Array.from(values).buffer),
    });
}
export function node(opType, input, output, extra = {}) {
    return createMessage('NodeProto', { opType, input, output, ...extra });
}
export function model(init) {
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
export function modelBytes(init) {
    return encodeMessage('ModelProto', model(init));
}
