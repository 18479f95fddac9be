// The options of data: which samples, and how images become inputs. Shared by the commands that read datasets.

import {
  PREPROCESS_PRESETS,
  type Preprocess,
  type PreprocessOption,
  type PreprocessPreset,
} from '../calibrate/preprocess.js';
import type { OptionRow } from './command.js';
import { integer, number, numbers, sides, word } from './option-values.js';

const PRESET_NAMES = Object.keys(PREPROCESS_PRESETS) as PreprocessPreset[];

export const PREPROCESS_OPTIONS = [
  {
    flags: '--preprocess <preset>',
    description: `how pixels become inputs: ${PRESET_NAMES.join(', ')} (default: by the kind of data)`,
    parse: word('preprocessing', PRESET_NAMES),
  },
  { flags: '--size <n>', description: 'resize the short side to n pixels', parse: integer('--size', 1) },
  { flags: '--crop <n|HxW>', description: 'keep the centre', parse: sides('--crop') },
  { flags: '--scale <x>', description: 'multiply pixels, such as 1/255', parse: number('--scale') },
  { flags: '--mean <a,b,c>', description: 'subtract from scaled pixels', parse: numbers('--mean') },
  { flags: '--std <a,b,c>', description: 'then divide', parse: numbers('--std') },
  { flags: '--layout <layout>', description: 'nchw or nhwc', parse: word('layout', ['nchw', 'nhwc']) },
  { flags: '--color <order>', description: 'rgb, bgr or gray', parse: word('color', ['rgb', 'bgr', 'gray']) },
] as const satisfies readonly OptionRow[];

export const SAMPLING_OPTIONS = [
  { flags: '--samples <n>', description: 'use at most n samples', parse: integer('--samples', 1) },
  {
    flags: '--seed <n>',
    description: 'which samples are drawn (default: 0)',
    parse: integer('--seed', 0, 2 ** 32 - 1),
  },
] as const satisfies readonly OptionRow[];

/** The values of PREPROCESS_OPTIONS. */
export interface PreprocessValues extends Partial<Preprocess> {
  readonly preprocess?: PreprocessPreset;
}

/** The values of SAMPLING_OPTIONS. */
export interface SamplingValues {
  readonly samples?: number;
  readonly seed?: number;
}

/** The preprocessing that the options mean; undefined when none of them was given. */
export function preprocessOption(values: PreprocessValues): PreprocessOption | undefined {
  const fields: Record<string, unknown> = {};
  for (const field of ['size', 'crop', 'scale', 'mean', 'std', 'layout', 'color'] as const) {
    if (values[field] !== undefined) fields[field] = values[field];
  }
  if (values.preprocess !== undefined) fields['preset'] = values.preprocess;
  return Object.keys(fields).length === 0 ? undefined : (fields as Exclude<PreprocessOption, string>);
}

/** Only the fields that were given, as options of openDataset. */
export function datasetOptions(values: PreprocessValues & SamplingValues & { readonly labels?: string }): {
  preprocess?: PreprocessOption;
  samples?: number;
  seed?: number;
  labels?: string;
} {
  const preprocess = preprocessOption(values);
  return {
    ...(preprocess === undefined ? {} : { preprocess }),
    ...(values.samples === undefined ? {} : { samples: values.samples }),
    ...(values.seed === undefined ? {} : { seed: values.seed }),
    ...(values.labels === undefined ? {} : { labels: values.labels }),
  };
}
