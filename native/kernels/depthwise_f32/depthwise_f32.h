// Float depthwise convolution of output lines whose windows keep the same rows of taps inside the image, with bias and
// clamp.
#pragma once

#include <cstdint>

namespace lowbit {

// y[l][p][c] = clamp(sum over (i, j) of x[l * line_stride + i * tap_row + column(p, j) * channels + c] *
// w[i * w_row + j * channels + c] + bias[c], lo, hi) for l < lines, p < pixels, c < channels, where column(p, j) = p *
// stride - left + j * dilation, and a tap counts when 0 <= column < width; strides of memory in elements. Taps in the
// order (i, j) from sum = 0, f32(sum + f32(x * w)), no fused multiply-add; clamp(v) = v < lo ? lo : v > hi ? hi : v
// (NaN stays). Exact across ISAs. Reads exactly `channels` elements of each tap, never more. Lines whose windows leave
// the image above or below have fewer rows of taps, none at least: what is left out would add zeros.
struct DepthwiseF32Args {
  const float* x;  // column 0 of the first row of taps of the first line
  int64_t lines, line_stride, pixels, stride;
  int64_t left, width, dilation;
  int64_t rows, columns, tap_row;
  int64_t channels;
  const float* w;
  int64_t w_row;
  float* y;
  int64_t y_line;     // elements between lines; pixels follow one another
  const float* bias;  // [channels] or null
  float lo, hi;
};

}  // namespace lowbit
