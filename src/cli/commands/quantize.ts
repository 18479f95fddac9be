// `lowbit quantize MODEL -o OUT --calibrate PATH`: a smaller and faster model, with a report.

import { openDataset } from '../../calibrate/open-dataset.js';
import { quantizeModel } from '../../calibrate/quantize-model.js';
import { throwIfAborted } from '../../core/errors.js';
import { OBSERVER_NAMES, type ObserverName } from '../../observe/observer.js';
import { quantizeText } from '../../report/print-quantize.js';
import { PRESETS } from '../../schemes/presets.js';
import { PRESET_NAMES, type SchemeChanges } from '../../schemes/scheme.js';
import type { CommandRow } from '../command.js';
import {
  datasetOptions,
  PREPROCESS_OPTIONS,
  type PreprocessValues,
  SAMPLING_OPTIONS,
  type SamplingValues,
} from '../data-options.js';
import { environment } from '../environment.js';
import { usage, word } from '../option-values.js';
import { checkOutput, writeOutput } from '../output-file.js';

/** What --dynamic stands for: as onnxruntime's dynamic quantization, it covers convolutions. */
const DYNAMIC_SCHEME = 'dynamic-u8i8-conv';
const STATIC_SCHEME = 'static-u8i8';

interface Values extends PreprocessValues, SamplingValues {
  readonly output: string;
  readonly calibrate?: string;
  readonly scheme?: (typeof PRESET_NAMES)[number];
  readonly observer?: ObserverName;
  readonly dynamic?: boolean;
  readonly exclude?: readonly string[];
  readonly force?: boolean;
}

export const quantizeCommand: CommandRow = {
  summary: 'quantize a float model to 8-bit integers',
  arguments: [{ name: '<model>', description: 'an ONNX file' }],
  options: [
    { flags: '-o, --output <file>', description: 'the ONNX file to write', required: true },
    {
      flags: '--calibrate <path>',
      description: 'images, .npy, CIFAR-10 or idx data to calibrate on: a folder or a file',
    },
    ...SAMPLING_OPTIONS,
    ...PREPROCESS_OPTIONS,
    { flags: '--scheme <name>', description: `one of ${PRESET_NAMES.join(', ')}`, parse: word('scheme', PRESET_NAMES) },
    {
      flags: '--observer <name>',
      description: `how the ranges of the samples become one: ${OBSERVER_NAMES.join(', ')} (default: the scheme's)`,
      parse: word('observer', OBSERVER_NAMES),
    },
    { flags: '--dynamic', description: `no calibration: activations are quantized in every run (${DYNAMIC_SCHEME})` },
    {
      flags: '--exclude <pattern>',
      description: 'leave nodes of this name in float; * is any characters',
      repeat: true,
    },
    { flags: '-f, --force', description: 'overwrite the output' },
  ],
  example: 'lowbit quantize model.onnx -o model.int8.onnx --calibrate images/ --preprocess imagenet --samples 200',
  async run([path = ''], options, { signal, progress }) {
    const values = options as unknown as Values;
    const name = schemeOf(values);
    const dynamic = PRESETS[name].activations.mode === 'dynamic';
    if (!dynamic && values.calibrate === undefined) {
      throw usage(`The scheme '${name}' wants data: give --calibrate PATH, or --dynamic for none`);
    }
    if (dynamic && values.calibrate !== undefined)
      throw usage(`The scheme '${name}' is dynamic and takes no --calibrate`);
    const force = values.force === true;
    await checkOutput(values.output, force);
    const { bytes, report } = await quantizeModel(path, {
      scheme: schemeOption(name, values),
      ...(values.calibrate === undefined
        ? {}
        : { dataset: await openDataset(values.calibrate, datasetOptions(values)) }),
      signal,
      onProgress: (done, total) => progress.update('calibrate', done, total),
    });
    throwIfAborted(signal);
    await writeOutput(values.output, bytes, force);
    const json = { model: path, output: values.output, ...report, ...environment() };
    return { json, text: quantizeText(json) };
  },
};

function schemeOf({ scheme, dynamic }: Values): (typeof PRESET_NAMES)[number] {
  if (scheme !== undefined && dynamic === true) throw usage('Expected either --scheme or --dynamic, not both');
  return scheme ?? (dynamic === true ? DYNAMIC_SCHEME : STATIC_SCHEME);
}

/** The preset, or changes to it when an option asks for some. */
function schemeOption(preset: (typeof PRESET_NAMES)[number], { observer, exclude }: Values): string | SchemeChanges {
  if (observer === undefined && exclude === undefined) return preset;
  return {
    preset,
    ...(observer === undefined ? {} : { activations: { observer } }),
    ...(exclude === undefined ? {} : { exclude }),
  };
}
