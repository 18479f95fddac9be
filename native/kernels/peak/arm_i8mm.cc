// The peak kernel for arm_i8mm: usmmla.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_arm_i8mm.h"

namespace lowbit {

// usmmla multiplies 2 rows of 8 codes by 2 columns of 8: with both rows the four codes twice, and a column its four
// twice, each of the 2 x 2 sums grows by two steps of its column, so 8 usmmla are 4 steps of 16 columns.
void peak_u8i8_i32_arm_i8mm(const PeakI8Args& args) {
  constexpr int kChains = 2;
  uint32_t four;
  memcpy(&four, args.a, 4);
  const uint8x16_t codes = vreinterpretq_u8_u32(vdupq_n_u32(four));
  int8x16_t columns[8];
  int32x4_t sum[kChains][8];
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    const int32x4_t words = vreinterpretq_s32_s8(vld1q_s8(args.b + 16 * q));
    columns[2 * q] = vreinterpretq_s8_s32(vzip1q_s32(words, words));
    columns[2 * q + 1] = vreinterpretq_s8_s32(vzip2q_s32(words, words));
  }
  LOWBIT_UNROLL
  for (int c = 0; c < kChains; ++c) {
    LOWBIT_UNROLL
    for (int q = 0; q < 8; ++q) {
      sum[c][q] = vdupq_n_s32(0);
      LOWBIT_KEEP(sum[c][q]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += 4 * kChains) {
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      LOWBIT_UNROLL
      for (int q = 0; q < 8; ++q) {
        sum[c][q] = vusmmlaq_s32(sum[c][q], codes, columns[q]);
        LOWBIT_KEEP(sum[c][q]);
      }
    }
  }
  LOWBIT_UNROLL
  for (int q = 0; q < 8; ++q) {
    int32x4_t all = sum[0][q];
    LOWBIT_UNROLL
    for (int c = 1; c < kChains; ++c) all = vaddq_s32(all, sum[c][q]);
    vst1_s32(args.out + 2 * q, vadd_s32(vget_low_s32(all), vget_high_s32(all)));
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
