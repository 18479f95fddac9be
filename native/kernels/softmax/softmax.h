// softmax_f32: softmax along a row, the same bytes on every instruction set.
#pragma once

#include <cstdint>

namespace lowbit {

// y[r][c] = e(x[r][c] - max_r) / sum_c e(...). e is a polynomial of fixed operations without fused multiply-add, the sum is
// taken in 16 interleaved partial sums that are added in a fixed tree, so the result does not depend on the vector width.
// A row with NaN gives NaN; a row of -inf only gives NaN. Exact across ISAs; within 3 ulp of the real softmax's exponential
// plus the summation bound.
struct SoftmaxArgs {
  const float* x;
  float* y;
  int64_t rows, columns;  // contiguous rows
};

}  // namespace lowbit
