// gemm_u8i8_i32 and gemm_i8i8_i32 in portable C++: the definition that the other files are compared with.
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

// Partial sums lie as the panel does, 4 values of k for each of 16 columns: compilers vectorize a product of 64
// neighbours, and only the end adds four apart.
template <typename Code>
void gemm(const GemmI8Args& args) {
  for (int64_t r = 0; r < args.m; ++r) {
    const Code* a = static_cast<const Code*>(args.a) + r * args.a_stride;
    for (int64_t p = 0; p < args.panels; ++p) {
      const int8_t* b = args.b + p * args.panel_bytes;
      uint32_t part[64] = {};  // unsigned: wraps
      for (int64_t k = 0; k < args.k; k += 4, b += 64) {
        int16_t codes[8] = {};  // what lies behind k meets zero weights
        const int64_t depth = args.k - k < 4 ? args.k - k : 4;
        for (int64_t i = 0; i < depth; ++i) codes[i] = codes[i + 4] = a[k + i];
        for (int u = 0; u < 64; u += 8) {
          for (int v = 0; v < 8; ++v) part[u + v] += static_cast<uint32_t>(int32_t{codes[v]} * int16_t{b[u + v]});
        }
      }
      int32_t* c = args.c + r * args.c_stride + p * 16;
      for (int j = 0; j < 16; ++j) {
        const uint32_t before = args.accumulate ? static_cast<uint32_t>(c[j]) : 0;
        c[j] = static_cast<int32_t>(before + part[4 * j] + part[4 * j + 1] + part[4 * j + 2] + part[4 * j + 3]);
      }
    }
  }
}

}  // namespace

void gemm_u8i8_i32_portable(const GemmI8Args& args) { gemm<uint8_t>(args); }
void gemm_i8i8_i32_portable(const GemmI8Args& args) { gemm<int8_t>(args); }

}  // namespace lowbit
