// The integer depthwise kernels in portable C++: the definition of the others.
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

template <typename Input>
void depthwise(const DepthwiseArgs& args) {
  const int8_t* w = static_cast<const int8_t*>(args.w);
  int32_t* acc = static_cast<int32_t*>(args.acc);
  for (int64_t p = 0; p < args.pixels; ++p, acc += args.channels) {
    const void* const* taps = args.taps + p * args.tap_count;
    for (int64_t c = 0; c < args.channels; ++c) acc[c] = 0;
    for (int64_t t = 0; t < args.tap_count; ++t) {
      const Input* x = static_cast<const Input*>(taps[t]);
      for (int64_t c = 0; c < args.channels; ++c) acc[c] += x[c] * w[t * args.channels + c];
    }
  }
}

// rint for |v| < 2^31.
float rounded(float v) {
  constexpr float kWhole = 8388608.0f;  // 2^23: from here on every float is an integer
  constexpr float kRound = 12582912.0f;
  return v >= kWhole || v <= -kWhole || v != v ? v : v + kRound - kRound;
}

template <typename Input>
void depthwise_codes(const DepthwiseCodesArgs& args) {
  uint8_t* y = args.y;
  for (int64_t line = 0; line < args.lines; ++line) {
    for (int64_t p = 0; p < args.pixels; ++p) {
      for (int64_t c = 0; c < args.channels; ++c) {
        uint32_t acc = args.offset == nullptr ? 0 : static_cast<uint32_t>(args.offset[c]);
        for (int64_t t = 0; t < args.kh * args.kw; ++t) {
          const Input* row = static_cast<const Input*>(args.rows[line * args.kh + t / args.kw]);
          const int64_t at = p * args.stride - args.pad_left + t % args.kw * args.dilation;
          const int32_t x = at >= 0 && at < args.width ? row[at * args.channels + c] : args.x_zero;
          acc += static_cast<uint32_t>((x - args.x_zero) * args.w[t * args.channels + c]);
        }
        const float scaled = static_cast<float>(static_cast<int32_t>(acc)) * args.multiplier[c * args.multiplier_step];
        const float lo = static_cast<float>(args.qlo - args.zero_point);
        const float hi = static_cast<float>(args.qhi - args.zero_point);
        float v = rounded(scaled);
        v = v > lo ? v : lo;
        v = v < hi ? v : hi;
        *y++ = static_cast<uint8_t>(static_cast<int32_t>(v) + args.zero_point);
      }
    }
  }
}

}  // namespace

void depthwise_u8i8_i32_portable(const DepthwiseArgs& args) { depthwise<uint8_t>(args); }
void depthwise_i8i8_i32_portable(const DepthwiseArgs& args) { depthwise<int8_t>(args); }

void depthwise_u8i8_u8_portable(const DepthwiseCodesArgs& args) { depthwise_codes<uint8_t>(args); }
void depthwise_u8i8_i8_portable(const DepthwiseCodesArgs& args) { depthwise_codes<uint8_t>(args); }
void depthwise_i8i8_u8_portable(const DepthwiseCodesArgs& args) { depthwise_codes<int8_t>(args); }
void depthwise_i8i8_i8_portable(const DepthwiseCodesArgs& args) { depthwise_codes<int8_t>(args); }

}  // namespace lowbit
