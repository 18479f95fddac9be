// The demonstration: builds everything, quantizes the network of examples/models on the photographs of examples/photos,
// and prints how the two networks compare.

import { mkdirSync } from 'node:fs';
import { at, run } from './root.mjs';

const float = 'examples/models/squeezenet1.1.onnx';
const photos = 'examples/photos';
const quantized = 'build/demo/squeezenet1.1.int8.onnx';

run(process.execPath, ['tools/build.mjs']);
mkdirSync(at('build/demo'), { recursive: true });
lowbit('info');
lowbit('quantize', float, '-o', quantized, '--calibrate', photos, '--preprocess', 'imagenet', '--force');
lowbit('compare', float, quantized, '--data', photos, '--preprocess', 'imagenet');
console.log(`\nThe quantized network is ${quantized}.`);
console.log(
  'Calibration and comparison used the same photographs: the agreement is of a demonstration, not of a test set.',
);

function lowbit(...args) {
  console.log(`\n$ npx lowbit ${args.join(' ')}`);
  run(process.execPath, ['dist/esm/cli/main.js', ...args]);
}
