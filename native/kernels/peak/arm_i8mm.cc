// The peak kernel for arm_i8mm: usmmla.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_i8mm.h"

#include "native/kernels/peak/chains.h"

namespace lowbit {
namespace {

struct PairProducts {
  using Vector = int32x4_t;
  uint8x16_t codes;
  int8x16_t columns[8];

  static LOWBIT_INLINE Vector zero() { return vdupq_n_s32(0); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return vaddq_s32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int q) { sum = vusmmlaq_s32(sum, codes, columns[q]); }
};

}  // namespace

// usmmla multiplies 2 rows of 8 codes by 2 columns of 8: with both rows the four codes twice, and a column its four
// twice, each of the 2 x 2 sums grows by two steps of its column, so 8 usmmla are 4 steps of 16 columns.
void peak_u8i8_i32_arm_i8mm(const PeakI8Args& args) {
  PairProducts products;
  products.codes = vreinterpretq_u8_u32(vdupq_n_u32(code_word(args)));
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    const int32x4_t words = vreinterpretq_s32_s8(vld1q_s8(args.b + 16 * q));
    products.columns[2 * q] = vreinterpretq_s8_s32(vzip1q_s32(words, words));
    products.columns[2 * q + 1] = vreinterpretq_s8_s32(vzip2q_s32(words, words));
  }
  int32x4_t all[8];
  run_chains<2>(products, args.steps / 4, all);
  LOWBIT_UNROLL
  for (int q = 0; q < 8; ++q) {
    vst1_s32(args.out + 2 * q, vadd_s32(vget_low_s32(all[q]), vget_high_s32(all[q])));
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
