// The peak kernel for arm_dotprod: sdot.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_arm_dotprod.h"

namespace lowbit {

// A step is 4 sdot; 4 chains of 4 accumulators. Unsigned codes as in gemm_i8: a = (a ^ 0x80) + 128.
void peak_u8i8_i32_arm_dotprod(const PeakI8Args& args) {
  constexpr int kChains = 4;
  uint32_t four;
  memcpy(&four, args.a, 4);
  const int8x16_t codes = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
  int8x16_t columns[4];
  int32x4_t sum[kChains][4];
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    columns[q] = vld1q_s8(args.b + 16 * q);
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      sum[c][q] = vdupq_n_s32(0);
      LOWBIT_KEEP(sum[c][q]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += kChains) {
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      LOWBIT_UNROLL
      for (int q = 0; q < 4; ++q) {
        sum[c][q] = vdotq_s32(sum[c][q], codes, columns[q]);
        LOWBIT_KEEP(sum[c][q]);
      }
    }
  }
  const int32x4_t shift = vdupq_n_s32(static_cast<int32_t>(128u * static_cast<uint32_t>(args.steps)));
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    int32x4_t all = sum[0][q];
    LOWBIT_UNROLL
    for (int c = 1; c < kChains; ++c) all = vaddq_s32(all, sum[c][q]);
    const int32x4_t column_sum = vpaddlq_s16(vpaddlq_s8(columns[q]));
    vst1q_s32(args.out + 4 * q, vmlaq_s32(all, column_sum, shift));
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
