// The peak kernel for arm_dotprod: sdot.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_dotprod.h"

#include "native/kernels/peak/chains.h"

namespace lowbit {
namespace {

struct ByteProducts {
  using Vector = int32x4_t;
  int8x16_t codes, columns[4];

  static LOWBIT_INLINE Vector zero() { return vdupq_n_s32(0); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return vaddq_s32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int q) { sum = vdotq_s32(sum, codes, columns[q]); }
};

}  // namespace

// A step is 4 sdot; 4 chains of 4 accumulators. Unsigned codes as in gemm_i8: a = (a ^ 0x80) + 128.
void peak_u8i8_i32_arm_dotprod(const PeakI8Args& args) {
  ByteProducts products;
  products.codes = vreinterpretq_s8_u32(vdupq_n_u32(code_word(args) ^ 0x80808080u));
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) products.columns[q] = vld1q_s8(args.b + 16 * q);
  int32x4_t all[4];
  run_chains<4>(products, args.steps, all);
  const int32x4_t shift = vdupq_n_s32(static_cast<int32_t>(128u * static_cast<uint32_t>(args.steps)));
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    const int32x4_t column_sum = vpaddlq_s16(vpaddlq_s8(products.columns[q]));
    vst1q_s32(args.out + 4 * q, vmlaq_s32(all[q], column_sum, shift));
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
