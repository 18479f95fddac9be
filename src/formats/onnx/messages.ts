// The messages of ONNX as a table of field numbers and types, compiled to protobuf descriptors when the module loads.

import { create, createFileRegistry, type DescMessage, type UnknownField } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

/**
 * Message -> field -> [number, type]; `[]` marks a repeated field. Source: onnx/onnx.proto (proto2) of ONNX 1.7 and later.
 *
 * Fields that are not listed (functions, training information, device configurations, metadata of nodes, …) arrive as
 * unknown fields and are written back. Enumerations are int32, which is what they are on the wire. Numeric `*_data` of
 * TensorProto are `packed`: their bytes stay a view of the file until somebody wants the elements.
 */
export const MESSAGES = {
  ModelProto: {
    ir_version: [1, 'int64'],
    opset_import: [8, 'OperatorSetIdProto[]'],
    producer_name: [2, 'string'],
    producer_version: [3, 'string'],
    domain: [4, 'string'],
    model_version: [5, 'int64'],
    doc_string: [6, 'string'],
    graph: [7, 'GraphProto'],
    metadata_props: [14, 'StringStringEntryProto[]'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  GraphProto: {
    node: [1, 'NodeProto[]'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto[]'],
    sparse_initializer: [15, 'SparseTensorProto[]'],
    doc_string: [10, 'string'],
    input: [11, 'ValueInfoProto[]'],
    output: [12, 'ValueInfoProto[]'],
    value_info: [13, 'ValueInfoProto[]'],
    quantization_annotation: [14, 'TensorAnnotation[]'],
  },
  TensorAnnotation: { tensor_name: [1, 'string'], quant_parameter_tensor_names: [2, 'StringStringEntryProto[]'] },
  NodeProto: {
    input: [1, 'string[]'],
    output: [2, 'string[]'],
    name: [3, 'string'],
    op_type: [4, 'string'],
    domain: [7, 'string'],
    attribute: [5, 'AttributeProto[]'],
    doc_string: [6, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    ref_attr_name: [21, 'string'],
    type: [20, 'int32'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float[]'],
    ints: [8, 'int64[]'],
    strings: [9, 'bytes[]'],
    tensors: [10, 'TensorProto[]'],
    graphs: [11, 'GraphProto[]'],
  },
  TensorProto: {
    dims: [1, 'int64[]'],
    data_type: [2, 'int32'],
    segment: [3, 'Segment'],
    float_data: [4, 'packed'],
    int32_data: [5, 'packed'],
    string_data: [6, 'bytes[]'],
    int64_data: [7, 'packed'],
    name: [8, 'string'],
    raw_data: [9, 'bytes'],
    double_data: [10, 'packed'],
    uint64_data: [11, 'packed'],
    doc_string: [12, 'string'],
    external_data: [13, 'StringStringEntryProto[]'],
    data_location: [14, 'int32'],
  },
  Segment: { begin: [1, 'int64'], end: [2, 'int64'] },
  SparseTensorProto: { values: [1, 'TensorProto'], indices: [2, 'TensorProto'], dims: [3, 'int64[]'] },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'], doc_string: [3, 'string'] },
  TypeProto: { tensor_type: [1, 'TensorType'], denotation: [6, 'string'] },
  TensorType: { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'Dimension[]'] },
  Dimension: { dim_value: [1, 'int64'], dim_param: [2, 'string'], denotation: [3, 'string'] },
} as const satisfies Record<string, Record<string, readonly [number: number, type: string]>>;

export type MessageName = keyof typeof MESSAGES;

interface ScalarTypes {
  string: string;
  bytes: Uint8Array;
  packed: Uint8Array[];
  int32: number;
  int64: bigint;
  float: number;
}

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

type FieldValue<T> = T extends `${infer Item}[]`
  ? FieldValue<Item>[]
  : T extends keyof ScalarTypes
    ? ScalarTypes[T]
    : T extends MessageName
      ? OnnxMessage<T> | undefined
      : never;

type ListItem<T> = T extends (infer Item)[] ? NonNullable<Item>[] : T;

/** A decoded message: fields in camelCase, absent scalars read as zero, fields outside the table in `$unknown`. */
export type OnnxMessage<M extends MessageName> = {
  readonly $typeName: `onnx.${M}`;
  $unknown?: UnknownField[];
} & {
  -readonly [F in keyof (typeof MESSAGES)[M] as F extends string ? CamelCase<F> : never]: ListItem<
    FieldValue<(typeof MESSAGES)[M][F] extends readonly [number, infer T] ? T : never>
  >;
};

const SCALARS: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  packed: FieldDescriptorProto_Type.BYTES,
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  float: FieldDescriptorProto_Type.FLOAT,
};

/** What a field holds: its scalar or message type without `[]`, and whether it repeats. */
export function fieldKind(type: string): { item: string; repeated: boolean } {
  const repeated = type.endsWith('[]');
  return { item: repeated ? type.slice(0, -2) : type, repeated: repeated || type === 'packed' };
}

const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'onnx.proto',
    package: 'onnx',
    syntax: 'proto2',
    messageType: Object.entries(MESSAGES).map(([name, fields]) => ({
      name,
      field: Object.entries(fields as Record<string, readonly [number, string]>).map(([field, [number, type]]) => {
        const { item, repeated } = fieldKind(type);
        const scalar = SCALARS[item];
        return {
          name: field,
          number,
          label: repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
          type: scalar ?? FieldDescriptorProto_Type.MESSAGE,
          ...(scalar === undefined ? { typeName: `.onnx.${item}` } : {}),
        };
      }),
    })),
  }),
  () => undefined,
);

/** The descriptor of a message. */
export function descriptorOf(name: MessageName): DescMessage {
  return registry.getMessage(`onnx.${name}`) as DescMessage;
}

/** A new message; `init` gives fields in camelCase. */
export function createMessage<M extends MessageName>(
  name: M,
  init: Partial<Omit<OnnxMessage<M>, '$typeName'>> = {},
): OnnxMessage<M> {
  const { $unknown, ...fields } = init as Record<string, unknown>;
  const message = create(descriptorOf(name), fields as never) as unknown as OnnxMessage<M>;
  if ($unknown !== undefined) message.$unknown = $unknown as UnknownField[];
  return message;
}

/** Whether a field was present in the file, or has been set since. */
export function hasField<M extends MessageName>(message: OnnxMessage<M>, field: keyof OnnxMessage<M>): boolean {
  return Object.hasOwn(message, field) && message[field] !== undefined;
}
