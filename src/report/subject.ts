// A model on disk as a subject of comparisons: its session, and a second one that shows its inner values.

import type { Sample } from '../calibrate/dataset.js';
import { type Feed, feedOfSample, type InputType } from '../calibrate/feeds.js';
import type { Graph } from '../ir/graph.js';
import { inferTypes } from '../ir/infer.js';
import { InferenceSession } from '../session/inference-session.js';
import type { OutputTensor, Subject } from './compare.js';

export interface SubjectOptions {
  /** Show inner values too. */
  readonly inner: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** `close` ends the sessions that the subject has opened itself. */
export interface OpenSubject extends Subject {
  close(): Promise<void>;
}

/**
 * A subject over a session of the graph. Inner values are float32 results of nodes under the names that they have in the
 * float model: where a value was quantized, that is what its codes stand for (the DequantizeLinear behind the
 * QuantizeLinear that reads it).
 */
export function subjectOf(
  graph: Graph,
  session: InferenceSession,
  inputs: readonly InputType[],
  options: SubjectOptions,
): OpenSubject {
  const { signal } = options;
  const run = async (target: InferenceSession, sample: Sample): Promise<Readonly<Record<string, OutputTensor>>> => {
    const feeds: Record<string, Feed> = feedOfSample(sample, inputs);
    return (await target.run(feeds, undefined, { signal })) as Readonly<Record<string, OutputTensor>>;
  };
  const subject = { outputNames: session.outputNames, run: (sample: Sample) => run(session, sample) };
  if (!options.inner) return { ...subject, close: async () => undefined };
  const values = innerValues(graph);
  let opened: { readonly key: string; readonly session: Promise<InferenceSession> } | undefined;
  const innerSession = async (names: readonly string[]): Promise<InferenceSession> => {
    const key = names.join('\n');
    if (opened?.key !== key) {
      await close();
      const outputs = names.map((name) => values.get(name) as string);
      opened = { key, session: InferenceSession.create({ ...graph, outputs }) };
    }
    return opened.session;
  };
  const close = async (): Promise<void> => {
    const last = opened;
    opened = undefined;
    if (last !== undefined) await (await last.session).dispose();
  };
  return {
    ...subject,
    close,
    innerNames: [...values.keys()],
    async inner(sample, names) {
      const results = await run(await innerSession(names), sample);
      return new Map(
        names.flatMap((name) => {
          const data = results[values.get(name) as string]?.data;
          return data instanceof Float32Array ? [[name, data] as const] : [];
        }),
      );
    },
  };
}

/** From the name that a value has in the float model to the name of the float32 value that shows it. */
function innerValues(graph: Graph): Map<string, string> {
  const { types } = inferTypes(graph);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const outputs = new Set(graph.outputs);
  const values = new Map<string, string>();
  for (const node of graph.nodes) {
    if (node.op === 'DequantizeLinear') {
      const quantize = makers.get(node.inputs[0] as string);
      const source = quantize?.op === 'QuantizeLinear' ? quantize.inputs[0] : undefined;
      if (source !== undefined && !graph.inputs.includes(source)) values.set(source, node.outputs[0] as string);
      continue;
    }
    if (node.op === 'QuantizeLinear') continue;
    for (const name of node.outputs) {
      if (name !== '' && !values.has(name) && types.get(name)?.dtype === 'float32') values.set(name, name);
    }
  }
  for (const name of outputs) values.delete(name);
  return values;
}
