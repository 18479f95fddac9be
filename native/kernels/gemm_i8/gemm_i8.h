// gemm_u8i8_i32 and gemm_i8i8_i32: exact integer matrix products of rows of codes by packed weights. The slots that end
// in u8, i8 and f32 finish the same products while their sums are in registers.
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

// acc[r][j] = sum_k a[r][k] * w[k][j] + offset[j] - row_zero[r * row_zero_step] * column_sum[j]
//             + row_term[r] * column_zero[j], in wrapping int32, for r < m and j < columns <= 16 * panels.
// A row of a is `segments` runs of k codes, segment_stride bytes apart; with more than one, k is a multiple of 4. b as
// above, over the segments * k of a whole row; column_sum [16 * panels] covers it too. offset, row_zero and column_zero
// (with row_term) may be null, and drop their terms; offset and column_zero have `columns` elements.
struct GemmI8Product {
  const void* a;
  int64_t a_stride;
  int64_t segments, segment_stride;
  const int8_t* b;
  int64_t panel_bytes;
  int64_t m, panels, k;
  int64_t columns;
  const int32_t* column_sum;
  const int32_t* offset;
  const int32_t* row_zero;
  int64_t row_zero_step;
  const int32_t* row_term;
  const int32_t* column_zero;
};

// y[r][j] = clamp(rint(f32(f32(acc[r][j]) * multiplier[j * multiplier_step])) + zero_point, qlo, qhi), every
// |multiplier| below 1 (so that nothing overflows). qmin <= qlo <= qhi <= qmax of the output type. Exact.
struct GemmI8CodesArgs {
  GemmI8Product product;
  void* y;
  int64_t y_stride;  // elements
  const float* multiplier;
  int64_t multiplier_step;
  int32_t zero_point, qlo, qhi;
};

// gemm_add_*: the codes c of `codes` (whose y is not used) are terms of a sum of codes, the other one being
// added[r][j]:
//   y[r][j] = clamp(rint(f32(f32(f32(c - codes.zero_point) * ratio) + f32(f32(added - added_zero) * added_ratio)))
//                   + zero_point, qlo, qhi)
// with finite ratios: what binary_i8 makes of the two. y and added have the elements of a row side by side, and may be
// the same memory. Exact.
struct GemmI8AddArgs {
  GemmI8CodesArgs codes;
  const void* added;
  int64_t added_stride;  // elements
  bool added_signed;
  int32_t added_zero;
  float ratio, added_ratio;
  void* y;
  int64_t y_stride;  // elements
  int32_t zero_point, qlo, qhi;
};

// v = f32(f32(acc[r][j]) * f32(row_scale[r * row_scale_step] * column_scale[j * column_scale_step])), then
// v = f32(v + bias[j]) with bias, y[r][j] = min(max(v, lo), hi) (NaN stays). row_scale null = 1. No fused multiply-add:
// exact.
struct GemmI8FloatsArgs {
  GemmI8Product product;
  float* y;
  int64_t y_stride;
  const float* row_scale;
  int64_t row_scale_step;
  const float* column_scale;
  int64_t column_scale_step;
  const float* bias;
  float lo, hi;
};

}  // namespace lowbit
