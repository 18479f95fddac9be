// The readers of datasets against files written by the tests, values computed by hand.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Sample } from '../../src/calibrate/dataset.js';
import { writeNpy } from '../../src/calibrate/npy.js';
import { openDataset } from '../../src/calibrate/open-dataset.js';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowbit-readers-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function all(dataset: Dataset): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of dataset) samples.push(sample);
  return samples;
}

/** Deterministic bytes without structure that a codec or a filter could hide errors in. */
function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 16;
  });
}

async function newFolder(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  return path;
}

describe('images', () => {
  it('normalizes and crops like ImageNet: (pixel / 255 - mean) / std, centre 224, planes R, G, B', async () => {
    const path = await newFolder('imagenet');
    const [width, height] = [301, 256];
    const pixels = noise(width * height * 3);
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(path, 'a.png'));
    const [sample] = await all(await openDataset(path));
    expect(sample?.dims).toEqual([1, 3, 224, 224]);
    const [left, top] = [38, 16];
    for (let c = 0; c < 3; c++) {
      for (const [y, x] of [
        [0, 0],
        [0, 223],
        [223, 0],
        [223, 223],
        [100, 57],
      ] as const) {
        const pixel = pixels[((top + y) * width + left + x) * 3 + c] as number;
        const wanted = Math.fround((pixel * (1 / 255) - (MEAN[c] as number)) / (STD[c] as number));
        expect(sample?.data[(c * 224 + y) * 224 + x]).toBe(wanted);
      }
    }
  });

  it('resizes the short side with an antialiased triangle filter', async () => {
    const path = await newFolder('resize');
    const [width, height, size] = [60, 41, 16];
    const pixels = noise(width * height * 3, 7);
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(path, 'a.png'));
    const [sample] = await all(await openDataset(path, { preprocess: { preset: 'raw', size } }));
    const outWidth = Math.floor((width * size) / height);
    expect(sample?.dims).toEqual([1, 3, size, outWidth]);
    // Weights of the triangle of half width `shrink` around the centre of each output pixel, edges repeated.
    const taps = (length: number, out: number): [number, number][][] => {
      const shrink = length / out;
      return Array.from({ length: out }, (_, i) => {
        const centre = (i + 0.5) * shrink - 0.5;
        const row: [number, number][] = [];
        for (let j = Math.ceil(centre - shrink); j <= centre + shrink; j++) {
          row.push([Math.min(length - 1, Math.max(0, j)), 1 - Math.abs(j - centre) / shrink]);
        }
        const sum = row.reduce((total, [, weight]) => total + weight, 0);
        return row.map(([j, weight]) => [j, weight / sum]);
      });
    };
    const rows = taps(height, size);
    const columns = taps(width, outWidth);
    let worst = 0;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < outWidth; x++) {
          let value = 0;
          for (const [j, wy] of rows[y] ?? []) {
            for (const [i, wx] of columns[x] ?? []) value += wy * wx * (pixels[(j * width + i) * 3 + c] as number);
          }
          worst = Math.max(worst, Math.abs(value - (sample?.data[(c * size + y) * outWidth + x] as number)));
        }
      }
    }
    // Two passes, each rounded to 8 bits: one code. libvips also places taps on a grid of 1/64 pixel: each pass moves
    // the triangle by at most 1/128, which changes the weights by 2/128/shrink in sum, of at most 255/2 from their mean.
    const shrink = height / size;
    expect(worst).toBeLessThanOrEqual(1 + (2 * (2 / 128 / shrink) * 255) / 2);
  });

  it('orders by name, walks folders, ignores other files, and reads gray, alpha, NHWC and BGR', async () => {
    const path = await newFolder('kinds');
    await mkdir(join(path, 'sub'));
    const pixel = (...channels: number[]) =>
      sharp(Uint8Array.from(channels), { raw: { width: 1, height: 1, channels: channels.length as 1 } });
    await pixel(10, 20, 30).png().toFile(join(path, 'b.png'));
    await pixel(40, 50, 60, 128).png().toFile(join(path, 'B.png'));
    await pixel(70)
      .png()
      .toFile(join(path, 'sub', 'a.png'));
    await writeFile(join(path, 'notes.txt'), 'x');
    await writeFile(join(path, '.hidden.png'), 'x');
    const raw = await all(await openDataset(path, { preprocess: 'raw' }));
    expect(raw.map((sample) => [sample.name, ...sample.data])).toEqual([
      ['B.png', 40, 50, 60],
      ['b.png', 10, 20, 30],
      ['sub/a.png', 70, 70, 70],
    ]);
    const [bgr] = await all(
      await openDataset(path, {
        preprocess: { preset: 'raw', color: 'bgr', layout: 'nhwc', scale: 2, mean: [1], std: [2] },
      }),
    );
    expect([bgr?.dims, ...(bgr?.data ?? [])]).toEqual([[1, 1, 1, 3], 59.5, 49.5, 39.5]);
    const gray = await all(await openDataset(join(path, 'sub'), { preprocess: { preset: 'raw', color: 'gray' } }));
    expect(gray.map((sample) => [sample.dims, ...sample.data])).toEqual([[[1, 1, 1, 1], 70]]);
  });

  it('names the broken image and the small one', async () => {
    const path = await newFolder('broken');
    await writeFile(join(path, 'a.jpg'), noise(2000));
    const broken = await openDataset(path);
    await expect(broken.read(0)).rejects.toMatchObject({ code: 'ERR_BAD_FILE', place: { file: join(path, 'a.jpg') } });
    await sharp(noise(30), { raw: { width: 10, height: 1, channels: 3 } })
      .png()
      .toFile(join(path, 'a.jpg'));
    const small = await openDataset(path, { preprocess: { preset: 'imagenet', size: 8 } });
    await expect(small.read(0)).rejects.toMatchObject({
      code: 'ERR_BAD_ARGUMENT',
      message: expect.stringContaining('a.jpg'),
    });
  });
});

