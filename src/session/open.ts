// From a model in any form that the package reads to the graph that is run.

import { LowbitError } from '../core/errors.js';
import { builtinFor } from '../core/host.js';
import { loadOnnx, readOnnx } from '../formats/onnx/onnx.js';
import type { Graph } from '../ir/graph.js';
import { verifyGraph } from '../ir/verify.js';
import { optimize } from '../passes/passes.js';

/** A path, the bytes of a file, or a graph. */
export type ModelSource = string | URL | Uint8Array | ArrayBufferLike | Graph;

export interface OpenOptions {
  /** Run the graph passes (default), or only verify. */
  readonly optimize?: boolean | undefined;
}

/**
 * Formats that other programs write, by the bytes with which their files begin: to say what a file is instead of an ONNX
 * model. ONNX itself has no signature.
 */
const SIGNATURES = [
  { format: 'GGUF', offset: 0, bytes: 'GGUF' },
  { format: 'TensorFlow Lite', offset: 4, bytes: 'TFL3' },
  { format: 'an ORT model', offset: 4, bytes: 'ORTM' },
  { format: 'a ZIP archive (PyTorch or Keras)', offset: 0, bytes: 'PK\x03\x04' },
  { format: 'an HDF5 file (Keras)', offset: 0, bytes: '\x89HDF' },
] as const;

/**
 * The graph of a model, verified, and optimized unless asked not to. The bytes must not change while the graph is in use.
 * Errors: ERR_IO, ERR_BAD_FILE, ERR_BAD_MODEL, ERR_UNSUPPORTED, ERR_BAD_ARGUMENT.
 */
export async function openModel(source: ModelSource, options: OpenOptions = {}): Promise<Graph> {
  if (source instanceof URL || typeof source === 'string') {
    return finish(await loadOnnx(source instanceof URL ? pathOf(source) : source), options);
  }
  return openModelSync(source, options);
}

/** The same for a model that is in memory. */
export function openModelSync(source: Exclude<ModelSource, string | URL>, options: OpenOptions = {}): Graph {
  if (source instanceof Uint8Array) return finish(readBytes(source), options);
  if (isBuffer(source)) return finish(readBytes(new Uint8Array(source)), options);
  if (isGraph(source)) return finish(source, options);
  throw new LowbitError(
    'ERR_BAD_ARGUMENT',
    `A model is a path, a Uint8Array, an ArrayBuffer or a graph; found ${describeValue(source)}`,
    { argument: 'model' },
  );
}

function readBytes(bytes: Uint8Array): Graph {
  for (const { format, offset, bytes: wanted } of SIGNATURES) {
    const found = String.fromCharCode(...bytes.subarray(offset, offset + wanted.length));
    if (found === wanted) throw new LowbitError('ERR_UNSUPPORTED', `The model is ${format}; ONNX files are read`);
  }
  return readOnnx(bytes);
}

function finish(graph: Graph, options: OpenOptions): Graph {
  return options.optimize === false ? verifyGraph(graph) : optimize(graph);
}

function pathOf(url: URL): string {
  if (url.protocol === 'file:') return builtinFor(url.href, 'node:url').fileURLToPath(url);
  throw new LowbitError(
    'ERR_BAD_ARGUMENT',
    `A model's URL must be file:, not ${url.protocol}; fetch the others and give their bytes`,
    { argument: 'model' },
  );
}

export function isBuffer(value: unknown): value is ArrayBufferLike {
  return (
    value instanceof ArrayBuffer || (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer)
  );
}

function isGraph(value: unknown): value is Graph {
  return typeof value === 'object' && value !== null && 'nodes' in value && 'constants' in value && 'opsets' in value;
}

/** A value in a few words, for messages. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return `${typeof value} ${String(value).slice(0, 40)}`;
  return value.constructor?.name ?? 'an object';
}
