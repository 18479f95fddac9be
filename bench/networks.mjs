// The networks that accuracy and speed are measured on, with the data that goes with each. All lie beside the repository.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { at } from '../tools/root.mjs';

const CIFAR = {
  calibration: '../shared/data/cifar10/calibration-200.bin',
  validation: '../shared/data/cifar10/validation-1000.bin',
  labels: undefined,
  preprocess: 'cifar10',
  dims: [1, 3, 32, 32],
};
const IMAGENET = {
  calibration: '../shared/data/imagenet/calibration',
  validation: '../shared/data/imagenet/validation',
  labels: '../shared/data/imagenet/validation-labels.json',
  preprocess: 'imagenet',
  dims: [1, 3, 224, 224],
};

/** `allowedDrop` is the loss of top-1, in points, that int8 may cost. */
export const NETWORKS = [
  { name: 'mobilenetv2', file: '../shared/data/models/mobilenetv2.onnx', allowedDrop: 1.5, ...IMAGENET },
  { name: 'squeezenet1.1', file: 'examples/models/squeezenet1.1.onnx', allowedDrop: 1.0, ...IMAGENET },
  { name: 'cifar10-resnet20', file: '../shared/data/models/cifar10-resnet20.onnx', allowedDrop: 0.5, ...CIFAR },
  { name: 'cifar10-resnet56', file: '../shared/data/models/cifar10-resnet56.onnx', allowedDrop: 0.5, ...CIFAR },
];

/** The networks whose files and data are here and whose names were asked for (all when none was); says which are not. */
export function networksHere(names) {
  return NETWORKS.filter((network) => {
    if (names.length > 0 && !names.includes(network.name)) return false;
    const missing = [network.file, network.calibration, network.validation].find((file) => !existsSync(at(file)));
    if (missing !== undefined) console.log(`${network.name}: left out, ${missing} is not here`);
    return missing === undefined;
  });
}

/** Where the quantized network is written. */
export function quantizedFile({ name }) {
  return path.join('build', 'bench', `${name}.int8.onnx`);
}
