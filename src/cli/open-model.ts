// Opens the models of a command line.

import { inputTypes } from '../calibrate/collect.js';
import type { InputType } from '../calibrate/feeds.js';
import { readInput } from '../calibrate/input-file.js';
import { readOnnx } from '../formats/onnx/onnx.js';
import type { Graph } from '../ir/graph.js';
import { verifyGraph } from '../ir/verify.js';
import { InferenceSession } from '../session/inference-session.js';

export interface OpenModel {
  readonly path: string;
  /** The size of the file. */
  readonly bytes: number;
  /** As it is in the file, verified. */
  readonly graph: Graph;
  readonly inputs: readonly InputType[];
  readonly session: InferenceSession;
}

/** Errors: ERR_IO, ERR_BAD_FILE, ERR_BAD_MODEL, ERR_UNSUPPORTED. */
export async function openModel(path: string): Promise<OpenModel> {
  const bytes = await readInput(path);
  const graph = verifyGraph(readOnnx(bytes, { file: path }));
  const inputs = inputTypes(graph);
  return { path, bytes: bytes.byteLength, graph, inputs, session: await InferenceSession.create(graph) };
}
