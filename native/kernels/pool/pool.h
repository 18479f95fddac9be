// Pools as reductions over taps: each output pixel has a list of pointers to input pixels (channel vectors).
#pragma once

#include <cstdint>

namespace lowbit {

// taps[p * tap_count + t] points at `channels` elements of pixel p's tap t. y is [pixels, channels], contiguous.
//   max_pool_u8, max_pool_i8, max_pool_f32: y = max over taps (f32: a NaN tap gives NaN)
//   sum_u8_i32, sum_i8_i32: y (i32) = sum over taps; safe for tap_count <= 2^23
//   average_pool_f32: y = f32(sum of taps in order / f32(tap_count)), added one after the other from the first tap
// tap_count >= 1. Exact.
struct PoolArgs {
  const void* const* taps;
  int64_t pixels, tap_count, channels;
  void* y;
};

}  // namespace lowbit
