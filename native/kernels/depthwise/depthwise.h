// Depthwise convolution as a weighted reduction over taps.
#pragma once

#include <cstdint>

namespace lowbit {

// acc[p][c] = sum_t taps[p * tap_count + t][c] * w[t * channels + c], pixels x channels, contiguous.
//   depthwise_u8i8_i32, depthwise_i8i8_i32: i32 accumulators; |x*w| <= 2^15, safe for tap_count <= 65,535. Exact.
// Reads exactly `channels` elements behind each tap, never more.
struct DepthwiseArgs {
  const void* const* taps;
  int64_t pixels, tap_count, channels;
  const void* w;
  void* acc;
};

}  // namespace lowbit
