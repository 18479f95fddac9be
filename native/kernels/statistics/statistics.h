// min_max_f32: the range of a run of floats. row_sum_u8 and row_sum_i8: sums of rows of codes.
#pragma once

#include <cstdint>

namespace lowbit {

// out[0] = minimum, out[1] = maximum of x[0..n), NaN ignored, -0 and +0 not told apart (the result is +0 for either);
// nothing to see: +inf, -inf. Exact.
struct MinMaxArgs {
  const float* x;
  int64_t n;
  float* out;
};

// sum[r] = sum_c codes[r][c] in int32; |code| <= 255, safe for columns <= 2^23. Exact.
struct RowSumArgs {
  const void* codes;
  int64_t stride;
  int64_t rows, columns;
  int32_t* sum;
};

}  // namespace lowbit
