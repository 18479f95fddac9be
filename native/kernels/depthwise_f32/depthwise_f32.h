// Float depthwise convolution of a rectangle of output pixels whose windows keep the same taps, with bias and clamp.
#pragma once

#include <cstdint>

namespace lowbit {

// y[l][p][c] = clamp(sum over (i, j) of x[l * line_stride + p * pixel_stride + i * tap_row + j * tap_column + c] *
// w[i * w_row + j * channels + c] + bias[c], lo, hi) for l < lines, p < pixels, c < channels; strides in elements.
// Taps in the order (i, j) from sum = 0, f32(sum + f32(x * w)), no fused multiply-add; clamp(v) = v < lo ? lo : v > hi
// ? hi : v (NaN stays). Exact across ISAs. Reads exactly `channels` elements of each tap, never more. A window that
// leaves the image has fewer rows or columns of taps, none at least: what it leaves out would add zeros.
struct DepthwiseF32Args {
  const float* x;
  int64_t lines, line_stride, pixels, pixel_stride;
  int64_t rows, columns, tap_row, tap_column;
  int64_t channels;
  const float* w;
  int64_t w_row;
  float* y;
  int64_t y_line;     // elements between lines; pixels follow one another
  const float* bias;  // [channels] or null
  float lo, hi;
};

}  // namespace lowbit
