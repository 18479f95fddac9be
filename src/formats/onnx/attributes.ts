// AttributeProto to the attributes of the IR and back.

import { LowbitError } from '../../core/errors.js';
import type { Attribute } from '../../ir/graph.js';
import { createMessage, hasField, type OnnxMessage } from './messages.js';
import { type ExternalReader, protoOfTensor, tensorOf } from './tensors.js';

type AttributeProto = OnnxMessage<'AttributeProto'>;
type GraphProto = OnnxMessage<'GraphProto'>;

/** AttributeProto.AttributeType. */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;

/** The message that an attribute was read from: an unchanged attribute is written as it came. */
const origins = new WeakMap<Attribute, AttributeProto>();

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Integers beyond 2^53 (an `ends` of INT64_MAX, say) become the nearest double.
 * Errors: as `tensorOf` for tensor attributes.
 */
export function attributeOf(proto: AttributeProto, external?: ExternalReader): Attribute {
  const attribute = convert(proto, external);
  origins.set(attribute, proto);
  return attribute;
}

function convert(proto: AttributeProto, external: ExternalReader | undefined): Attribute {
  if (proto.refAttrName !== '') return { kind: 'opaque', value: proto };
  switch (proto.type === 0 ? guessType(proto) : proto.type) {
    case TYPE.float:
      return { kind: 'float', value: proto.f };
    case TYPE.int:
      return { kind: 'int', value: Number(proto.i) };
    case TYPE.string:
      return { kind: 'string', value: decoder.decode(proto.s) };
    case TYPE.floats:
      return { kind: 'floats', value: proto.floats };
    case TYPE.ints:
      return { kind: 'ints', value: proto.ints.map(Number) };
    case TYPE.strings:
      return { kind: 'strings', value: proto.strings.map((bytes) => decoder.decode(bytes)) };
    case TYPE.tensor:
      return proto.t === undefined
        ? { kind: 'opaque', value: proto }
        : { kind: 'tensor', value: tensorOf(proto.t, external) };
    default: {
      const graphs = [...(proto.g === undefined ? [] : [proto.g]), ...proto.graphs];
      const captures = new Set(graphs.flatMap((graph) => [...freeNames(graph)]));
      return { kind: 'opaque', value: proto, ...(captures.size > 0 ? { captures: [...captures] } : {}) };
    }
  }
}

/** Files of IR version 1 have no type field: the field that is present decides. */
function guessType(proto: AttributeProto): number {
  if (hasField(proto, 'f')) return TYPE.float;
  if (hasField(proto, 'i')) return TYPE.int;
  if (hasField(proto, 's')) return TYPE.string;
  if (hasField(proto, 't')) return TYPE.tensor;
  if (proto.floats.length > 0) return TYPE.floats;
  if (proto.ints.length > 0) return TYPE.ints;
  return proto.strings.length > 0 ? TYPE.strings : 0;
}

/** Names that a subgraph reads but does not define: they come from the graph around it. */
function freeNames(graph: GraphProto): Set<string> {
  const own = new Set([
    ...graph.input.map((value) => value.name),
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.node.flatMap((node) => node.output),
  ]);
  const free = new Set<string>();
  const use = (name: string): void => {
    if (name !== '' && !own.has(name)) free.add(name);
  };
  for (const node of graph.node) {
    for (const name of node.input) use(name);
    for (const attribute of node.attribute) {
      for (const inner of [...(attribute.g === undefined ? [] : [attribute.g]), ...attribute.graphs]) {
        for (const name of freeNames(inner)) use(name);
      }
    }
  }
  for (const value of graph.output) use(value.name);
  return free;
}

/** The message of an attribute: the one it was read from when there is one. Errors: ERR_UNSUPPORTED for foreign objects. */
export function protoOfAttribute(name: string, attribute: Attribute): AttributeProto {
  const origin = origins.get(attribute);
  if (origin?.name === name) return origin;
  switch (attribute.kind) {
    case 'float':
      return createMessage('AttributeProto', { name, type: TYPE.float, f: attribute.value });
    case 'int':
      return createMessage('AttributeProto', { name, type: TYPE.int, i: int64(attribute.value) });
    case 'string':
      return createMessage('AttributeProto', { name, type: TYPE.string, s: encoder.encode(attribute.value) });
    case 'floats':
      return createMessage('AttributeProto', { name, type: TYPE.floats, floats: [...attribute.value] });
    case 'ints':
      return createMessage('AttributeProto', { name, type: TYPE.ints, ints: attribute.value.map(int64) });
    case 'strings': {
      const strings = attribute.value.map((text) => encoder.encode(text));
      return createMessage('AttributeProto', { name, type: TYPE.strings, strings });
    }
    case 'tensor':
      return createMessage('AttributeProto', { name, type: TYPE.tensor, t: protoOfTensor('', attribute.value) });
    case 'opaque': {
      if (origin === undefined) {
        throw new LowbitError(
          'ERR_UNSUPPORTED',
          `Attribute '${name}' did not come from an ONNX file and cannot be written`,
        );
      }
      const { $typeName: _, ...fields } = origin;
      return createMessage('AttributeProto', { ...fields, name });
    }
  }
}

/** 2^63 - 1 became 2^63 on its way through a double. */
function int64(value: number): bigint {
  const integer = BigInt(value);
  return integer === 2n ** 63n ? integer - 1n : integer;
}
