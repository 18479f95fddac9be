// Mutations of ONNX models behind the framing: names, operators, attributes, types and dimensions change places.

import { decodeMessage, encodeMessage } from '../../src/formats/onnx/framing.js';
import { createMessage, type OnnxMessage } from '../../src/formats/onnx/messages.js';
import { OPS } from '../../src/ir/ops.js';
import type { RandomBytes } from '../formats/random-bytes.js';

type GraphProto = OnnxMessage<'GraphProto'>;

const NUMBERS = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  -2n,
  64n,
  1000n,
  65535n,
  2n ** 31n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

const OPERATORS = Object.keys(OPS['']);

function pick<T>(list: readonly T[], random: RandomBytes): T | undefined {
  return list[random.below(Math.max(list.length, 1))];
}

function someName(graph: GraphProto, random: RandomBytes): string {
  const names = [
    ...graph.input.map((value) => value.name),
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.node.flatMap((node) => node.output),
  ];
  return random.below(8) === 0 ? '' : (pick(names, random) ?? 'x');
}

function set<T>(list: T[], random: RandomBytes, value: T): void {
  const at = random.below(list.length + 1);
  // Past the end appends; now and then an element goes instead.
  if (random.below(6) === 0) list.splice(at, 1);
  else list[at] = value;
}

const MUTATIONS: readonly ((graph: GraphProto, random: RandomBytes) => void)[] = [
  (graph, random) => set(pick(graph.node, random)?.input ?? [], random, someName(graph, random)),
  (graph, random) => set(pick(graph.node, random)?.output ?? [], random, someName(graph, random)),
  (graph, random) => {
    const node = pick(graph.node, random);
    if (node !== undefined) node.opType = pick(OPERATORS, random) as string;
  },
  (graph, random) => set(graph.node, random, createMessage('NodeProto', pick(graph.node, random) ?? {})),
  (graph, random) => {
    const attribute = pick(pick(graph.node, random)?.attribute ?? [], random);
    if (attribute === undefined) return;
    const number = pick(NUMBERS, random) as bigint;
    if (attribute.type === 7) set(attribute.ints, random, number);
    else attribute.i = number;
  },
  (graph, random) => {
    const attributes = pick(graph.node, random)?.attribute ?? [];
    const name = pick(
      ['axis', 'axes', 'pads', 'strides', 'dilations', 'group', 'perm', 'kernel_shape', 'to'],
      random,
    ) as string;
    const value = pick(NUMBERS, random) as bigint;
    const type = random.below(2) === 0 ? 2 : 7;
    set(attributes, random, createMessage('AttributeProto', { name, type, i: value, ints: [value, value] }));
  },
  (graph, random) => set(pick(graph.initializer, random)?.dims ?? [], random, pick(NUMBERS, random) as bigint),
  (graph, random) => {
    const tensor = pick(graph.initializer, random);
    if (tensor !== undefined) tensor.dataType = random.below(28);
  },
  (graph, random) => {
    const tensor = pick(graph.initializer, random);
    if (tensor === undefined) return;
    const data = random.bytes(random.below(40));
    if (random.below(2) === 0) tensor.rawData = data;
    else tensor.int64Data = [data];
  },
  (graph, random) => {
    // Values of shape arithmetic, in the size that was there.
    const tensor = pick(
      graph.initializer.filter((candidate) => candidate.dataType === 7),
      random,
    );
    if (tensor === undefined) return;
    const count = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
    if (!(count >= 0 && count < 100)) return;
    const values = BigInt64Array.from({ length: count }, () => pick(NUMBERS, random) as bigint);
    tensor.int64Data = [];
    tensor.rawData = new Uint8Array(values.buffer);
  },
  (graph, random) => {
    const dim = pick(pick(graph.input, random)?.type?.tensorType?.shape?.dim ?? [], random);
    if (dim !== undefined) dim.dimValue = pick(NUMBERS, random) as bigint;
  },
  (graph, random) => {
    const type = pick(graph.input, random)?.type?.tensorType;
    if (type !== undefined) type.elemType = random.below(28);
  },
  (graph, random) => {
    const shape = pick(graph.input, random)?.type?.tensorType?.shape;
    const size = pick(NUMBERS, random) as bigint;
    if (shape !== undefined) set(shape.dim, random, createMessage('Dimension', { dimValue: size }));
  },
];

/** The model with one to three mutations behind its framing. `bytes` must be readable. */
export function mutateModel(bytes: Uint8Array, random: RandomBytes): Uint8Array {
  const model = decodeMessage('ModelProto', bytes);
  if (model.graph === undefined) return bytes;
  for (let left = 1 + random.below(3); left > 0; left--) pick(MUTATIONS, random)?.(model.graph, random);
  const opset = model.opsetImport[0];
  if (opset !== undefined && random.below(8) === 0) opset.version = BigInt(random.below(26));
  return encodeMessage('ModelProto', model);
}
