// encode_blocks_f32_u8 and decode_blocks_u8_f32: floats to and from formats that carry their scales in blocks.
#pragma once

#include <cstdint>

#include "native/kernels/codec/codec.h"

namespace lowbit {

// A block stands for consecutive floats: its scale first, then one code per float. docs/numerics.md has the rules of
// every kind; bytes are little-endian. All exact.
//   mx_float     32 floats: the exponent of the scale + 127 (one byte, E8M0), then codes of the float format `element`
//                of 4, 6 or 8 bits, packed from the low bits of the bytes up
//   mx_integer   the same with 32 int8, in units of 1 / 64
//   nvfp4        16 floats: the scale in E4M3, in units of tensor_scale; codes of `element`, of 4 bits, packed likewise
//   half_bytes   32 floats: the scale d in f16, then 32 int8
//   half_centred d, then (of 5 bits: 4 bytes of fifth bits, the one of element i at bit i, then) 16 bytes: byte j has
//                the low 4 bits of element j, above them those of element j + 16; codes stand for code - 2^(bits - 1)
//   half_offset  d, the least value in f16, then as half_centred; codes stand for code * d + the least value
//   half_levels  d, then 16 bytes as in half_centred of 4 bits; codes stand for levels[code]
// Sources: OCP Microscaling Formats 1.0; the reference quantizers of ggml; reference formats 6.1, 6.7.
enum BlockKind : int32_t { mx_float, mx_integer, nvfp4, half_bytes, half_centred, half_offset, half_levels };

struct BlockFormat {
  int32_t kind;
  int32_t bits;         // of an element: 4, 5, 6 or 8
  int32_t block_bytes;  // of a block
  FloatFormat element;  // of mx_float and nvfp4
  float tensor_scale;   // of nvfp4
  // half_levels: the values of the codes, ascending, and the largest float below each middle of two neighbours.
  // Decoding codes of `element` of 4 bits: their values. Absent elsewhere.
  const float* levels;      // [kLevels]
  const float* thresholds;  // [kLevels - 1], encoding alone
};

// Blocks with NaN or infinities are NaN as a whole in mx_* and nvfp4. The half_* kinds have no place for them, nor for
// blocks whose scale or least value f16 does not hold: what is written for those is no block.
struct EncodeBlocksArgs {
  const float* x;
  uint8_t* blocks;
  int64_t count;
  BlockFormat format;
  int64_t* refused;  // the first block that has no place, -1 for none
};

struct DecodeBlocksArgs {
  const uint8_t* blocks;
  float* x;
  int64_t count;
  BlockFormat format;
};

}  // namespace lowbit
