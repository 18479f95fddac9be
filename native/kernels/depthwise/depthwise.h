// Depthwise convolution of codes: as a weighted reduction over taps, and by whole lines that end in codes.
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

// Most taps of a window that depthwise_*_u8 and depthwise_*_i8 take.
constexpr int64_t kDepthwiseTaps = 64;

// y[line][p][c] = clamp(rint(f32(f32(acc) * multiplier[c * multiplier_step])) + zero_point, qlo, qhi), every
// |multiplier| below 1, with
//   acc = offset[c] + sum over ky < kh, kx < kw of (x - x_zero) * w[ky * kw + kx][c]  in wrapping int32,
//   x = rows[line * kh + ky][p * stride - pad_left + kx * dilation][c], or x_zero where that pixel is not in [0,
//   width).
// A row holds `width` pixels of `channels` codes each, and nothing outside of it is read; y is lines x pixels x
// channels, contiguous. offset may be null. kh * kw <= kDepthwiseTaps. qmin <= qlo <= qhi <= qmax of the output. Exact.
struct DepthwiseCodesArgs {
  const void* const* rows;
  int64_t lines, pixels, width, channels;
  int64_t kh, kw, stride, pad_left, dilation;
  int32_t x_zero;
  const int8_t* w;
  const int32_t* offset;
  const float* multiplier;
  int64_t multiplier_step;
  int32_t zero_point, qlo, qhi;
  uint8_t* y;
};

}  // namespace lowbit
