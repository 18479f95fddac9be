// The options that feed a model on the command line, and the feeds that they mean.

import { type Feed, feedOfSample, madeUpFeeds } from '../calibrate/feeds.js';
import { readInput } from '../calibrate/input-file.js';
import { readNpy } from '../calibrate/npy.js';
import { openDataset } from '../calibrate/open-dataset.js';
import type { OptionRow } from './command.js';
import { datasetOptions, PREPROCESS_OPTIONS, type PreprocessValues } from './data-options.js';
import type { OpenModel } from './open-model.js';
import { assignment, integer, usage } from './option-values.js';

export const FEED_OPTIONS = [
  {
    flags: '-i, --input <name=file.npy>',
    description: 'feed an input from a .npy file; may be given for each input',
    repeat: true,
    parse: assignment('--input'),
  },
  { flags: '--data <path>', description: 'feed a sample of images, .npy, CIFAR-10 or idx data' },
  { flags: '--index <n>', description: 'which sample of --data (default: 0)', parse: integer('--index', 0) },
  ...PREPROCESS_OPTIONS,
] as const satisfies readonly OptionRow[];

/** The values of FEED_OPTIONS. */
export interface FeedValues extends PreprocessValues {
  readonly input?: readonly { readonly name: string; readonly value: string }[];
  readonly data?: string;
  readonly index?: number;
}

/**
 * Feeds from --input, else from --data, else as `otherwise` says: made-up values, or an error of wrong usage.
 * Errors: ERR_USAGE, ERR_IO, ERR_BAD_FILE, ERR_BAD_ARGUMENT.
 */
export async function feedsOf(
  model: OpenModel,
  values: FeedValues,
  otherwise: 'made up' | 'refused',
): Promise<Record<string, Feed>> {
  if (values.input !== undefined && values.data !== undefined)
    throw usage('Expected either --input or --data, not both');
  if (values.input !== undefined) {
    const feeds: Record<string, Feed> = {};
    for (const { name, value } of values.input) {
      const { dtype, dims, data } = readNpy(await readInput(value), value);
      feeds[name] = { type: dtype, dims, data };
    }
    return feeds;
  }
  if (values.data !== undefined) {
    const dataset = await openDataset(values.data, datasetOptions(values));
    const index = values.index ?? 0;
    if (index >= dataset.length) throw usage(`Expected --index below ${dataset.length} but received ${index}`);
    return feedOfSample(await dataset.read(index), model.inputs);
  }
  if (otherwise === 'refused') throw usage('Nothing to feed: give --input name=file.npy or --data PATH');
  return madeUpFeeds(model.inputs);
}