describe('CIFAR-10 batches', () => {
  it('reads labels and planes with ImageNet statistics', async () => {
    const bytes = noise(2 * 3073, 3);
    bytes[0] = 9;
    bytes[3073] = 0;
    const path = join(folder, 'batch.bin');
    await writeFile(path, bytes);
    const dataset = await openDataset(path);
    const samples = await all(dataset);
    expect(dataset.description.preprocess).toBe('cifar10');
    expect(samples.map(({ name, label, dims }) => ({ name, label, dims }))).toEqual([
      { name: 'batch.bin#0', label: 9, dims: [1, 3, 32, 32] },
      { name: 'batch.bin#1', label: 0, dims: [1, 3, 32, 32] },
    ]);
    for (const [c, at] of [
      [0, 0],
      [1, 1024 + 17],
      [2, 3071],
    ] as const) {
      const wanted = Math.fround(
        ((bytes[3073 + 1 + at] as number) * (1 / 255) - (MEAN[c] as number)) / (STD[c] as number),
      );
      expect(samples[1]?.data[at]).toBe(wanted);
    }
  });

  it('refuses partial records, empty files and labels over 9', async () => {
    const path = join(folder, 'bad.bin');
    const bad = new Uint8Array(3073).fill(10);
    for (const bytes of [new Uint8Array(0), new Uint8Array(3072), new Uint8Array(3074), bad]) {
      await writeFile(path, bytes);
      await expect(openDataset(path)).rejects.toMatchObject({ code: 'ERR_BAD_FILE' });
    }
  });
});

