// Reading images where sharp is not installed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openDataset } from '../../src/calibrate/open-dataset.js';

vi.mock('sharp', () => {
  throw new Error("Cannot find package 'sharp'");
});

it('names the package and the command that installs it, when the first image is read and not before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lowbit-peer-'));
  try {
    await writeFile(join(folder, 'a.jpg'), '');
    const dataset = await openDataset(folder);
    await expect(dataset.read(0)).rejects.toMatchObject({
      code: 'ERR_MISSING_PEER',
      message: expect.stringContaining('npm install sharp'),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
