// Windows of output pixels as rows of a matrix.
#include <cstring>

#include "native/kernels/conv/conv.h"
#include "native/kernels/pack/blocks.h"

namespace lowbit {

namespace {

// Longer runs than this are left to memcpy.
constexpr int64_t kInlineBytes = 512;

// Copies `bytes` bytes. Runs are short (3 taps of 3 to 64 channels), where a call of memcpy costs more than the copy:
// whole words, and a last one that overlaps the one before it.
inline void copy_run(uint8_t* to, const uint8_t* from, int64_t bytes) {
  if (bytes > kInlineBytes) {
    memcpy(to, from, static_cast<size_t>(bytes));
  } else if (bytes >= 16) {
    for (int64_t i = 0; i < bytes - 16; i += 16) memcpy(to + i, from + i, 16);
    memcpy(to + bytes - 16, from + bytes - 16, 16);
  } else if (bytes >= 8) {
    uint64_t head, tail;
    memcpy(&head, from, 8);
    memcpy(&tail, from + bytes - 8, 8);
    memcpy(to, &head, 8);
    memcpy(to + bytes - 8, &tail, 8);
  } else if (bytes >= 4) {
    uint32_t head, tail;
    memcpy(&head, from, 4);
    memcpy(&tail, from + bytes - 4, 4);
    memcpy(to, &head, 4);
    memcpy(to + bytes - 4, &tail, 4);
  } else {
    for (int64_t i = 0; i < bytes; ++i) to[i] = from[i];
  }
}

// How taps lie in memory, in bytes.
struct Taps {
  int64_t pixel;  // from one input pixel to the next
  int64_t bytes;  // of one tap of this group
  bool runs;      // neighbouring taps of a kernel row are neighbours in memory
};

// A window that lies inside the image, its first tap at `from`.
inline void whole_window(const ConvShape& s, const Taps& taps, const uint8_t* from, uint8_t* to) {
  const int64_t row_bytes = s.dilation_h * s.w * taps.pixel;
  if (taps.runs) {
    const int64_t run = s.kw * taps.bytes;
    for (int64_t ky = 0; ky < s.kh; ++ky, from += row_bytes, to += run) copy_run(to, from, run);
    return;
  }
  for (int64_t ky = 0; ky < s.kh; ++ky, from += row_bytes) {
    for (int64_t kx = 0; kx < s.kw; ++kx, to += taps.bytes) {
      copy_run(to, from + kx * s.dilation_w * taps.pixel, taps.bytes);
    }
  }
}

// A window that starts at (in_y, in_x) and leaves the image.
void padded_window(const ConvShape& s, const Taps& taps, const uint8_t* image, int64_t in_y, int64_t in_x,
                   uint8_t padding, uint8_t* to) {
  // Taps [left, right) of a kernel row lie inside the image.
  int64_t left = in_x >= 0 ? 0 : (-in_x + s.dilation_w - 1) / s.dilation_w;
  int64_t right = in_x >= s.w ? 0 : (s.w - in_x + s.dilation_w - 1) / s.dilation_w;
  if (left > s.kw) left = s.kw;
  if (right > s.kw) right = s.kw;
  if (right < left) right = left;
  const int64_t tap = taps.bytes;
  for (int64_t ky = 0; ky < s.kh; ++ky, to += s.kw * tap) {
    const int64_t y = in_y + ky * s.dilation_h;
    if (y < 0 || y >= s.h) {
      memset(to, padding, static_cast<size_t>(s.kw * tap));
      continue;
    }
    const int64_t row = (y * s.w + in_x) * taps.pixel;  // bytes from `image`, perhaps outside of it
    memset(to, padding, static_cast<size_t>(left * tap));
    if (taps.runs) {
      copy_run(to + left * tap, image + (row + left * tap), (right - left) * tap);
    } else {
      for (int64_t kx = left; kx < right; ++kx) {
        copy_run(to + kx * tap, image + (row + kx * s.dilation_w * taps.pixel), tap);
      }
    }
    memset(to + right * tap, padding, static_cast<size_t>((s.kw - right) * tap));
  }
}

}  // namespace

void check_conv_shape(const ConvShape& s, PlanCheck& check) {
  check.that(s.n >= 1 && s.h >= 1 && s.w >= 1 && s.c >= 1 && s.oh >= 1 && s.ow >= 1 && s.kh >= 1 && s.kw >= 1);
  check.that(s.stride_h >= 1 && s.stride_w >= 1 && s.dilation_h >= 1 && s.dilation_w >= 1);
  check.that(s.pad_top >= 0 && s.pad_left >= 0 && s.groups >= 1);
  if (check.ok()) check.that(s.c % s.groups == 0);
}

size_t window_scratch(const ConvShape& shape, int64_t element_bytes) {
  if (shape.pointwise()) return 0;
  const int64_t stride = window_stride(shape.kh * shape.kw * (shape.c / shape.groups) * element_bytes);
  const int64_t most = kRowBytes > kLeastRows * stride ? kRowBytes : kLeastRows * stride;
  return static_cast<size_t>(most);
}

void im2col(const ConvShape& s, const uint8_t* x, int64_t element_bytes, int64_t group, int64_t first, int64_t count,
            uint8_t padding, uint8_t* windows) {
  Taps taps;
  taps.pixel = s.c * element_bytes;
  taps.bytes = s.c / s.groups * element_bytes;
  taps.runs = s.dilation_w == 1 && s.groups == 1;
  const int64_t k_bytes = s.kh * s.kw * taps.bytes;
  const int64_t stride = window_stride(k_bytes);
  const int64_t last_y = s.h - 1 - (s.kh - 1) * s.dilation_h, last_x = s.w - 1 - (s.kw - 1) * s.dilation_w;
  int64_t out_y = first / s.ow, out_x = first % s.ow;  // out_y counts through all images
  for (int64_t p = 0; p < count; ++p, windows += stride) {
    const uint8_t* image = x + out_y / s.oh * s.h * s.w * taps.pixel + group * taps.bytes;
    const int64_t in_y = out_y % s.oh * s.stride_h - s.pad_top;
    const int64_t in_x = out_x * s.stride_w - s.pad_left;
    if (in_y >= 0 && in_y <= last_y && in_x >= 0 && in_x <= last_x) {
      whole_window(s, taps, image + (in_y * s.w + in_x) * taps.pixel, windows);
    } else {
      padded_window(s, taps, image, in_y, in_x, padding, windows);
    }
    for (int64_t i = k_bytes; i < stride; ++i) windows[i] = padding;
    if (++out_x == s.ow) {
      out_x = 0;
      ++out_y;
    }
  }
}

}  // namespace lowbit