describe('idx files', () => {
  const images = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 5, 6, 250, 255]);

  it('reads plain and gzipped images, and labels by position', async () => {
    const labels = Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 2, 3, 4]);
    const labelFile = join(folder, 'y-idx1-ubyte.gz');
    await writeFile(labelFile, gzipSync(labels));
    for (const [name, bytes] of [
      ['x-idx3-ubyte', images],
      ['x-idx3-ubyte.gz', gzipSync(images)],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      const samples = await all(await openDataset(path, { labels: labelFile }));
      expect(samples.map(({ label, dims, data }) => [label, dims, ...data])).toEqual([
        [3, [1, 1, 2, 1], 5, 6],
        [4, [1, 1, 2, 1], 250, 255],
      ]);
      const [second] = await all(await openDataset(path, { labels: labelFile, samples: 1, seed: 2 }));
      expect(second?.label).toBe(second?.data[0] === 5 ? 3 : 4);
    }
  });

  it('refuses wrong sizes, other types and broken gzip', async () => {
    const path = join(folder, 'bad-idx3-ubyte.gz');
    const huge = Uint8Array.from(images);
    huge.fill(0x7f, 4, 16);
    const floats = Uint8Array.from(images);
    floats[2] = 13;
    for (const [bytes, code] of [
      [images.subarray(0, 19), 'ERR_BAD_FILE'],
      [images.subarray(0, 7), 'ERR_BAD_FILE'],
      [huge, 'ERR_BAD_FILE'],
      [floats, 'ERR_UNSUPPORTED'],
      [gzipSync(images).subarray(0, 20), 'ERR_BAD_FILE'],
    ] as const) {
      await writeFile(path, bytes);
      await expect(openDataset(path)).rejects.toMatchObject({ code });
    }
  });
});

describe('.npy datasets', () => {
  it('splits the first axis, converts to float32 and keeps rank 1 whole', async () => {
    const path = await newFolder('npy');
    await writeFile(
      join(path, 'b.npy'),
      writeNpy({ dtype: 'uint8', dims: [2, 2], data: Uint8Array.from([1, 2, 3, 4]) }),
    );
    await writeFile(
      join(path, 'a.npy'),
      writeNpy({ dtype: 'int64', dims: [3], data: BigInt64Array.from([5n, 6n, -7n]) }),
    );
    const samples = await all(await openDataset(path));
    expect(samples).toEqual([
      { name: 'a.npy', dims: [3], data: Float32Array.from([5, 6, -7]) },
      { name: 'b.npy#0', dims: [1, 2], data: Float32Array.from([1, 2]) },
      { name: 'b.npy#1', dims: [1, 2], data: Float32Array.from([3, 4]) },
    ]);
    await expect(openDataset(path, { preprocess: 'unit' })).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
  });
});

describe('openDataset', () => {
  it('refuses a missing path, nothing to read, several kinds, and wrong preprocessing', async () => {
    const mixed = await newFolder('mixed');
    await writeFile(join(mixed, 'a.png'), '');
    await writeFile(join(mixed, 'a.bin'), '');
    const empty = await newFolder('empty');
    await expect(openDataset(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ERR_IO' });
    for (const path of [mixed, empty])
      await expect(openDataset(path)).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    await writeFile(join(empty, 'a.png'), '');
    for (const preprocess of [
      'nothing' as 'raw',
      { std: [0] },
      { mean: [1, 2] },
      { scale: Number.NaN },
      { size: 0 },
      { crop: [0, 1] as const },
    ]) {
      await expect(openDataset(empty, { preprocess })).rejects.toMatchObject({ code: 'ERR_BAD_ARGUMENT' });
    }
  });

  it('reads labels by whole name, then by last part', async () => {
    const path = await newFolder('labels');
    await mkdir(join(path, 'x'));
    const file = writeNpy({ dtype: 'float32', dims: [1, 1], data: new Float32Array(1) });
    for (const name of ['a.npy', 'x/a.npy', 'x/c.npy']) await writeFile(join(path, name), file);
    const labels = join(folder, 'labels.json');
    await writeFile(labels, JSON.stringify({ 'x/a.npy': 1, 'a.npy': 2, 'c.npy': 3 }));
    const samples = await all(await openDataset(path, { labels }));
    expect(samples.map((sample) => sample.label)).toEqual([2, 1, 3]);
    for (const text of ['[1]', '{"a.npy": -1}', '{"a.npy": "cat"}', 'nothing']) {
      await writeFile(labels, text);
      await expect(openDataset(path, { labels })).rejects.toMatchObject({ code: 'ERR_BAD_FILE' });
    }
  });
});
