// gemm_f32 and gemm_unfused_f32 in portable C++.
#include "native/kernels/kernels.h"

namespace lowbit {

void gemm_f32_portable(const GemmF32Args& args) {
  for (int64_t r = 0; r < args.m; ++r) {
    const float* a = args.a + r * args.a_stride;
    for (int64_t p = 0; p < args.panels; ++p) {
      const float* b = args.b + p * (args.panel_bytes / 4);
      float sum[16] = {};
      for (int64_t i = 0; i < args.k; ++i, b += 16) {
        const float value = a[i];
        for (int j = 0; j < 16; ++j) sum[j] += value * b[j];
      }
      float* c = args.c + r * args.c_stride + p * 16;
      for (int j = 0; j < 16; ++j) c[j] = sum[j];
    }
  }
}

void gemm_unfused_f32_portable(const GemmF32Args& args) { gemm_f32_portable(args); }

}  // namespace lowbit
