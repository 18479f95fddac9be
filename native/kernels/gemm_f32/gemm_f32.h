// gemm_f32 and gemm_unfused_f32: float matrix products by packed weights.
#pragma once

#include <cstdint>

namespace lowbit {

// c[r][j] = sum_k a[r][k] * w[k][j] for r < m, j < 16 * panels. a_stride in elements; b is `panels` consecutive panels
// of the tile n16k1: panel_bytes apart, row k of a panel holding w[k][0..16). Class ulp: the error of each element is
// at most gamma_k * sum_k |a*w| with gamma_k = k*u/(1 - k*u), u = 2^-24, whatever the order of summation and with or
// without FMA (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
// gemm_unfused_f32: the same sums as one chain per element in the order of k, c = f32(c + f32(a * w)) from c = 0.
// Exact: the same bytes on every ISA. Calibration runs on it, so that a quantized model does not depend on where it was
// made.
struct GemmF32Args {
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t panel_bytes;
  int64_t m, panels, k;
  float* c;
  int64_t c_stride;  // elements, >= 16 * panels
};

}  // namespace lowbit
