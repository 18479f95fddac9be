// gemm_u8i8_i32 and gemm_i8i8_i32: exact integer matrix products of rows of codes by packed weights.
#pragma once

#include <cstdint>

namespace lowbit {

// c[r][j] = sum_k a[r][k] * w[k][j] for r < m, j < 16 * panels. a is m x k codes, a_stride bytes apart; only k bytes of
// a row may be read. b is `panels` consecutive panels of the tile n16k4 (kernels/pack/pack.h): panel_bytes apart, each
// ceil(k / 4) groups of 64 bytes, group g holding w[4g + i][j] at byte 4*j + i, zero beyond k and n.
// column_sum [16 * panels] holds sum_k w[k][j] for the same range of k: kernels that flip the sign bit of `a` use it.
// accumulate: the sums are added to what c holds. Of the calls that add up to one product only the first, which does
// not accumulate, reads column_sum, whose sums then cover the k of all of them. Accumulators are int32 and wrap; |a*w|
// <= 2^15, safe for k <= 65,535. Exact.
struct GemmI8Args {
  const void* a;
  int64_t a_stride;
  const int8_t* b;
  int64_t panel_bytes;
  const int32_t* column_sum;
  int64_t m, panels, k;
  int32_t* c;
  int64_t c_stride;  // elements, >= 16 * panels
  bool accumulate;   // c += instead of c =
};

}  // namespace lowbit
