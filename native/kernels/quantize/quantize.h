// quantize_f32_u8 and quantize_f32_i8: floats to codes.
#pragma once

#include <cstdint>

namespace lowbit {

// codes[r][c] = clamp(rint(f32(x[r][c] / scale)) + zero_point, qmin, qmax), rint = round half to even, true division.
// x and codes are rows x columns with strides in elements. scale and zero_point are read at r*row_step + c*column_step
// (row_step and column_step are 0 or 1, not both 1); zero_point null = 0. The clamp is done in float, to
// [qmin - zero_point, qmax - zero_point], before the conversion: NaN gives qmin, infinities saturate. Exact.
// Source: ONNX QuantizeLinear; reference numerics 5.2.
struct QuantizeArgs {
  const float* x;
  int64_t x_stride;
  void* codes;
  int64_t codes_stride;
  int64_t rows, columns;
  const float* scale;
  const int32_t* zero_point;
  int64_t row_step, column_step;
  bool streams;  // more than the caches hold: the codes may be written past them
};

}  // namespace lowbit
