// Quantizes a model from end to end: open, prepare, calibrate, quantize, write.

import { LowbitError, throwIfAborted } from '../core/errors.js';
import { readOnnx, writeOnnx } from '../formats/onnx/onnx.js';
import type { Graph } from '../ir/graph.js';
import type { ObserverName } from '../observe/observer.js';
import { insertQdq, valuesToObserve } from '../passes/insert-qdq.js';
import { prepare } from '../passes/passes.js';
import { quantizeDynamic } from '../passes/quantize-dynamic.js';
import { upgradeOpset } from '../passes/upgrade-opset.js';
import { resolveScheme, type Scheme, type SchemeChanges } from '../schemes/scheme.js';
import { collectStatistics } from './collect.js';
import { type Dataset, type DatasetDescription, subsetOf } from './dataset.js';
import { readInput } from './input-file.js';
import { dynamicOutcomes, type NodeOutcome, staticOutcomes } from './node-outcomes.js';

export interface QuantizeOptions {
  /** A preset's name or changes to one. Default: `static-u8i8`. */
  readonly scheme?: string | SchemeChanges;
  /** What a static scheme calibrates on. */
  readonly dataset?: Dataset;
  /** At most this many samples of it, drawn with `seed`. */
  readonly samples?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after every sample that was calibrated on. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface QuantizeReport {
  readonly scheme: string;
  /** null for a dynamic scheme. */
  readonly observer: ObserverName | null;
  /** Samples that were calibrated on; 0 for a dynamic scheme. */
  readonly samples: number;
  readonly dataset: DatasetDescription | null;
  /** `reference` is the file that came in, null for a graph; `candidate` the one that came out. */
  readonly bytes: { readonly reference: number | null; readonly candidate: number; readonly ratio: number | null };
  /** Every node of the model after folding, with what happened to it. */
  readonly nodes: readonly NodeOutcome[];
}

export interface QuantizeResult {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  readonly report: QuantizeReport;
}

/**
 * Quantizes a model given as a path, the bytes of an ONNX file, or a graph. The result depends on the model, the scheme and
 * the samples alone: the same bytes on every instruction set, backend and number of threads.
 * Errors: ERR_BAD_ARGUMENT (no or an empty dataset for a static scheme, an unknown scheme), ERR_UNSUPPORTED (operators, or
 * nothing to quantize), ERR_BAD_FEED (samples that do not fit the model), ERR_ABORTED, and those of reading.
 */
export async function quantizeModel(
  model: string | Uint8Array | Graph,
  options: QuantizeOptions = {},
): Promise<QuantizeResult> {
  const scheme = resolveScheme(options.scheme);
  const source = await sourceOf(model);
  const prepared = upgradeOpset(prepare(source.graph));
  const { graph, ...outcome } =
    scheme.activations.mode === 'dynamic' ? dynamically(prepared, scheme) : await statically(prepared, scheme, options);
  throwIfAborted(options.signal);
  const bytes = writeOnnx(graph);
  const ratio = source.bytes === null ? null : bytes.byteLength / source.bytes;
  return {
    bytes,
    graph,
    report: {
      scheme: scheme.name,
      ...outcome,
      bytes: { reference: source.bytes, candidate: bytes.byteLength, ratio },
    },
  };
}

interface Outcome extends Pick<QuantizeReport, 'nodes' | 'observer' | 'samples' | 'dataset'> {
  readonly graph: Graph;
}

async function statically(prepared: Graph, scheme: Scheme, options: QuantizeOptions): Promise<Outcome> {
  const { dataset: whole, signal, onProgress } = options;
  if (whole === undefined) {
    throw new LowbitError('ERR_BAD_ARGUMENT', `The scheme '${scheme.name}' is static and wants a dataset`, {
      argument: 'dataset',
    });
  }
  const dataset = options.samples === undefined ? whole : subsetOf(whole, options.samples, options.seed);
  const { observer } = scheme.activations;
  const statistics = await collectStatistics(prepared, valuesToObserve(prepared, scheme), dataset, {
    observer,
    signal,
    onProgress,
  });
  return {
    graph: insertQdq(prepared, scheme, statistics),
    nodes: staticOutcomes(prepared, scheme),
    observer,
    samples: dataset.length,
    dataset: dataset.description,
  };
}

function dynamically(prepared: Graph, scheme: Scheme): Outcome {
  const graph = quantizeDynamic(prepared, scheme);
  return { graph, nodes: dynamicOutcomes(prepared, graph, scheme), observer: null, samples: 0, dataset: null };
}

async function sourceOf(model: string | Uint8Array | Graph): Promise<{ graph: Graph; bytes: number | null }> {
  if (typeof model === 'string') {
    const bytes = await readInput(model);
    return { graph: readOnnx(bytes, { file: model }), bytes: bytes.byteLength };
  }
  if (model instanceof Uint8Array) return { graph: readOnnx(model), bytes: model.byteLength };
  return { graph: model, bytes: null };
}
