// Preprocessing of images: presets as a table, and the arithmetic that turns pixels into a network's input.

import { LowbitError } from '../core/errors.js';
import { requireCount } from './dataset.js';

/**
 * From 8-bit pixels to a network's input: value = f32((pixel * scale - mean[c]) / std[c]), computed in double precision
 * and rounded once. `size` resizes the short side, `crop` then cuts the centre.
 */
export interface Preprocess {
  /** Length that the short side is resized to; absent: no resizing. */
  readonly size?: number;
  /** Height and width of the centre that is kept; absent: the whole image. */
  readonly crop?: readonly [height: number, width: number];
  readonly color: 'rgb' | 'bgr' | 'gray';
  readonly scale: number;
  /** One number for all channels, or one per channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: 'nchw' | 'nhwc';
}

const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/**
 * `imagenet`: short side 256, centre 224 x 224, ImageNet's mean and deviation (the torchvision convention).
 * `cifar10`: no resizing, ImageNet's mean and deviation (the convention of the CIFAR-10 ResNets).
 * `unit`: pixels in 0..1. `raw`: pixels in 0..255.
 */
export const PREPROCESS_PRESETS = {
  imagenet: {
    size: 256,
    crop: [224, 224],
    color: 'rgb',
    scale: 1 / 255,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    layout: 'nchw',
  },
  cifar10: { color: 'rgb', scale: 1 / 255, mean: IMAGENET_MEAN, std: IMAGENET_STD, layout: 'nchw' },
  unit: { color: 'rgb', scale: 1 / 255, mean: [0], std: [1], layout: 'nchw' },
  raw: { color: 'rgb', scale: 1, mean: [0], std: [1], layout: 'nchw' },
} as const satisfies Record<string, Preprocess>;

export type PreprocessPreset = keyof typeof PREPROCESS_PRESETS;

/** A preset's name, or a preset with some of its fields replaced. */
export type PreprocessOption = PreprocessPreset | (Partial<Preprocess> & { readonly preset?: PreprocessPreset });

/** The preprocessing that an option means, checked. Errors: ERR_BAD_ARGUMENT. */
export function preprocessOf(option: PreprocessOption | undefined, fallback: PreprocessPreset): Preprocess {
  const given = typeof option === 'string' ? { preset: option } : (option ?? {});
  const { preset: name = fallback, ...fields } = given;
  const preset = (PREPROCESS_PRESETS as Record<string, Preprocess>)[name];
  if (preset === undefined) {
    const known = Object.keys(PREPROCESS_PRESETS).join(', ');
    throw bad(`Unknown preprocessing '${name}'; expected one of ${known}`);
  }
  const preprocess: Preprocess = { ...preset, ...fields };
  const channels = preprocess.color === 'gray' ? 1 : 3;
  for (const field of ['mean', 'std'] as const) {
    const values = preprocess[field];
    if ((values.length !== 1 && values.length !== channels) || values.some((value) => !Number.isFinite(value))) {
      throw bad(`Expected 1 or ${channels} finite numbers for ${field} but received [${values.join(', ')}]`);
    }
  }
  if (preprocess.std.includes(0)) throw bad('Expected no 0 in std: values are divided by it');
  if (!Number.isFinite(preprocess.scale)) throw bad(`Expected a finite scale but received ${preprocess.scale}`);
  if (preprocess.size !== undefined) requireCount(preprocess.size, 'size');
  for (const side of preprocess.crop ?? []) requireCount(side, 'crop');
  return preprocess;
}

/** The preprocessing in words, for reports. */
export function describePreprocess(preprocess: Preprocess): string {
  for (const [name, preset] of Object.entries(PREPROCESS_PRESETS)) {
    const { color } = preprocess;
    if (isSame({ ...preset, color }, preprocess)) return color === preset.color ? name : `${name}, ${color}`;
  }
  const parts: string[] = [];
  if (preprocess.size !== undefined) parts.push(`short side ${preprocess.size}`);
  if (preprocess.crop !== undefined) parts.push(`crop ${preprocess.crop.join('x')}`);
  parts.push(preprocess.color, `scale ${preprocess.scale}`);
  parts.push(`mean ${preprocess.mean.join(' ')}`, `std ${preprocess.std.join(' ')}`, preprocess.layout);
  return parts.join(', ');
}

/** Pixels as they come from a decoder or a file. */
export interface Pixels {
  /** One byte per channel; `interleaved` is HWC, `planar` is CHW. */
  readonly data: Uint8Array;
  readonly order: 'interleaved' | 'planar';
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/**
 * The network's input: [1, C, H, W] or [1, H, W, C] by the layout. Pixels are RGB or gray; `bgr` swaps the planes, one
 * gray channel is repeated when three are wanted. There are 256 values per channel, so a table of them is made first.
 * Errors: ERR_BAD_ARGUMENT when colour pixels meet `gray` (a decoder has to convert those).
 */
export function networkInput(pixels: Pixels, preprocess: Preprocess): { dims: number[]; data: Float32Array } {
  const { height, width } = pixels;
  const channels = preprocess.color === 'gray' ? 1 : 3;
  if (channels < pixels.channels) throw bad('Colour images cannot be read as gray by this reader');
  const area = height * width;
  const data = new Float32Array(channels * area);
  const nchw = preprocess.layout === 'nchw';
  for (let channel = 0; channel < channels; channel++) {
    const table = valueTable(preprocess, channel);
    const source = pixels.channels === 1 ? 0 : preprocess.color === 'bgr' ? 2 - channel : channel;
    const from = pixels.order === 'planar' ? source * area : source;
    const fromStep = pixels.order === 'planar' ? 1 : pixels.channels;
    const to = nchw ? channel * area : channel;
    const toStep = nchw ? 1 : channels;
    for (let i = 0; i < area; i++) {
      data[to + i * toStep] = table[pixels.data[from + i * fromStep] as number] as number;
    }
  }
  return { dims: nchw ? [1, channels, height, width] : [1, height, width, channels], data };
}

/** The centre of an image that a crop keeps: offsets are rounded down. Errors: ERR_BAD_ARGUMENT when it is too small. */
export function centreCrop(
  height: number,
  width: number,
  crop: readonly [height: number, width: number],
  name: string,
): { top: number; left: number; height: number; width: number } {
  const [cropHeight, cropWidth] = crop;
  if (height < cropHeight || width < cropWidth) {
    throw bad(`The image '${name}' is ${width} x ${height}, smaller than the crop of ${cropWidth} x ${cropHeight}`);
  }
  return {
    top: Math.floor((height - cropHeight) / 2),
    left: Math.floor((width - cropWidth) / 2),
    height: cropHeight,
    width: cropWidth,
  };
}

function valueTable(preprocess: Preprocess, channel: number): Float32Array {
  const pick = (values: readonly number[]): number => values[values.length === 1 ? 0 : channel] as number;
  const mean = pick(preprocess.mean);
  const std = pick(preprocess.std);
  return Float32Array.from({ length: 256 }, (_, pixel) => (pixel * preprocess.scale - mean) / std);
}

function isSame(a: Preprocess, b: Preprocess): boolean {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Preprocess>;
  return [...fields].every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]));
}

function bad(message: string): LowbitError {
  return new LowbitError('ERR_BAD_ARGUMENT', message, { argument: 'preprocess' });
}
