// Models of one operator or a chain of them, in memory, and sessions of onnxruntime over models.

import { built } from '../networks.mjs';

const { writeOnnx } = await built('formats/onnx/onnx.js');
const { constantOf } = await built('core/tensor.js');

const DTYPES = { Float32Array: 'float32', Uint8Array: 'uint8', Int8Array: 'int8', Int32Array: 'int32' };

function dtypeOf(array) {
  return DTYPES[array.constructor.name];
}

const ATTRIBUTES = {
  number: (value) => ({ kind: 'int', value }),
  object: (value) => ({ kind: 'ints', value }),
};

/** `inputs`: name to { data, dims }; the same as feeds of a session of either library, by tensorsOf(). */
export function tensorsOf(inputs, Tensor) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor(dtypeOf(data), data, dims)]),
  );
}

/**
 * The bytes of a model. `nodes`: { op, inputs, outputs, attributes, domain }; `constants` and `inputs`: name to { data, dims };
 * `output`: { name, dtype, dims }.
 */
export function modelOf({ nodes, inputs, constants = {}, output, opset = 21 }) {
  const types = Object.entries(inputs).map(([name, { data, dims }]) => [name, { dtype: dtypeOf(data), dims }]);
  return writeOnnx({
    name: 'bench',
    opsets: new Map([
      ['', opset],
      ['com.microsoft', 1],
    ]),
    inputs: Object.keys(inputs),
    outputs: [output.name],
    nodes: nodes.map(({ domain = '', attributes = {}, ...node }, i) => ({
      ...{ name: `n${i}`, domain, ...node },
      attributes: new Map(Object.entries(attributes).map(([name, value]) => [name, ATTRIBUTES[typeof value](value)])),
    })),
    constants: new Map(
      Object.entries(constants).map(([name, { data, dims }]) => [name, constantOf(dtypeOf(data), dims, data)]),
    ),
    types: new Map([...types, [output.name, { dtype: output.dtype, dims: output.dims }]]),
  });
}

/**
 * A session of onnxruntime-node on its threads. With `output.data` it writes there, as ours does into `out`; without, it
 * makes its outputs, as sessions of ours do. run() gives the first output.
 */
export async function nodePeer(model, inputs, output, threads = 1) {
  const { default: ort } = await import('onnxruntime-node');
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential' };
  return peerOf(ort, await ort.InferenceSession.create(model, options), inputs, output);
}

/** The same of onnxruntime-web, in WebAssembly on this thread. */
export async function webPeer(model, inputs, output) {
  const web = await import('onnxruntime-web');
  web.env.wasm.numThreads = 1;
  return peerOf(web, await web.InferenceSession.create(model, { executionProviders: ['wasm'] }), inputs, output);
}

function peerOf({ Tensor }, session, inputs, { name, dtype, dims, data }) {
  const feeds = tensorsOf(inputs, Tensor);
  const fetches = data === undefined ? [name] : { [name]: new Tensor(dtype, data, dims) };
  return {
    run: () => session.run(feeds, fetches),
    first: async () => (await session.run(feeds, fetches))[name].data,
    release: () => session.release(),
  };
}
