// Epilogues: from int32 accumulators to codes or floats, over a matrix block.
#pragma once

#include <cstdint>

namespace lowbit {

// acc[r][c] += offset[c] - row_zero[r] * column_sum[c] - column_zero[c] * row_sum[r] + k * row_zero[r] * column_zero[c]
// in wrapping int32 (two's complement, so the order of terms does not matter). row_zero advances by row_zero_step (0 or
// 1). Absent (null) pointers drop their terms. Exact.
struct CorrectArgs {
  int32_t* acc;
  int64_t acc_stride;  // elements
  int64_t rows, columns;
  const int32_t* offset;    // [columns] or null
  const int32_t* row_zero;  // [rows] or [1] or null
  int64_t row_zero_step;
  const int32_t* column_sum;   // [columns], needed with row_zero
  const int32_t* column_zero;  // [columns] or null
  const int32_t* row_sum;      // [rows], needed with column_zero
  int32_t k;
};

// y[r][c] = clamp(rint(f32(f32(acc[r][c] + offset[c]) * multiplier[c * multiplier_step])) + zero_point, qlo, qhi)
// f32(acc) rounds to nearest even; the clamp is done in float before the conversion, so nothing overflows; NaN gives
// qlo. offset [columns] or null, added in wrapping int32. qmin <= qlo <= qhi <= qmax of the output type. Exact.
struct RequantizeArgs {
  const int32_t* acc;
  int64_t acc_stride;
  void* y;
  int64_t y_stride;  // elements
  int64_t rows, columns;
  const int32_t* offset;
  const float* multiplier;
  int64_t multiplier_step;
  int32_t zero_point, qlo, qhi;
};

// v = f32(f32(acc[r][c] + offset[c]) * f32(row_scale[r * row_scale_step] * column_scale[c * column_scale_step]))
// accumulate: v = f32(y[r][c] + v). Then, if last: v = f32(v + bias[c]) when bias, y = min(max(v, lo), hi) (NaN stays).
// row_scale null = 1. No fused multiply-add anywhere, so exact.
struct DequantizeAccumulatorArgs {
  const int32_t* acc;
  int64_t acc_stride;
  float* y;
  int64_t y_stride;
  int64_t rows, columns;
  const int32_t* offset;
  const float* row_scale;
  int64_t row_scale_step;
  const float* column_scale;
  int64_t column_scale_step;
  const float* bias;
  float lo, hi;
  bool accumulate, last;
};

}  // namespace lowbit
