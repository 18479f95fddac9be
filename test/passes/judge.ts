// onnxruntime as the second opinion of pass tests: it runs graphs, and gives the ranges of their values.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/onnx.js';
import type { Graph } from '../../src/ir/graph.js';
import { verifyGraph } from '../../src/ir/verify.js';
import { type ObserverName, rangeOfValues } from '../../src/observe/observer.js';
import { type Statistics, StatisticsCollector } from '../../src/observe/statistics.js';

export type Feeds = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

/** A file beside the repository; undefined when it is not there. */
export function sharedData(path: string): string | undefined {
  const file = fileURLToPath(new URL(`../../../shared/data/${path}`, import.meta.url));
  return existsSync(file) ? file : undefined;
}

export function loadModel(path: string): Graph {
  return verifyGraph(readOnnx(readFileSync(path), { file: path }));
}

/** A session of onnxruntime over the graph, as a function. */
export async function judge(
  graph: Graph,
  options: InferenceSession.SessionOptions = {},
): Promise<{ run(feeds: Feeds): Promise<Record<string, Tensor>>; release(): Promise<void> }> {
  const session = await InferenceSession.create(writeOnnx(graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    ...options,
  });
  return {
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, { dims, data }]) => [name, new Tensor('float32', data, dims)]);
      return { ...(await session.run(Object.fromEntries(tensors))) };
    },
    release: () => session.release(),
  };
}

/** The ranges of values of a float graph over some feeds. */
export async function observe(
  graph: Graph,
  values: readonly string[],
  feeds: Iterable<Feeds>,
  observer: ObserverName = 'min-max',
): Promise<Statistics> {
  const inner = values.filter((value) => !graph.inputs.includes(value));
  const types = new Map(graph.types);
  const session = await judge({ ...graph, types, outputs: [...new Set([...graph.outputs, ...inner])] });
  const collector = new StatisticsCollector(observer);
  for (const feed of feeds) {
    const results = await session.run(feed);
    for (const value of values) {
      const data = feed[value]?.data ?? (results[value]?.data as Float32Array);
      const range = rangeOfValues(data);
      if (range !== undefined) collector.add(value, range);
    }
  }
  await session.release();
  return collector.statistics();
}

/** The float elements of a result. */
export function floatsFrom(results: Record<string, Tensor>, name: string): Float32Array {
  const data = results[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the result '${name}' is missing or not float32`);
  return data;
}

/** The u8 codes of a result. */
export function codesFrom(results: Record<string, Tensor>, name: string): Uint8Array {
  const data = results[name]?.data;
  if (!(data instanceof Uint8Array)) throw new Error(`the result '${name}' is missing or not uint8`);
  return data;
}

export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** 10 log10(|reference|^2 / |reference - found|^2) */
export function sqnrDb(reference: ArrayLike<number>, found: ArrayLike<number>): number {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < reference.length; i++) {
    signal += (reference[i] as number) ** 2;
    noise += ((reference[i] as number) - (found[i] as number)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}
