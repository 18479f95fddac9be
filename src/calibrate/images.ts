// Datasets of image files, decoded by sharp, an optional package that is loaded when the first image is read.

import { LowbitError } from '../core/errors.js';
import { type Dataset, datasetFrom, type Sample } from './dataset.js';
import type { InputFile } from './input-file.js';
import { centreCrop, describePreprocess, networkInput, type Pixels, type Preprocess } from './preprocess.js';

type Sharp = typeof import('sharp');

/**
 * Protects from images that decompress to gigabytes: 2^26 pixels are 200 MB of RGB, twice a 33-megapixel camera's.
 */
const MAX_PIXELS = 2 ** 26;

let loading: Promise<Sharp> | undefined;

/** Images in the order of their files. */
export function imageDataset(path: string, files: readonly InputFile[], preprocess: Preprocess): Dataset {
  return datasetFrom({ kind: 'images', path, preprocess: describePreprocess(preprocess) }, files.length, (index) =>
    readImage(files[index] as InputFile, preprocess),
  );
}

/**
 * Decodes one image and makes a network's input of it.
 * The resampling is exactly: the short side becomes `size`, the other floor(size * long / short), both by a triangle
 * ("linear") filter that is widened when it shrinks (antialiased bilinear, as torchvision's and Pillow's), from the full
 * decoded image (JPEG's shrink-on-load is off), in 8-bit sRGB without linearization. Embedded colour profiles are
 * converted to sRGB, an alpha channel is dropped, the EXIF orientation is ignored. An image whose short side is already
 * `size` is not touched. The crop's offsets are rounded down.
 * Errors: ERR_MISSING_PEER without sharp, ERR_BAD_FILE for what sharp cannot decode, ERR_BAD_ARGUMENT for a crop that is
 * larger than the image.
 */
export async function readImage(file: InputFile, preprocess: Preprocess): Promise<Sample> {
  const sharp = await loadSharp();
  const pixels = await decode(sharp, file, preprocess);
  return { name: file.name, ...networkInput(pixels, preprocess) };
}

async function decode(sharp: Sharp, file: InputFile, preprocess: Preprocess): Promise<Pixels> {
  try {
    let image = sharp.default(file.path, { limitInputPixels: MAX_PIXELS });
    const { width = 0, height = 0 } = await image.metadata();
    let size = { width, height };
    if (preprocess.size !== undefined) {
      const short = Math.min(width, height);
      const scaled = (side: number): number => Math.max(1, Math.floor((side * (preprocess.size as number)) / short));
      size = { width: scaled(width), height: scaled(height) };
      if (short !== preprocess.size) {
        image = image.resize({ ...size, fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false });
      }
    }
    if (preprocess.crop !== undefined) {
      image = image.extract(centreCrop(size.height, size.width, preprocess.crop, file.name));
    }
    const gray = preprocess.color === 'gray';
    const { data, info } = await image
      .removeAlpha()
      .toColourspace(gray ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const channels = gray ? 1 : 3;
    if (info.channels !== channels) throw new Error(`decoded to ${info.channels} channels; expected ${channels}`);
    return { data, order: 'interleaved', channels, height: info.height, width: info.width };
  } catch (error) {
    if (error instanceof LowbitError) throw error;
    const message = `Cannot decode the image: ${(error as Error).message}`;
    throw new LowbitError('ERR_BAD_FILE', message, { file: file.path }, { cause: error });
  }
}

function loadSharp(): Promise<Sharp> {
  loading ??= import('sharp').catch((error: unknown) => {
    loading = undefined;
    throw new LowbitError(
      'ERR_MISSING_PEER',
      "Reading images needs the package 'sharp', which is not installed or does not load here. " +
        'Install it with: npm install sharp',
      {},
      { cause: error },
    );
  });
  return loading;
}
