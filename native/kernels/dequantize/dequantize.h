// dequantize_u8_f32, dequantize_i8_f32 and dequantize_i32_f32: codes to floats.
#pragma once

#include <cstdint>

namespace lowbit {

// x[r][c] = f32(f32(codes[r][c] - zero_point) * scale); indexing as in QuantizeArgs. Exact. i32: the difference wraps.
struct DequantizeArgs {
  const void* codes;
  int64_t codes_stride;
  float* x;
  int64_t x_stride;
  int64_t rows, columns;
  const float* scale;
  const int32_t* zero_point;
  int64_t row_step, column_step;
  bool streams;  // more than the caches hold: x may be written past them
};

}  // namespace lowbit
