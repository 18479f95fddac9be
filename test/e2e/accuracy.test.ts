// A residual network from its float file to int8 answers on real images, judged by onnxruntime.
// `npm run accuracy` does the same for every network on whole validation sets.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { subsetOf } from '../../src/calibrate/dataset.js';
import { openDataset } from '../../src/calibrate/open-dataset.js';
import { quantizeModel } from '../../src/calibrate/quantize-model.js';
import { argmax } from '../../src/report/top-1.js';
import { InferenceSession } from '../../src/session/inference-session.js';

/** What lowbit's sessions and onnxruntime's have in common. */
interface Session {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, ort.Tensor>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
}

const shared = resolve(import.meta.dirname, '../../../shared/data');
const model = resolve(shared, 'models/cifar10-resnet20.onnx');
const here = existsSync(model);
const title = 'cifar10-resnet20 keeps its accuracy in int8, and onnxruntime agrees about the file';

it.skipIf(!here)(here ? title : `${title} (left out: ${model} is not here)`, async () => {
  const calibration = await openDataset(resolve(shared, 'cifar10/calibration-200.bin'));
  const validation = subsetOf(await openDataset(resolve(shared, 'cifar10/validation-1000.bin')), 300);
  const { bytes } = await quantizeModel(model, { dataset: calibration });
  expect(bytes.byteLength / (await stat(model)).size).toBeLessThanOrEqual(0.28);

  const float = await InferenceSession.create(await readFile(model));
  const int8 = await InferenceSession.create(bytes);
  const judge = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const right = { float: 0, int8: 0, judged: 0 };
  for await (const { data, dims, label } of validation) {
    const feeds = { input: new ort.Tensor('float32', data, [...dims]) };
    const top1 = async (session: Session): Promise<number> =>
      argmax((await session.run(feeds))[session.outputNames[0] as string]?.data as Float32Array);
    const answer = await top1(int8);
    right.int8 += answer === label ? 1 : 0;
    right.float += (await top1(float)) === label ? 1 : 0;
    right.judged += answer === (await top1(judge)) ? 1 : 0;
  }
  // 300 images: a point is three images.
  expect(right.float).toBeGreaterThan(0.75 * 300);
  expect(right.int8).toBeGreaterThanOrEqual(right.float - 3);
  expect(right.judged).toBeGreaterThanOrEqual(0.99 * 300);
});
