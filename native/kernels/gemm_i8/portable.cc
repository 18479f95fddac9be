// gemm_u8i8_i32 and gemm_i8i8_i32 in portable C++: the definition that the other files are compared with.
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

template <typename Code>
void gemm(const GemmI8Args& args) {
  for (int64_t r = 0; r < args.m; ++r) {
    const Code* a = static_cast<const Code*>(args.a) + r * args.a_stride;
    for (int64_t p = 0; p < args.panels; ++p) {
      const int8_t* b = args.b + p * args.panel_bytes;
      uint32_t sum[16] = {};  // unsigned: wraps
      for (int64_t g = 0; g < args.k; g += 4, b += 64) {
        const int64_t depth = args.k - g < 4 ? args.k - g : 4;
        for (int64_t i = 0; i < depth; ++i) {
          const int32_t code = a[g + i];
          for (int j = 0; j < 16; ++j) sum[j] += static_cast<uint32_t>(code * b[4 * j + i]);
        }
      }
      int32_t* c = args.c + r * args.c_stride + p * 16;
      for (int j = 0; j < 16; ++j) c[j] = static_cast<int32_t>(sum[j]);
    }
  }
}

}  // namespace

void gemm_u8i8_i32_portable(const GemmI8Args& args) { gemm<uint8_t>(args); }
void gemm_i8i8_i32_portable(const GemmI8Args& args) { gemm<int8_t>(args); }

}  // namespace lowbit
