// Quantizes a matrix of weights, multiplies by it, and compares with the product of the floats.
// Run it with: node examples/typed-arrays.mjs

import { backendInfo, matmul, packWeights, quantizationParameters, quantize } from 'lowbit';

const [m, k, n] = [4, 256, 64];
const a = Float32Array.from({ length: m * k }, (_, i) => Math.sin(i));
const b = Float32Array.from({ length: k * n }, (_, i) => Math.cos(i * 0.7) / 8);

// One scale per column of b (axis 1 of [k, n]), symmetric, as int8 weights usually are.
const { scale } = await quantizationParameters(b, { format: 'i8', symmetric: true, axis: 1, dims: [k, n] });
const codes = await quantize(b, { format: 'i8', scale, axis: 1, dims: [k, n] });
const weights = await packWeights(codes, { k, n, scale, format: 'i8' });

// The rows of a are quantized on the fly; the result is float again.
const y = await matmul(a, weights, { m });

let noise = 0;
let signal = 0;
for (let i = 0; i < m; i++) {
  for (let j = 0; j < n; j++) {
    let exact = 0;
    for (let p = 0; p < k; p++) exact += a[i * k + p] * b[p * n + j];
    signal += exact ** 2;
    noise += (exact - y[i * n + j]) ** 2;
  }
}
const { backend, isa } = backendInfo();
console.log(`int8 product on ${backend}, ${isa}: ${(10 * Math.log10(signal / noise)).toFixed(1)} dB above its error`);
