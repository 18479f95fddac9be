// NumPy's .npy files: one tensor each, read with bounds and written in version 1.0 (numpy.lib.format).

import { bytesOf, type DType, type TypedArray } from '../core/dtype.js';
import { LowbitError } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import { elementsOf } from '../core/tensor.js';

export interface NpyTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** NumPy's descriptors (array-protocol type strings, little-endian) of the element types that are read and written. */
const DESCRIPTORS = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|u1': 'uint8',
  '|i1': 'int8',
  '|b1': 'bool',
  '<u2': 'uint16',
  '<i2': 'int16',
  '<u4': 'uint32',
  '<i4': 'int32',
  '<u8': 'uint64',
  '<i8': 'int64',
} as const satisfies Record<string, DType>;

/** Protects from a header that claims to fill the file; NumPy's own headers are 128 bytes unless a shape has many axes. */
const MAX_HEADER_BYTES = 65_536;
const MAX_RANK = 32;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** The data of a version 1.0 file starts at a multiple of this (numpy.lib.format). */
const ALIGNMENT = 64;

/**
 * Reads a .npy file of version 1 to 3, C order, little-endian. The data is copied out of `bytes`.
 * Errors: ERR_BAD_FILE (malformed, or its size is not what its header says), ERR_UNSUPPORTED (Fortran order, other types).
 */
export function readNpy(bytes: Uint8Array, file?: string): NpyTensor {
  const fail = (message: string, offset = 0): LowbitError =>
    new LowbitError('ERR_BAD_FILE', message, file === undefined ? { offset } : { file, offset });
  if (bytes.byteLength < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw fail('Not a .npy file: expected it to begin with \\x93NUMPY');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6] as number;
  if (version < 1 || version > 3) throw fail(`Version ${version} of .npy; expected 1, 2 or 3`, 6);
  const headerStart = version === 1 ? 10 : 12;
  if (bytes.byteLength < headerStart) throw fail('The file ends inside its header', bytes.byteLength);
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > MAX_HEADER_BYTES || headerStart + headerBytes > bytes.byteLength) {
    throw fail(`A header of ${headerBytes} bytes in a file of ${bytes.byteLength}; at most ${MAX_HEADER_BYTES}`, 8);
  }
  const dataStart = headerStart + headerBytes;
  const header = new TextDecoder('latin1').decode(bytes.subarray(headerStart, dataStart));
  const { descriptor, fortran, dims } = parseHeader(header, (message) => fail(message, headerStart));
  const dtype = dtypeOfDescriptor(descriptor);
  if (dtype === undefined) {
    const known = Object.keys(DESCRIPTORS).join(', ');
    throw new LowbitError('ERR_UNSUPPORTED', `Elements of type '${descriptor}'; expected one of ${known}`, place(file));
  }
  if (fortran && dims.filter((dim) => dim !== 1).length > 1) {
    throw new LowbitError('ERR_UNSUPPORTED', 'Fortran order; save it with numpy.ascontiguousarray', place(file));
  }
  const wanted = bytesOf(dtype, boundedSize(dims, fail, headerStart));
  const found = bytes.byteLength - dataStart;
  if (wanted !== found) {
    throw fail(`[${dims.join(', ')}] of ${dtype} takes ${wanted} bytes but the file holds ${found}`, dataStart);
  }
  // Uint8Array's slice copies to a fresh, aligned buffer; the one of Node's Buffer would not.
  const copy = Uint8Array.prototype.slice.call(bytes, dataStart);
  return { dtype, dims, data: elementsOf({ dtype, dims, data: copy }) };
}

/** The bytes of a version 1.0 .npy file. Errors: ERR_UNSUPPORTED for types that NumPy has no descriptor for. */
export function writeNpy(tensor: { dtype: DType; dims: readonly number[]; data: TypedArray }): Uint8Array {
  const descriptor = Object.entries(DESCRIPTORS).find(([, dtype]) => dtype === tensor.dtype)?.[0];
  if (descriptor === undefined) {
    throw new LowbitError('ERR_UNSUPPORTED', `A .npy file has no element type for ${tensor.dtype}`);
  }
  const wanted = bytesOf(tensor.dtype, sizeOf(tensor.dims));
  if (tensor.data.byteLength !== wanted) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `[${tensor.dims.join(', ')}] of ${tensor.dtype} takes ${wanted} bytes but was given ${tensor.data.byteLength}`,
    );
  }
  const shape = tensor.dims.length === 1 ? `(${tensor.dims[0]},)` : `(${tensor.dims.join(', ')})`;
  const header = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': ${shape}, }`;
  const dataStart = Math.ceil((10 + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(dataStart + wanted);
  bytes.set(MAGIC);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, dataStart - 10, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(dataStart - 11, ' ')}\n`), 10);
  bytes.set(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, wanted), dataStart);
  return bytes;
}

/** Python's literal of the header: a dict of exactly these three keys, in any order. */
function parseHeader(
  header: string,
  fail: (message: string) => LowbitError,
): { descriptor: string; fortran: boolean; dims: number[] } {
  const field = (pattern: RegExp, what: string): string => {
    const value = pattern.exec(header)?.[1];
    if (value === undefined) throw fail(`The header has no ${what}: ${JSON.stringify(header.slice(0, 80))}`);
    return value;
  };
  const descriptor = field(/'descr'\s*:\s*'([^']{1,16})'/, "plain 'descr'");
  const fortran = field(/'fortran_order'\s*:\s*(True|False)/, "'fortran_order'") === 'True';
  const shape = field(/'shape'\s*:\s*\(([0-9L,\s]*)\)/, "'shape' of integers");
  const dims = shape
    .split(',')
    .map((part) => part.trim().replace(/L$/, ''))
    .filter((part) => part !== '')
    .map(Number);
  if (dims.length > MAX_RANK) throw fail(`${dims.length} axes; at most ${MAX_RANK} are supported`);
  return { descriptor, fortran, dims };
}

/** Byte order says nothing for one-byte types, and `=` is the machine's own, which is little-endian. */
function dtypeOfDescriptor(descriptor: string): DType | undefined {
  const order = descriptor.endsWith('1') ? '|' : descriptor.startsWith('=') ? '<' : descriptor.slice(0, 1);
  return (DESCRIPTORS as Record<string, DType>)[order + descriptor.slice(1)];
}

function boundedSize(
  dims: readonly number[],
  fail: (message: string, offset: number) => LowbitError,
  offset: number,
): number {
  try {
    return sizeOf(dims, 'the .npy file');
  } catch (error) {
    throw fail((error as Error).message, offset);
  }
}

function place(file: string | undefined): { file?: string } {
  return file === undefined ? {} : { file };
}
