// gemm_f32 and gemm_unfused_f32 in portable C++.
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

float clamped(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

}  // namespace

void gemm_f32_portable(const GemmF32Args& args) {
  const FloatRows& rows = args.rows;
  for (int64_t r = 0; r < rows.rows(); ++r) {
    const float* row = rows.a + r / rows.line_rows * rows.line_stride + r % rows.line_rows * rows.row_stride;
    for (int64_t first = 0; first < args.n; first += 16) {
      const float* b = reinterpret_cast<const float*>(args.b + first / 16 * args.panel_bytes);
      const int64_t columns = args.n - first < 16 ? args.n - first : 16;
      float* c = args.c + r * args.c_stride + first;
      float sum[16] = {};
      for (int64_t j = 0; j < columns; ++j) sum[j] = args.accumulate ? c[j] : 0.0f;
      for (int64_t s = 0; s < rows.segments; ++s) {
        const float* a = row + s * rows.segment_stride;
        for (int64_t i = 0; i < rows.run; ++i, b += 16) {
          const float value = a[i];
          for (int j = 0; j < 16; ++j) sum[j] += value * b[j];
        }
      }
      for (int64_t j = 0; j < columns; ++j) {
        if (!args.last) {
          c[j] = sum[j];
        } else {
          c[j] = clamped(args.bias == nullptr ? sum[j] : sum[j] + args.bias[first + j], args.lo, args.hi);
        }
      }
    }
  }
}

void gemm_unfused_f32_portable(const GemmF32Args& args) { gemm_f32_portable(args); }

}  // namespace lowbit
