// A network of the shape of ResNet-50 with drawn weights: for speed, where only shapes count. The same bytes every time.
//
// He et al., "Deep Residual Learning for Image Recognition" (2015), table 1, with the stride of a stage in its 3x3
// convolution, batch normalization folded. 25.5 million parameters, 4.09 billion multiply-adds at 224x224.

import { built } from './networks.mjs';

const STAGES = [
  { blocks: 3, width: 64, stride: 1 },
  { blocks: 4, width: 128, stride: 2 },
  { blocks: 6, width: 256, stride: 2 },
  { blocks: 3, width: 512, stride: 2 },
];
const EXPANSION = 4;
const CLASSES = 1000;
const SEED = 50;
/** The share of the signal that the last convolution of a block adds, so that 16 sums do not outgrow float's comfort. */
const RESIDUAL_GAIN = 0.5;

const ints = (...value) => ({ kind: 'ints', value });

/** The ONNX file of the network: input [1, 3, 224, 224], output [1, 1000]. */
export async function resnet50() {
  const { writeOnnx } = await built('formats/onnx/onnx.js');
  const { randomIntegers } = await built('core/random.js');
  const { constantOf } = await built('core/tensor.js');
  const next = randomIntegers(SEED);
  const constants = new Map();
  const nodes = [];

  /** Uniform numbers of variance gain^2 * 2 / fanIn (He initialization for rectifiers). */
  const draw = (name, dims, fanIn, gain) => {
    const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    const bound = gain * Math.sqrt(6 / fanIn);
    for (let i = 0; i < data.length; i++) data[i] = (next() / 2 ** 31 - 1) * bound;
    constants.set(name, constantOf('float32', dims, data));
    return name;
  };
  const add = (name, op, inputs, attributes = {}) => {
    nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes: new Map(Object.entries(attributes)) });
    return name;
  };
  const conv = (name, x, [inputs, outputs], size, stride, gain = 1) => {
    const fanIn = inputs * size * size;
    const w = draw(`${name}.weight`, [outputs, inputs, size, size], fanIn, gain);
    const bias = draw(`${name}.bias`, [outputs], 600, 1);
    const pad = (size - 1) / 2;
    const attributes = {
      kernel_shape: ints(size, size),
      strides: ints(stride, stride),
      pads: ints(pad, pad, pad, pad),
    };
    return add(name, 'Conv', [x, w, bias], attributes);
  };
  const relu = (x) => add(`${x}.relu`, 'Relu', [x]);

  let x = relu(conv('stem', 'image', [3, 64], 7, 2));
  x = add('stem.pool', 'MaxPool', [x], { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) });
  let channels = 64;
  STAGES.forEach(({ blocks, width, stride: first }, stage) => {
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 1}.${block}`;
      const stride = block === 0 ? first : 1;
      const wide = width * EXPANSION;
      const narrow = relu(conv(`${name}.reduce`, x, [channels, width], 1, 1));
      const middle = relu(conv(`${name}.window`, narrow, [width, width], 3, stride));
      const out = conv(`${name}.expand`, middle, [width, wide], 1, 1, RESIDUAL_GAIN);
      const aside = block === 0 ? conv(`${name}.project`, x, [channels, wide], 1, stride) : x;
      x = relu(add(`${name}.sum`, 'Add', [out, aside]));
      channels = wide;
    }
  });
  x = add('flat', 'Flatten', [add('pool', 'GlobalAveragePool', [x])]);
  const weights = draw('classes.weight', [CLASSES, channels], channels, 1);
  add('scores', 'Gemm', [x, weights, draw('classes.bias', [CLASSES], 600, 1)], { transB: { kind: 'int', value: 1 } });

  const types = new Map([
    ['image', { dtype: 'float32', dims: [1, 3, 224, 224] }],
    ['scores', { dtype: 'float32', dims: [1, CLASSES] }],
  ]);
  const opsets = new Map([['', 13]]);
  return writeOnnx({
    name: 'resnet50-shaped',
    opsets,
    inputs: ['image'],
    outputs: ['scores'],
    nodes,
    constants,
    types,
  });
}
