// TensorProto to ConstantTensor and back.

import { BinaryReader } from '@bufbuild/protobuf/wire';
import { bytesOf, DTYPES, type DType, dtypeOfOnnx } from '../../core/dtype.js';
import { type ErrorCode, LowbitError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { ConstantTensor } from '../../core/tensor.js';
import { decodeMessage, encodeMessage } from './framing.js';
import { createMessage, hasField, type OnnxMessage } from './messages.js';

export type TensorProto = OnnxMessage<'TensorProto'>;

/** Where bytes outside of the file come from: `location`, `offset` and `length` of TensorProto.external_data. */
export type ExternalReader = (location: string, offset: number, length: number, tensor: string) => Uint8Array;

const PACKED_FIELDS = {
  floatData: 'float_data',
  int32Data: 'int32_data',
  int64Data: 'int64_data',
  doubleData: 'double_data',
  uint64Data: 'uint64_data',
} as const;

type PackedField = keyof typeof PACKED_FIELDS;

/** The message that a tensor was read from: an unchanged tensor is written as it came, unknown fields and all. */
const origins = new WeakMap<ConstantTensor, TensorProto>();

function fail(code: ErrorCode, tensor: string, message: string): never {
  throw new LowbitError(code, message, { tensor });
}

/**
 * The tensor of a message. `data` is a view of the file for raw_data, float_data and double_data; a copy for the others.
 * Errors: ERR_BAD_FILE when the bytes do not fit the dimensions, ERR_BAD_MODEL for absurd dimensions, ERR_UNSUPPORTED for
 * complex numbers and segments.
 */
export function tensorOf(proto: TensorProto, external?: ExternalReader): ConstantTensor {
  const name = proto.name;
  const dtype = dtypeOfOnnx(proto.dataType);
  if (dtype === undefined) {
    fail('ERR_UNSUPPORTED', name, `Tensor data type ${proto.dataType} is not one that lowbit reads`);
  }
  if (proto.segment !== undefined) fail('ERR_UNSUPPORTED', name, 'Tensors stored in segments are not supported');
  const dims = proto.dims.map(Number);
  const count = sizeOf(dims, `tensor '${name}'`);
  const data = dtype === 'string' ? stringData(proto, count) : numericData(proto, dtype, count, external);
  const tensor: ConstantTensor = { dtype, dims, data };
  if (proto.dataLocation !== 1) origins.set(tensor, proto);
  return tensor;
}

/** Strings stay in their message; the tensor carries no bytes. */
function stringData(proto: TensorProto, count: number): Uint8Array {
  if (proto.stringData.length !== count) {
    fail('ERR_BAD_FILE', proto.name, `${count} strings were expected but ${proto.stringData.length} are stored`);
  }
  return new Uint8Array(0);
}

function numericData(
  proto: TensorProto,
  dtype: DType,
  count: number,
  external: ExternalReader | undefined,
): Uint8Array {
  const name = proto.name;
  const wanted = bytesOf(dtype, count);
  if (proto.dataLocation === 1) return externalData(proto, wanted, external);
  if (hasField(proto, 'rawData')) {
    if (proto.rawData.byteLength !== wanted) {
      const shape = `${dtype} [${proto.dims.join(', ')}]`;
      fail('ERR_BAD_FILE', name, `raw_data has ${proto.rawData.byteLength} bytes; ${shape} takes ${wanted}`);
    }
    return proto.rawData;
  }
  const field = packedFieldOf(dtype);
  const other = (Object.keys(PACKED_FIELDS) as PackedField[]).find((key) => key !== field && proto[key].length > 0);
  if (other !== undefined) {
    fail(
      'ERR_BAD_FILE',
      name,
      `${dtype} elements belong in ${PACKED_FIELDS[field]} but ${PACKED_FIELDS[other]} is set`,
    );
  }
  const bytes = joined(proto[field]);
  if (field === 'floatData' || field === 'doubleData') {
    if (bytes.byteLength !== wanted) {
      fail('ERR_BAD_FILE', name, `${PACKED_FIELDS[field]} has ${bytes.byteLength} bytes where ${wanted} were expected`);
    }
    return bytes;
  }
  return varintData(bytes, dtype, DTYPES[dtype].bits < 8 ? wanted : count, name, PACKED_FIELDS[field]);
}

function packedFieldOf(dtype: DType): PackedField {
  if (dtype === 'float32') return 'floatData';
  if (dtype === 'float64') return 'doubleData';
  if (dtype === 'int64') return 'int64Data';
  return dtype === 'uint64' || dtype === 'uint32' ? 'uint64Data' : 'int32Data';
}

/** A packed field may come in several pieces (protobuf, "Packed repeated fields"); one piece stays a view. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length <= 1) return pieces[0] ?? new Uint8Array(0);
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** `count` varints as elements of the stored width: 16-bit floats by their bits, sub-byte types one packed byte each. */
function varintData(bytes: Uint8Array, dtype: DType, count: number, name: string, field: string): Uint8Array {
  // A varint takes a byte at least: nothing is allocated that the file does not hold.
  if (bytes.byteLength < count) {
    fail('ERR_BAD_FILE', name, `${field} has ${bytes.byteLength} bytes, too few for ${count} elements`);
  }
  const reader = new BinaryReader(bytes);
  const Elements = DTYPES[dtype].array as
    | typeof Uint8Array
    | typeof Uint16Array
    | typeof Int32Array
    | typeof BigInt64Array
    | typeof BigUint64Array;
  const elements = new Elements(count);
  const wide = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
  try {
    for (let i = 0; i < count; i++) {
      const value = BigInt(reader.int64());
      if (wide) elements[i] = value;
      else (elements as Int32Array)[i] = Number(BigInt.asIntN(32, value));
    }
  } catch (error) {
    fail('ERR_BAD_FILE', name, `${field} ends before its ${count} elements (${(error as Error).message})`);
  }
  if (reader.pos !== bytes.byteLength) fail('ERR_BAD_FILE', name, `${field} holds more than the ${count} elements`);
  return new Uint8Array(elements.buffer, 0, elements.byteLength);
}

function externalData(proto: TensorProto, wanted: number, external: ExternalReader | undefined): Uint8Array {
  const entries = new Map(proto.externalData.map((entry) => [entry.key, entry.value]));
  const location = entries.get('location') ?? '';
  if (external === undefined) {
    fail(
      'ERR_BAD_FILE',
      proto.name,
      `The data are in the file '${location}' beside the model; load the model by its path`,
    );
  }
  const offset = Number(entries.get('offset') ?? '0');
  const length = Number(entries.get('length') ?? wanted);
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== wanted) {
    const found = `offset '${entries.get('offset') ?? '0'}', length '${entries.get('length') ?? ''}'`;
    fail('ERR_BAD_FILE', proto.name, `External data has ${found}; expected an offset >= 0 and a length of ${wanted}`);
  }
  return external(location, offset, wanted, proto.name);
}

