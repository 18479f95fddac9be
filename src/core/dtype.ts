// The element types that tensors have, with their ONNX numbers and their typed arrays.

/** `onnx` is TensorProto.DataType, which the plan's format words use too; `bits` is the stored width of an element. */
export const DTYPES = {
  float32: { onnx: 1, bits: 32, array: Float32Array },
  uint8: { onnx: 2, bits: 8, array: Uint8Array },
  int8: { onnx: 3, bits: 8, array: Int8Array },
  uint16: { onnx: 4, bits: 16, array: Uint16Array },
  int16: { onnx: 5, bits: 16, array: Int16Array },
  int32: { onnx: 6, bits: 32, array: Int32Array },
  int64: { onnx: 7, bits: 64, array: BigInt64Array },
  string: { onnx: 8, bits: 0, array: undefined },
  bool: { onnx: 9, bits: 8, array: Uint8Array },
  float16: { onnx: 10, bits: 16, array: Uint16Array },
  float64: { onnx: 11, bits: 64, array: Float64Array },
  uint32: { onnx: 12, bits: 32, array: Uint32Array },
  uint64: { onnx: 13, bits: 64, array: BigUint64Array },
  bfloat16: { onnx: 16, bits: 16, array: Uint16Array },
  float8e4m3fn: { onnx: 17, bits: 8, array: Uint8Array },
  float8e4m3fnuz: { onnx: 18, bits: 8, array: Uint8Array },
  float8e5m2: { onnx: 19, bits: 8, array: Uint8Array },
  float8e5m2fnuz: { onnx: 20, bits: 8, array: Uint8Array },
  uint4: { onnx: 21, bits: 4, array: Uint8Array },
  int4: { onnx: 22, bits: 4, array: Uint8Array },
  float4e2m1: { onnx: 23, bits: 4, array: Uint8Array },
  float8e8m0: { onnx: 24, bits: 8, array: Uint8Array },
  uint2: { onnx: 25, bits: 2, array: Uint8Array },
  int2: { onnx: 26, bits: 2, array: Uint8Array },
} as const;

export type DType = keyof typeof DTYPES;

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const BY_ONNX = new Map<number, DType>(Object.entries(DTYPES).map(([name, row]) => [row.onnx, name as DType]));

/** The type of an ONNX TensorProto.DataType number, or undefined for one that is not in the table. */
export function dtypeOfOnnx(number: number): DType | undefined {
  return BY_ONNX.get(number);
}

/** Bytes that `count` elements of a type take; sub-byte types are packed and rounded up. */
export function bytesOf(dtype: DType, count: number): number {
  return Math.ceil((count * DTYPES[dtype].bits) / 8);
}
