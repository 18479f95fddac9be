// encode_*, decode_* and their like: floats to and from the codes of small floats, small integers and lists of levels.
#pragma once

#include <cstdint>

namespace lowbit {

// Elements lie row by row without gaps, rows x columns of them. The scale (and the zero point) of element [r][c] is at
// r*row_step + c*column_step. Codes of fewer than 8 bits come one per byte here; pack_codes brings them together. All
// exact.

// A float format of at most 16 bits: a row of MINIFLOATS in src/numerics/minifloat.ts. The sign bit is above the rest.
struct FloatFormat {
  int32_t exponent, mantissa, bias;  // bits, bits, and 0 < bias <= 127
  int32_t max;                       // the code of the largest finite value
  int32_t infinity;                  // the code of infinity, -1 where there is none: all codes above max are NaN then
  int32_t nan;                       // the code that NaN becomes
  int32_t overflow;                  // the code that becomes what is larger than max, before its sign is put in
  bool negative_zero;                // without one that code is NaN
};

// code = the nearest to v = f32(x / scale), ties to even; beyond the largest value by half a unit: overflow. A zero
// without a sign where the format has only that. Source: ONNX technical/float8.md; reference numerics 5.5.
struct EncodeFloatArgs {
  const float* x;
  void* codes;  // uint8_t, or uint16_t (encode_f32_f16)
  int64_t rows, columns;
  const float* scale;
  int64_t row_step, column_step;
  FloatFormat format;
};

// x = f32(value of the code * scale).
struct DecodeFloatArgs {
  const void* codes;
  float* x;
  int64_t rows, columns;
  const float* scale;
  int64_t row_step, column_step;
  FloatFormat format;
};

// code = the low `bits` of clamp(rint(f32(x / scale)) + zero_point, qmin, qmax), as in QuantizeArgs; or, where it
// wraps, those of rint(f32(x / scale)) + zero_point, NaN and infinities counting as 0. Wraps only below 8 bits. |qmin|,
// |qmax|, |zero_point| < 2^20.
struct EncodeIntegerArgs {
  const float* x;
  void* codes;  // uint8_t, or uint16_t (encode_f32_i16)
  int64_t rows, columns;
  const float* scale;
  const int32_t* zero_point;
  int64_t row_step, column_step;
  int32_t bits, qmin, qmax;
  bool wraps;
};

// x = f32(f32(code - zero_point) * scale).
struct DecodeIntegerArgs {
  const void* codes;  // int16_t or uint16_t
  float* x;
  int64_t rows, columns;
  const float* scale;
  const int32_t* zero_point;
  int64_t row_step, column_step;
};

constexpr int kLevels = 16;

// code = how many of the thresholds are less than f32(x / scale); NaN counts as 0.
struct EncodeLevelArgs {
  const float* x;
  uint8_t* codes;
  int64_t rows, columns;
  const float* scale;
  int64_t row_step, column_step;
  const float* thresholds;  // [kLevels - 1], ascending
};

// x = f32(levels[code] * scale), codes below kLevels.
struct DecodeLevelArgs {
  const uint8_t* codes;
  float* x;
  int64_t rows, columns;
  const float* scale;
  int64_t row_step, column_step;
  const float* levels;  // [kLevels]
};

// code = the exponent + 127 of the power of two at |x|: the next one down (rounding 0) or up (2), or the nearer one, up
// from the middle (1); 0 for what is below 2^-127; above 2^127 upwards 254, or without `saturate` 255; 255 for NaN and
// infinities. Source: ONNX Cast 25.
struct EncodeExponentsArgs {
  const float* x;
  uint8_t* codes;
  int64_t n;
  int32_t rounding;
  bool saturate;
};

// x = 2^(code - 127), NaN for 255.
struct DecodeExponentsArgs {
  const uint8_t* codes;
  float* x;
  int64_t n;
};

// n codes of 4 or 2 bits, one per byte, to the elements of whole bytes and back: the first one in the low bits, or with
// high_first in the high ones. What is left of the last byte is 0. Unpacked codes are extended by their sign with
// `sign`, by zeros without it.
struct PackCodesArgs {
  const uint8_t* codes;
  uint8_t* packed;
  int64_t n;
  int32_t bits;
  bool high_first;
};
struct UnpackCodesArgs {
  const uint8_t* packed;
  uint8_t* codes;
  int64_t n;
  int32_t bits;
  bool high_first, sign;
};

}  // namespace lowbit
