// The networks of the benchmarks, their data, and what their int8 forms are to keep.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { at } from '../tools/root.mjs';
import { resnet50 } from './resnet50.mjs';

const IMAGENET = {
  calibration: { path: 'imagenet/calibration', preprocess: 'imagenet' },
  validation: { path: 'imagenet/validation', preprocess: 'imagenet', labels: 'imagenet/validation-labels.json' },
};
/** Enough to give every value of a network with drawn weights its range. */
const FEW_IMAGES = { ...IMAGENET, calibration: { ...IMAGENET.calibration, to: 8 } };
const CIFAR10 = {
  calibration: { path: 'cifar10/calibration-200.bin' },
  validation: { path: 'cifar10/validation-1000.bin' },
};
/** One file has both: its first 200 digits calibrate, the others validate. */
const MNIST = {
  calibration: { path: 'mnist/t10k-images-idx3-ubyte.gz', to: 200 },
  validation: { path: 'mnist/t10k-images-idx3-ubyte.gz', labels: 'mnist/t10k-labels-idx1-ubyte.gz', from: 200 },
};

/**
 * `make`: gives the bytes of a network that no file holds; it has nothing to lose in accuracy, so it has no limits.
 * `maxDrop`: the points of top-1 that the int8 form may lose. `maxSize`: the share of the float file's bytes that it may
 * take. mnist-12 has no limit of size: a fifth of its 26 kB are names and structure, which do not shrink.
 */
export const NETWORKS = {
  mobilenetv2: { ...IMAGENET, maxDrop: 1.5, maxSize: 0.28 },
  'squeezenet1.1': { ...IMAGENET, maxDrop: 1, maxSize: 0.28 },
  'cifar10-resnet20': { ...CIFAR10, maxDrop: 0.5, maxSize: 0.28 },
  'cifar10-resnet56': { ...CIFAR10, maxDrop: 0.5, maxSize: 0.28 },
  'mnist-12': { ...MNIST, maxDrop: 0.5, maxSize: undefined },
  'resnet50-shaped': { ...FEW_IMAGES, make: resnet50 },
};

/** The networks that were trained: those whose accuracy means something. */
export const TRAINED = Object.keys(NETWORKS).filter((name) => NETWORKS[name].make === undefined);

/** A module of the build. */
export function built(file) {
  return import(new URL(`../dist/esm/${file}`, import.meta.url));
}

function folderOf(given) {
  return given === undefined ? at('../shared/data') : path.resolve(given);
}

/** The folder of models and data: the one given, or ../shared/data beside the repository. Ends with 2 without one. */
export function sharedFolder(given) {
  const folder = sharedFolderIf(given);
  if (folder !== undefined) return folder;
  console.error(`No models in ${folderOf(given)}; name the folder of models and data with --shared DIR`);
  return process.exit(2);
}

/** The same, undefined without one. */
export function sharedFolderIf(given) {
  const folder = folderOf(given);
  return existsSync(path.join(folder, 'models')) ? folder : undefined;
}

/** The names that were asked for, or `usual`. Ends with 2 for one that is not `known`. */
export function chosenNetworks(asked, usual = Object.keys(NETWORKS), known = Object.keys(NETWORKS)) {
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length === 0) return asked.length === 0 ? usual : asked;
  console.error(`Unknown network ${unknown.join(', ')}; the networks are ${known.join(', ')}`);
  return process.exit(2);
}

/** The float form of a network: a path, or the bytes of a network that no file holds. */
export async function floatModel(shared, name) {
  return (await NETWORKS[name].make?.()) ?? path.join(shared, 'models', `${name}.onnx`);
}

/** The int8 form of a network, calibrated on its calibration set: the bytes of its file. */
export async function quantized(shared, name) {
  const { quantizeModel } = await built('calibrate/quantize-model.js');
  const { bytes } = await quantizeModel(await floatModel(shared, name), {
    dataset: await openData(shared, name, 'calibration'),
  });
  return bytes;
}

/** The calibration or validation set of a network; `limit` caps the number of samples. */
export async function openData(shared, name, part, limit = Infinity) {
  const { openDataset } = await built('calibrate/open-dataset.js');
  const { datasetFrom } = await built('calibrate/dataset.js');
  const { path: file, labels, from = 0, to = Infinity, ...options } = NETWORKS[name][part];
  const whole = await openDataset(path.join(shared, file), {
    ...options,
    ...(labels === undefined ? {} : { labels: path.join(shared, labels) }),
  });
  const end = Math.min(whole.length, to, from + limit);
  return datasetFrom(whole.description, end - from, (index) => whole.read(from + index));
}

/** One run of a session of lowbit or of onnxruntime on a sample: its first output. */
export async function runOn(session, { data, dims }, Tensor) {
  const feeds = { [session.inputNames[0]]: new Tensor('float32', data, dims) };
  return (await session.run(feeds))[session.outputNames[0]];
}

/** The same with lowbit's runSync: on the calling thread. */
export function runSyncOn(session, { data, dims }) {
  const feeds = { [session.inputNames[0]]: { type: 'float32', data, dims } };
  return session.runSync(feeds)[session.outputNames[0]];
}
