// How a convolution is cut into strips, and how a strip is filled.
#include "native/kernels/conv/strips.h"

#include <cstring>

#include "native/kernels/conv/split.h"

namespace lowbit {

namespace {

// Output pixels of a block: enough for the tiles of the kernels to run full, few enough that the accumulators of a few
// panels stay in the L1 cache.
constexpr int64_t kBlockPixels = 96;
// Output rows shorter than this leave tiles half empty, because a tile stays in one row: their windows are copied.
constexpr int64_t kLeastLine = 8;

// A strip is at most this many times as long and as high as the image and the kernel together.
constexpr int64_t kMostPadding = 2;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

StripCut strip_cut(const ConvShape& s, int64_t output_channels, int64_t tasks) {
  StripCut cut = {};
  const int64_t reach = (s.kh - 1) * s.dilation_h;
  cut.columns = (s.ow - 1) * s.stride_w + s.kw;
  // Windows mostly inside of the image: strides, dilations and pads of any size are legal, and would make strips of any
  // size.
  const bool modest =
      cut.columns <= kMostPadding * (s.w + s.kw) && reach <= kMostPadding * (s.h + s.kh) && s.stride_h <= s.h + s.kh;
  cut.possible = modest && s.groups == 1 && s.dilation_w == 1 && s.kw * s.c % 4 == 0 &&
                 (s.ow >= kLeastLine || s.oh == 1) && !s.pointwise();
  if (!cut.possible) return cut;
  cut.direct = s.pad_top == 0 && s.pad_left == 0 && cut.columns <= s.w && (s.oh - 1) * s.stride_h + reach < s.h;
  cut.lines = kBlockPixels / s.ow < 1 ? 1 : kBlockPixels / s.ow;
  const int64_t panels = ceil_div(output_channels, 16);
  const ProductSplit split =
      split_product(tasks, s.n * s.h * s.w * s.c, s.n * s.oh, s.kh * s.kw * s.c * panels * 16, panels / kPartPanels);
  if (s.n * ceil_div(s.oh, cut.lines) < split.rows) cut.lines = ceil_div(s.n * s.oh, split.rows);
  if (cut.lines > s.oh) cut.lines = s.oh;
  cut.blocks = ceil_div(s.oh, cut.lines);
  cut.rows = (cut.lines - 1) * s.stride_h + reach + 1;
  cut.column_blocks = split.columns;
  cut.scratch = cut.direct ? 0 : static_cast<size_t>(cut.rows * cut.columns * s.c);
  return cut;
}

GemmI8Rows strip_rows(const ConvShape& s, const StripCut& cut, const uint8_t* image, int64_t first_line, int64_t lines,
                      uint8_t padding, uint8_t* strip) {
  const int64_t top = first_line * s.stride_h - s.pad_top;
  const uint8_t* a = image + top * s.w * s.c;
  int64_t row_bytes = s.w * s.c;
  if (!cut.direct) {
    a = strip;
    row_bytes = cut.columns * s.c;
    const int64_t rows = (lines - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
    const int64_t left = s.pad_left < cut.columns ? s.pad_left : cut.columns;
    const int64_t inside = s.w < cut.columns - left ? s.w : cut.columns - left;
    for (int64_t r = 0; r < rows; ++r, strip += row_bytes) {
      const int64_t y = top + r;
      if (y < 0 || y >= s.h) {
        memset(strip, padding, static_cast<size_t>(row_bytes));
        continue;
      }
      memset(strip, padding, static_cast<size_t>(left * s.c));
      memcpy(strip + left * s.c, image + y * s.w * s.c, static_cast<size_t>(inside * s.c));
      memset(strip + (left + inside) * s.c, padding, static_cast<size_t>(row_bytes - (left + inside) * s.c));
    }
  }
  GemmI8Rows rows = plain_rows(a, s.stride_w * s.c, lines * s.ow, s.kh * s.kw * s.c);
  rows.line_rows = s.ow;
  rows.line_stride = s.stride_h * row_bytes;
  rows.segments = s.kh;
  rows.segment_stride = s.dilation_h * row_bytes;
  return rows;
}

}  // namespace lowbit
