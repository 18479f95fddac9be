// softmax_f32: softmax along a row, the same bytes on every instruction set.
#pragma once

#include <cstdint>

namespace lowbit {

// z[c] = x[r][c], or with a mask f32(f32(x[r][c] * scale) + mask[r * mask_stride + c]);
// y[r][c] = f32(e(z[c] - max z) * f32(1 / sum_c e(...))). e is a polynomial of fixed operations without fused
// multiply-add, the sum is taken in 16 interleaved partial sums that are added in a fixed tree, so the result does not
// depend on the vector width. A row with NaN or +inf, or of -inf only, gives NaN (the same one everywhere). y may be x.
// Exact across ISAs. The exponential of the rounded difference is within 2 ulp, and 0 below e^-87; the sum of a row
// adds at most (columns / 16 + 4) * 2^-24 relative, its reciprocal and the product with it 2^-24 each.
struct SoftmaxArgs {
  const float* x;
  float* y;
  int64_t rows, columns;  // contiguous rows
  const float* mask;      // or null
  int64_t mask_stride;
  float scale;
};

}  // namespace lowbit
