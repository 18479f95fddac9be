// Windows of output pixels as rows of a matrix.
#include <cstring>

#include "native/kernels/conv/conv.h"
#include "native/kernels/pack/blocks.h"

namespace lowbit {

namespace {

// Copies `bytes` bytes. Runs of a first layer are a few bytes long (3 taps of 3 channels), where a call of memcpy costs
// more than the copy: two moves that overlap cover any length between one and two words.
inline void copy_run(uint8_t* to, const uint8_t* from, int64_t bytes) {
  if (bytes > 32) {
    memcpy(to, from, static_cast<size_t>(bytes));
  } else if (bytes >= 16) {
    uint8_t head[16], tail[16];
    memcpy(head, from, 16);
    memcpy(tail, from + bytes - 16, 16);
    memcpy(to, head, 16);
    memcpy(to + bytes - 16, tail, 16);
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
  const int64_t pixel = s.c * element_bytes;             // bytes of an input pixel
  const int64_t tap = s.c / s.groups * element_bytes;    // bytes of one tap of this group
  const bool runs = s.dilation_w == 1 && s.groups == 1;  // neighbouring taps are neighbours in memory
  const int64_t reach = (s.kw - 1) * s.dilation_w;       // columns from the first tap to the last
  const int64_t k_bytes = s.kh * s.kw * tap;
  const int64_t stride = window_stride(k_bytes);
  int64_t image = first / (s.oh * s.ow);
  int64_t out_y = first / s.ow % s.oh;
  int64_t out_x = first % s.ow;
  for (int64_t p = 0; p < count; ++p, windows += stride) {
    const uint8_t* from = x + image * s.h * s.w * pixel + group * tap;
    const int64_t in_x = out_x * s.stride_w - s.pad_left;
    // Taps [left, right) of a kernel row lie inside the image: all of them in most windows, which need no division.
    int64_t left = 0, right = s.kw;
    if (in_x < 0 || in_x + reach >= s.w) {
      left = in_x >= 0 ? 0 : (-in_x + s.dilation_w - 1) / s.dilation_w;
      right = in_x >= s.w ? 0 : (s.w - in_x + s.dilation_w - 1) / s.dilation_w;
      if (left > s.kw) left = s.kw;
      if (right > s.kw) right = s.kw;
      if (right < left) right = left;
    }
    uint8_t* to = windows;
    for (int64_t ky = 0; ky < s.kh; ++ky, to += s.kw * tap) {
      const int64_t in_y = out_y * s.stride_h - s.pad_top + ky * s.dilation_h;
      if (in_y < 0 || in_y >= s.h) {
        memset(to, padding, static_cast<size_t>(s.kw * tap));
        continue;
      }
      if (left > 0) memset(to, padding, static_cast<size_t>(left * tap));
      const int64_t row = (in_y * s.w + in_x) * pixel;  // bytes from `from`, perhaps outside of the image
      if (runs) {
        copy_run(to + left * tap, from + (row + left * tap), (right - left) * tap);
      } else {
        for (int64_t kx = left; kx < right; ++kx)
          copy_run(to + kx * tap, from + (row + kx * s.dilation_w * pixel), tap);
      }
      if (right < s.kw) memset(to + right * tap, padding, static_cast<size_t>((s.kw - right) * tap));
    }
    for (int64_t i = k_bytes; i < stride; ++i) windows[i] = padding;
    if (++out_x == s.ow) {
      out_x = 0;
      if (++out_y == s.oh) {
        out_y = 0;
        ++image;
      }
    }
  }
}

}  // namespace lowbit
