// How a float convolution is cut into strips, and how a strip is filled.
#include "native/kernels/conv/f32_strips.h"

#include <cstring>

#include "native/kernels/gemm_f32/block.h"

namespace lowbit {

namespace {

// A strip is at most this many times as long and as high as the image and the kernel together.
constexpr int64_t kMostPadding = 2;
// Output pixels of a block, at least: below this the panels pass too often.
constexpr int64_t kLeastPixels = 24;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

FloatStrips float_strips(const ConvShape& s, int64_t output_channels, int threads) {
  FloatStrips cut = {};
  const int64_t reach = (s.kh - 1) * s.dilation_h;
  cut.columns = (s.ow - 1) * s.stride_w + s.kw;
  // Windows mostly inside of the image: strides, dilations and pads of any size are legal, and would make strips of any
  // size.
  const bool modest =
      cut.columns <= kMostPadding * (s.w + s.kw) && reach <= kMostPadding * (s.h + s.kh) && s.stride_h <= s.h + s.kh;
  cut.possible = modest && s.groups == 1 && s.dilation_w == 1 && !s.pointwise();
  if (!cut.possible) return cut;
  cut.direct = s.pad_top == 0 && s.pad_left == 0 && cut.columns <= s.w && (s.oh - 1) * s.stride_h + reach < s.h;
  // As many output rows as a strip of kFloatRowBytes gives, in blocks of equal height.
  const int64_t row_bytes = cut.columns * s.c * 4;
  const int64_t input_rows = kFloatRowBytes / row_bytes;
  int64_t lines = input_rows <= reach ? 1 : (input_rows - reach - 1) / s.stride_h + 1;
  const int64_t fewest = ceil_div(kLeastPixels, s.ow);
  if (lines < fewest) lines = fewest;
  cut.blocks = ceil_div(s.oh, lines);
  const int64_t wanted = threads > 1 ? int64_t{4} * threads : 1;
  if (s.n * cut.blocks < wanted) {
    const int64_t most = ceil_div(s.oh, fewest);
    const int64_t blocks = ceil_div(wanted, s.n);
    cut.blocks = blocks < most ? blocks : most;
  }
  cut.lines = ceil_div(s.oh, cut.blocks);
  cut.blocks = ceil_div(s.oh, cut.lines);
  const int64_t panels = ceil_div(output_channels, 16);
  cut.steps = ceil_div(panels, kFloatPanels);
  cut.panels = ceil_div(panels, cut.steps);
  cut.steps = ceil_div(panels, cut.panels);
  const int64_t splits = ceil_div(wanted, s.n * cut.blocks);
  cut.column_blocks = splits < cut.steps ? splits : cut.steps;
  const int64_t rows = (cut.lines - 1) * s.stride_h + reach + 1;
  cut.scratch = cut.direct ? 0 : static_cast<size_t>(rows * row_bytes);
  return cut;
}

FloatRows float_strip_rows(const ConvShape& s, const FloatStrips& cut, const float* image, int64_t first_line,
                           int64_t lines, float* strip) {
  const int64_t top = first_line * s.stride_h - s.pad_top;
  const int64_t row = (cut.direct ? s.w : cut.columns) * s.c;
  const float* a = cut.direct ? image + top * row : strip;
  if (!cut.direct) {
    const int64_t rows = (lines - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
    const int64_t left = s.pad_left < cut.columns ? s.pad_left : cut.columns;
    const int64_t inside = s.w < cut.columns - left ? s.w : cut.columns - left;
    for (int64_t r = 0; r < rows; ++r, strip += row) {
      const int64_t y = top + r;
      if (y < 0 || y >= s.h) {
        memset(strip, 0, static_cast<size_t>(row) * 4);
        continue;
      }
      memset(strip, 0, static_cast<size_t>(left * s.c) * 4);
      memcpy(strip + left * s.c, image + y * s.w * s.c, static_cast<size_t>(inside * s.c) * 4);
      memset(strip + (left + inside) * s.c, 0, static_cast<size_t>(row - (left + inside) * s.c) * 4);
    }
  }
  return {a, s.stride_w * s.c, lines, s.ow, s.stride_h * row, s.kh, s.dilation_h * row, s.kw * s.c};
}

}  // namespace lowbit
