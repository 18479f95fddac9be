// Checks the protobuf framing of ONNX bytes before anything is decoded, so that every problem has a byte offset.

import { fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { LowbitError } from '../../core/errors.js';
import { descriptorOf, fieldKind, MESSAGES, type MessageName, type OnnxMessage } from './messages.js';

/** Protects the stack. Real models nest to about 12 (model, graph, node, attribute, graph, …, three subgraphs deep). */
const MAX_DEPTH = 64;

/**
 * Protects memory: an empty message takes two bytes of file but some hundred bytes decoded. Real models stay below
 * 500,000 (50,000 nodes with a few attributes each).
 */
const MAX_MESSAGES = 2 ** 21;

/** Protects memory in the same way: one repeated scalar outside packed tensor data (attribute ints, names, dims). */
const MAX_ITEMS = 2 ** 24;

const WIRE_TYPES: Readonly<Record<string, WireType>> = {
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  packed: WireType.LengthDelimited,
  int32: WireType.Varint,
  int64: WireType.Varint,
  float: WireType.Bit32,
};

interface Field {
  readonly label: string;
  readonly wireType: WireType;
  /** The message that it holds, if it does. */
  readonly message: MessageName | undefined;
  /** A repeated number may also come packed. */
  readonly packable: boolean;
}

const FIELDS = new Map(
  Object.entries(MESSAGES).map(([name, fields]) => [
    name as MessageName,
    new Map(
      Object.entries(fields as Record<string, readonly [number, string]>).map(([field, [number, type]]) => {
        const { item, repeated } = fieldKind(type);
        const wireType = WIRE_TYPES[item];
        const row: Field = {
          label: `${name}.${field}`,
          wireType: wireType ?? WireType.LengthDelimited,
          message: wireType === undefined ? (item as MessageName) : undefined,
          packable: repeated && (wireType === WireType.Varint || wireType === WireType.Bit32),
        };
        return [number, row] as const;
      }),
    ),
  ]),
);

class FramingCheck {
  private readonly reader: BinaryReader;
  private readonly file: string | undefined;
  private messages = 0;
  private items = 0;

  constructor(bytes: Uint8Array, file: string | undefined) {
    this.reader = new BinaryReader(bytes);
    this.file = file;
  }

  fail(message: string, offset: number, cause?: unknown): never {
    throw new LowbitError(
      'ERR_BAD_FILE',
      `Not a readable ONNX file: ${message}`,
      this.file === undefined ? { offset } : { file: this.file, offset },
      cause === undefined ? undefined : { cause },
    );
  }

  /** One message that ends at `end`; the fields inside may not reach beyond it. */
  message(name: MessageName, end: number, depth: number): void {
    const { reader } = this;
    if (depth > MAX_DEPTH) this.fail(`messages are nested deeper than ${MAX_DEPTH}`, reader.pos);
    if (++this.messages > MAX_MESSAGES) this.fail(`it holds more than ${MAX_MESSAGES} messages`, reader.pos);
    const fields = FIELDS.get(name) as Map<number, Field>;
    while (reader.pos < end) {
      const start = reader.pos;
      let number: number;
      let wireType: WireType;
      try {
        [number, wireType] = reader.tag();
      } catch (error) {
        this.fail(`expected a field of ${name} (${(error as Error).message})`, start, error);
      }
      const field = fields.get(number);
      if (field === undefined) this.skip(`field ${number} of ${name}`, number, wireType, end);
      else this.field(field, number, wireType, start, end, depth);
    }
  }

  private field(field: Field, number: number, wireType: WireType, start: number, end: number, depth: number): void {
    const { reader } = this;
    const packed = field.packable && wireType === WireType.LengthDelimited;
    if (wireType !== field.wireType && !packed) {
      this.fail(`${field.label} has wire type ${wireType} where ${field.wireType} was expected`, start);
    }
    if (wireType !== WireType.LengthDelimited) {
      if (++this.items > MAX_ITEMS) this.fail(`it holds more than ${MAX_ITEMS} numbers outside tensor data`, start);
      this.skip(field.label, number, wireType, end);
      return;
    }
    const length = this.length(field.label, start, end);
    const stop = reader.pos + length;
    if (field.message !== undefined) {
      this.message(field.message, stop, depth + 1);
    } else if (!packed) {
      if (++this.items > MAX_ITEMS) this.fail(`it holds more than ${MAX_ITEMS} strings`, start);
      reader.pos = stop;
    } else {
      while (reader.pos < stop) {
        if (++this.items > MAX_ITEMS) this.fail(`it holds more than ${MAX_ITEMS} numbers outside tensor data`, start);
        this.skip(field.label, number, field.wireType, stop);
      }
    }
  }

  private length(label: string, start: number, end: number): number {
    let length: number;
    try {
      length = this.reader.uint32();
    } catch (error) {
      this.fail(`the length of ${label} is cut off`, start, error);
    }
    const room = end - this.reader.pos;
    if (length > room) this.fail(`${label} claims ${length} bytes but ${Math.max(room, 0)} are left`, start);
    return length;
  }

  private skip(label: string, number: number, wireType: WireType, end: number): void {
    const start = this.reader.pos;
    try {
      this.reader.skip(wireType, number, MAX_DEPTH);
    } catch (error) {
      this.fail(`${label} is cut off or malformed (${(error as Error).message})`, start, error);
    }
    if (this.reader.pos > end) this.fail(`${label} runs past the end of its message`, start);
  }
}

/**
 * Decodes a message. Bytes fields are views of `from`; unknown fields are kept.
 * Errors: ERR_BAD_FILE with the byte offset for anything cut off, mistyped, nested deeper than 64 or absurdly numerous.
 */
export function decodeMessage<M extends MessageName>(name: M, from: Uint8Array, file?: string): OnnxMessage<M> {
  // Views of a Buffer would be Buffers, whose slice() does not copy.
  const bytes = new Uint8Array(from.buffer, from.byteOffset, from.byteLength);
  const check = new FramingCheck(bytes, file);
  check.message(name, bytes.byteLength, 1);
  try {
    return fromBinary(descriptorOf(name), bytes, { recursionLimit: MAX_DEPTH + 1 }) as unknown as OnnxMessage<M>;
  } catch (error) {
    return check.fail((error as Error).message, 0, error);
  }
}

/** The bytes of a message, unknown fields included. */
export function encodeMessage<M extends MessageName>(name: M, message: OnnxMessage<M>): Uint8Array {
  return toBinary(descriptorOf(name), message as unknown as Message);
}
