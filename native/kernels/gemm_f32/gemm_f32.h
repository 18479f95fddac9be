// gemm_f32 and gemm_unfused_f32: float matrix products by packed weights, with bias and clamp.
#pragma once

#include <cstdint>

namespace lowbit {

// Where the rows of A lie. A row is `segments` runs of `run` floats, segment_stride apart; rows follow one another by
// row_stride within a line of line_rows rows, and lines by line_stride, so that the windows of a convolution are rows
// without being copied. All in elements.
struct FloatRows {
  const float* a;
  int64_t row_stride;
  int64_t lines, line_rows, line_stride;
  int64_t segments, segment_stride, run;

  int64_t rows() const { return lines * line_rows; }
};

// Rows that lie one after the other, each in one piece.
inline FloatRows plain_float_rows(const float* a, int64_t row_stride, int64_t rows, int64_t k) {
  return {a, row_stride, 1, rows, 0, 1, 0, k};
}

// c[r][j] = clamp(sum_k a[r][k] * w[k][j] + bias[j], lo, hi) for all rows and j < n, where k counts through the
// segments of a row: k < segments * run. b is ceil(n / 16) consecutive panels of the tile n16k1: panel_bytes apart, row
// k of a panel holding w[k][0..16). Columns from n on are computed and not written. A product may be cut along k: with
// `accumulate`, the sums go on from what c holds; without `last`, c gets the sums alone (no bias, no clamp). Where it
// is cut does not change a byte. clamp(x) = x < lo ? lo : x > hi ? hi : x (NaN stays). Class ulp: the error of each sum
// is at most gamma_k * sum_k |a*w| with gamma_k = k*u/(1 - k*u), u = 2^-24, whatever the order of summation and with or
// without FMA (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). gemm_unfused_f32: the same sums as
// one chain per element in the order of k, c = f32(c + f32(a * w)) from c = 0. Exact: the same bytes on every ISA.
// Calibration runs on it, so that a quantized model does not depend on where it was made.
struct GemmF32Args {
  FloatRows rows;
  const uint8_t* b;
  int64_t panel_bytes;
  int64_t n;
  float* c;
  int64_t c_stride;  // elements, >= n
  bool accumulate, last;
  const float* bias;  // [n] or null
  float lo, hi;
  const uint8_t* next = nullptr;  // panels that are wanted after these, panel_bytes apart too, or null: only a hint
};

}  // namespace lowbit
