// `lowbit run MODEL`: one run, outputs as hashes and .npy files.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeNpy } from '../../calibrate/npy.js';
import type { DType, TypedArray } from '../../core/dtype.js';
import { environmentText } from '../../report/print-compare.js';
import { textList } from '../../report/text-table.js';
import { classesOf } from '../../report/top-1.js';
import type { CommandRow } from '../command.js';
import { environment } from '../environment.js';
import { FEED_OPTIONS, type FeedValues, feedsOf } from '../feeds.js';
import { openModel } from '../open-model.js';
import { checkOutput, makeOutputFolder, writeOutput } from '../output-file.js';

/** How many classes of a row of scores are printed. */
const CLASSES_SHOWN = 5;

interface Values extends FeedValues {
  readonly output?: string;
  readonly force?: boolean;
}

interface Output {
  readonly name: string;
  readonly type: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

export const runCommand: CommandRow = {
  summary: 'run a model once and print what comes out',
  arguments: [{ name: '<model>', description: 'an ONNX file' }],
  options: [
    ...FEED_OPTIONS,
    { flags: '-o, --output <folder>', description: 'write every output as a .npy file' },
    { flags: '-f, --force', description: 'overwrite output files' },
  ],
  example: 'lowbit run mobilenetv2.onnx --data photo.jpg --preprocess imagenet --output results/',
  async run([path = ''], options, { signal }) {
    const values = options as Values;
    const force = values.force === true;
    const model = await openModel(path);
    try {
      const files = outputFiles(values.output, model.session.outputNames);
      if (values.output !== undefined) await makeOutputFolder(values.output);
      for (const file of files.values()) await checkOutput(file, force);
      const results = await model.session.run(await feedsOf(model, values, 'refused'), undefined, { signal });
      const outputs = model.session.outputNames.map((name): Output => {
        const { type, dims, data } = results[name] as unknown as Output;
        return { name, type, dims, data };
      });
      for (const { name, type, dims, data } of outputs) {
        const file = files.get(name);
        if (file !== undefined) await writeOutput(file, writeNpy({ dtype: type, dims, data }), force);
      }
      const json = {
        model: path,
        outputs: Object.fromEntries(
          outputs.map(({ name, type, dims, data }) => [name, { type, dims, sha256: sha256(data) }]),
        ),
        ...environment(),
      };
      return {
        json,
        text: `${outputs.map((output) => outputText(output, files.get(output.name))).join('\n\n')}\n\n${environmentText(json)}`,
      };
    } finally {
      await model.session.dispose();
    }
  },
};

/** Of the elements as they are in memory: row-major, little-endian. */
function sha256(data: TypedArray): string {
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

/**
 * Names of values may hold anything; in file names everything but letters, digits, '.', '_' and '-' becomes '_', and
 * names that are the same then get their position.
 */
function outputFiles(folder: string | undefined, names: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  if (folder === undefined) return files;
  const taken = new Set<string>();
  names.forEach((name, position) => {
    const safe = name.replace(/[^\p{L}\p{N}._-]/gu, '_').replace(/^\.+/, '_');
    const file = taken.has(safe) ? `${safe}.${position}` : safe;
    taken.add(file);
    files.set(name, join(folder, `${file}.npy`));
  });
  return files;
}

function outputText({ name, type, dims, data }: Output, file: string | undefined): string {
  const lines: [string, string][] = [
    ['output', `${name}: ${type} [${dims.join(', ')}]`],
    ['sha256', sha256(data)],
  ];
  if (file !== undefined) lines.push(['file', file]);
  const classes = classesOf(dims);
  if (classes !== undefined && data instanceof Float32Array) {
    const best = Array.from(data.subarray(0, classes), (score, index) => ({ score, index }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, CLASSES_SHOWN);
    lines.push(['best classes', best.map(({ index, score }) => `${index} (${score.toPrecision(4)})`).join(', ')]);
  }
  return textList(lines);
}
