// depthwise_u8i8_i32 and depthwise_i8i8_i32 with Advanced SIMD.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

namespace lowbit {

namespace {

// 8 channels of a tap as int16.
template <bool Signed>
int16x8_t widen(const int8_t* from) {
  return Signed ? vmovl_s8(vld1_s8(from))
                : vreinterpretq_s16_u16(vmovl_u8(vld1_u8(reinterpret_cast<const uint8_t*>(from))));
}

// 16 channels of every pixel: int16 x int16 into int32 (smlal), exact, with the sums in registers over all taps.
template <bool Signed>
void channels_16(const DepthwiseArgs& args, int64_t channel) {
  const int8_t* w = static_cast<const int8_t*>(args.w) + channel;
  int32_t* acc = static_cast<int32_t*>(args.acc) + channel;
  const void* const* taps = args.taps;
  for (int64_t p = 0; p < args.pixels; ++p, taps += args.tap_count, acc += args.channels) {
    int32x4_t sum[4];
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) sum[v] = vdupq_n_s32(0);
    const int8_t* weights = w;
    for (int64_t t = 0; t < args.tap_count; ++t, weights += args.channels) {
      const int8_t* x = static_cast<const int8_t*>(taps[t]) + channel;
      LOWBIT_UNROLL
      for (int h = 0; h < 2; ++h) {
        const int16x8_t codes = widen<Signed>(x + 8 * h);
        const int16x8_t factors = widen<true>(weights + 8 * h);
        sum[2 * h] = vmlal_s16(sum[2 * h], vget_low_s16(codes), vget_low_s16(factors));
        sum[2 * h + 1] = vmlal_high_s16(sum[2 * h + 1], codes, factors);
      }
    }
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) vst1q_s32(acc + 4 * v, sum[v]);
  }
}

template <bool Signed, typename Code>
void depthwise(const DepthwiseArgs& args) {
  int64_t channel = 0;
  for (; channel + 16 <= args.channels; channel += 16) channels_16<Signed>(args, channel);
  if (channel == args.channels) return;
  if (args.channels >= 16) {
    // The last 16 again from the end: the channels that overlap get the same values a second time.
    channels_16<Signed>(args, args.channels - 16);
    return;
  }
  const int8_t* w = static_cast<const int8_t*>(args.w);
  int32_t* acc = static_cast<int32_t*>(args.acc);
  for (int64_t p = 0; p < args.pixels; ++p) {
    for (int64_t c = 0; c < args.channels; ++c) {
      int32_t sum = 0;
      for (int64_t t = 0; t < args.tap_count; ++t) {
        sum += static_cast<const Code*>(args.taps[p * args.tap_count + t])[c] * w[t * args.channels + c];
      }
      acc[p * args.channels + c] = sum;
    }
  }
}

}  // namespace

void depthwise_u8i8_i32_arm_neon(const DepthwiseArgs& args) { depthwise<false, uint8_t>(args); }
void depthwise_i8i8_i32_arm_neon(const DepthwiseArgs& args) { depthwise<true, int8_t>(args); }

}  // namespace lowbit
#endif
