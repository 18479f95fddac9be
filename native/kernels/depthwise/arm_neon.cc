// depthwise_u8i8_i32 and depthwise_i8i8_i32 with Advanced SIMD.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

namespace lowbit {

namespace {

// Two taps share int16 products, as in gemm_i8/arm_neon.cc: x0 * w0 - ~x1 * w1 fits always, and is w1 too small. With
// unsigned codes x ^ 0x80 is x - 128 and x ^ 0x7f is 127 - x. So the sums start from what all pixels lack:
//   signed codes: -(the sum of the second weights); unsigned: 128 * (that of the first) + 127 * (that of the second).
struct Start {
  int32x4_t sum[4];
};

template <bool Signed>
Start start_of(const int8_t* w, int64_t tap_count, int64_t channels) {
  Start first, second;
  for (int v = 0; v < 4; ++v) first.sum[v] = second.sum[v] = vdupq_n_s32(0);
  for (int64_t t = 0; t < tap_count; ++t, w += channels) {
    Start& to = t % 2 == 0 ? first : second;
    const int8x16_t weights = vld1q_s8(w);
    const int16x8_t low = vmovl_s8(vget_low_s8(weights)), high = vmovl_high_s8(weights);
    to.sum[0] = vaddw_s16(to.sum[0], vget_low_s16(low));
    to.sum[1] = vaddw_high_s16(to.sum[1], low);
    to.sum[2] = vaddw_s16(to.sum[2], vget_low_s16(high));
    to.sum[3] = vaddw_high_s16(to.sum[3], high);
  }
  for (int v = 0; v < 4; ++v) {
    first.sum[v] =
        Signed ? vnegq_s32(second.sum[v]) : vaddq_s32(vmulq_n_s32(first.sum[v], 128), vmulq_n_s32(second.sum[v], 127));
  }
  return first;
}

template <bool Signed>
inline int8x16_t first_codes(const void* tap, int64_t channel) {
  const uint8x16_t codes = vld1q_u8(static_cast<const uint8_t*>(tap) + channel);
  return vreinterpretq_s8_u8(Signed ? codes : veorq_u8(codes, vdupq_n_u8(0x80)));
}

template <bool Signed>
inline int8x16_t second_codes(const void* tap, int64_t channel) {
  const uint8x16_t codes = vld1q_u8(static_cast<const uint8_t*>(tap) + channel);
  return vreinterpretq_s8_u8(Signed ? vmvnq_u8(codes) : veorq_u8(codes, vdupq_n_u8(0x7f)));
}

LOWBIT_INLINE void add_products(int32x4_t (&sum)[4], int16x8_t low, int16x8_t high) {
  sum[0] = vaddw_s16(sum[0], vget_low_s16(low));
  sum[1] = vaddw_high_s16(sum[1], low);
  sum[2] = vaddw_s16(sum[2], vget_low_s16(high));
  sum[3] = vaddw_high_s16(sum[3], high);
  LOWBIT_OPAQUE(sum[3]);
}

LOWBIT_INLINE void add_two_taps(int32x4_t (&sum)[4], int8x16_t first, int8x16_t w_first, int8x16_t second,
                                int8x16_t w_second) {
  const int16x8_t low = vmull_s8(vget_low_s8(first), vget_low_s8(w_first));
  const int16x8_t high = vmull_high_s8(first, w_first);
  add_products(sum, vmlsl_s8(low, vget_low_s8(second), vget_low_s8(w_second)), vmlsl_high_s8(high, second, w_second));
}

LOWBIT_INLINE void add_tap(int32x4_t (&sum)[4], int8x16_t codes, int8x16_t weights) {
  add_products(sum, vmull_s8(vget_low_s8(codes), vget_low_s8(weights)), vmull_high_s8(codes, weights));
}

// 16 channels of every pixel, with the sums in registers over all taps; the nine weights of 3x3 too.
template <bool Signed>
void nine_taps(const DepthwiseArgs& args, int64_t channel) {
  const int8_t* w = static_cast<const int8_t*>(args.w) + channel;
  int32_t* acc = static_cast<int32_t*>(args.acc) + channel;
  const Start start = start_of<Signed>(w, 9, args.channels);
  int8x16_t weights[9];
  LOWBIT_UNROLL
  for (int t = 0; t < 9; ++t) weights[t] = vld1q_s8(w + t * args.channels);
  const void* const* taps = args.taps;
  for (int64_t p = args.pixels; p > 0; --p, taps += 9, acc += args.channels) {
    int32x4_t sum[4] = {start.sum[0], start.sum[1], start.sum[2], start.sum[3]};
    LOWBIT_UNROLL
    for (int t = 0; t < 8; t += 2) {
      add_two_taps(sum, first_codes<Signed>(taps[t], channel), weights[t], second_codes<Signed>(taps[t + 1], channel),
                   weights[t + 1]);
    }
    add_tap(sum, first_codes<Signed>(taps[8], channel), weights[8]);
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) vst1q_s32(acc + 4 * v, sum[v]);
  }
}

template <bool Signed>
void any_taps(const DepthwiseArgs& args, int64_t channel) {
  const int8_t* w = static_cast<const int8_t*>(args.w) + channel;
  int32_t* acc = static_cast<int32_t*>(args.acc) + channel;
  const Start start = start_of<Signed>(w, args.tap_count, args.channels);
  const void* const* taps = args.taps;
  for (int64_t p = args.pixels; p > 0; --p, taps += args.tap_count, acc += args.channels) {
    int32x4_t sum[4] = {start.sum[0], start.sum[1], start.sum[2], start.sum[3]};
    const int8_t* weights = w;
    int64_t t = 0;
    for (; t + 2 <= args.tap_count; t += 2, weights += 2 * args.channels) {
      add_two_taps(sum, first_codes<Signed>(taps[t], channel), vld1q_s8(weights),
                   second_codes<Signed>(taps[t + 1], channel), vld1q_s8(weights + args.channels));
    }
    if (t < args.tap_count) add_tap(sum, first_codes<Signed>(taps[t], channel), vld1q_s8(weights));
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) vst1q_s32(acc + 4 * v, sum[v]);
  }
}

template <bool Signed>
void channels_16(const DepthwiseArgs& args, int64_t channel) {
  args.tap_count == 9 ? nine_taps<Signed>(args, channel) : any_taps<Signed>(args, channel);
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