/** The message of a tensor: the one it was read from when there is one, under the name it has now; raw_data otherwise. */
export function protoOfTensor(name: string, tensor: ConstantTensor): TensorProto {
  const origin = origins.get(tensor);
  if (origin !== undefined) {
    return origin.name === name ? origin : createMessage('TensorProto', { ...fieldsOf(origin), name });
  }
  if (tensor.dtype === 'string') fail('ERR_UNSUPPORTED', name, 'String tensors can be written only as they were read');
  return createMessage('TensorProto', {
    dims: tensor.dims.map(BigInt),
    dataType: DTYPES[tensor.dtype].onnx,
    name,
    rawData: tensor.data,
  });
}

function fieldsOf(proto: TensorProto): Partial<TensorProto> {
  const { $typeName: _, ...fields } = proto;
  return fields;
}

/**
 * A serialized TensorProto (`input_0.pb` of ONNX's node tests). The data are a view of `bytes` where they can be.
 * Errors: ERR_BAD_FILE, ERR_UNSUPPORTED.
 */
export function readTensorProto(bytes: Uint8Array, file?: string): { name: string; tensor: ConstantTensor } {
  const proto = decodeMessage('TensorProto', bytes, file);
  return { name: proto.name, tensor: tensorOf(proto) };
}

/** The bytes of a TensorProto, for `readTensorProto`. Errors: ERR_UNSUPPORTED for strings that were not read from a file. */
export function writeTensorProto(name: string, tensor: ConstantTensor): Uint8Array {
  return encodeMessage('TensorProto', protoOfTensor(name, tensor));
}
