// The peak kernels for arm_neon: smull, smlsl and sadalp, and fmla.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/peak/body.h"
#include "native/kernels/peak/chains.h"

LOWBIT_READ_KERNELS(arm_neon)

namespace lowbit {
namespace {

struct FloatProducts {
  using Vector = float32x4_t;
  Vector factor, columns[4];

  static LOWBIT_INLINE Vector zero() { return vdupq_n_f32(0.0f); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int q) { sum = vfmaq_f32(sum, factor, columns[q]); }
};

}  // namespace

// Two steps are 8 smull, 8 smlsl and 8 sadalp: as in gemm_i8, the second product is that of the complement, subtracted,
// and gives the column sum too much. Unsigned codes: a = (a ^ 0x80) + 128.
void peak_u8i8_i32_arm_neon(const PeakI8Args& args) {
  int8x16_t codes = vreinterpretq_s8_u32(vdupq_n_u32(code_word(args) ^ 0x80808080u));
  const int8x16_t complement = vmvnq_s8(codes);
  int8x16_t columns[4];
  int32x4_t sum[2][4][2];
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    columns[q] = vld1q_s8(args.b + 16 * q);
    LOWBIT_UNROLL
    for (int c = 0; c < 2; ++c) {
      sum[c][q][0] = sum[c][q][1] = vdupq_n_s32(0);
      LOWBIT_KEEP(sum[c][q][0]);
      LOWBIT_KEEP(sum[c][q][1]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += 4) {
    LOWBIT_UNROLL
    for (int c = 0; c < 2; ++c) {
      LOWBIT_UNROLL
      for (int q = 0; q < 4; ++q) {
        LOWBIT_KEEP(codes);
        const int16x8_t low = vmull_s8(vget_low_s8(codes), vget_low_s8(columns[q]));
        const int16x8_t high = vmull_high_s8(codes, columns[q]);
        sum[c][q][0] = vpadalq_s16(sum[c][q][0], vmlsl_s8(low, vget_low_s8(complement), vget_low_s8(columns[q])));
        sum[c][q][1] = vpadalq_s16(sum[c][q][1], vmlsl_high_s8(high, complement, columns[q]));
      }
    }
  }
  const uint32_t steps = static_cast<uint32_t>(args.steps);
  const int32x4_t shift = vdupq_n_s32(static_cast<int32_t>(128u * steps - steps / 2));
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    const int32x4_t all = vpaddq_s32(vaddq_s32(sum[0][q][0], sum[1][q][0]), vaddq_s32(sum[0][q][1], sum[1][q][1]));
    const int32x4_t column_sum = vpaddlq_s16(vpaddlq_s8(columns[q]));
    vst1q_s32(args.out + 4 * q, vmlaq_s32(all, column_sum, shift));
  }
}

void peak_f32_arm_neon(const PeakF32Args& args) {
  FloatProducts products;
  products.factor = vdupq_n_f32(*args.a);
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) products.columns[q] = vld1q_f32(args.b + 4 * q);
  float32x4_t all[4];
  run_chains<4>(products, args.steps, all);
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) vst1q_f32(args.out + 4 * q, all[q]);
}

}  // namespace lowbit
#endif
