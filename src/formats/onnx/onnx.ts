// ONNX files: the names that the rest of the package uses.

export { loadOnnx, type OnnxInfo, onnxInfo, readOnnx } from './read.js';
export { readTensorProto, writeTensorProto } from './tensors.js';
export { saveOnnx, writeOnnx } from './write.js';
