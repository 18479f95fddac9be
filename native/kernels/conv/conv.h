// Channels-last convolution as a matrix product: the rows of A are the windows of the output pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/plan/op.h"

namespace lowbit {

// The geometry of a convolution; every count is at least 1, pads at least 0.
struct ConvShape {
  int64_t n, h, w, c;
  int64_t oh, ow;
  int64_t kh, kw;
  int64_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  int64_t groups;

  int64_t pixels() const { return n * oh * ow; }
  // A 1 x 1 kernel that visits every input pixel once: the input is already the matrix.
  bool pointwise() const {
    return kh == 1 && kw == 1 && stride_h == 1 && stride_w == 1 && pad_top == 0 && pad_left == 0 && oh == h && ow == w;
  }
};

template <typename Fields>
ConvShape conv_shape(const Fields& f, int64_t groups) {
  return {f.n,        f.h,        f.w,       f.c,        f.oh,         f.ow,         f.kh,  f.kw,
          f.stride_h, f.stride_w, f.pad_top, f.pad_left, f.dilation_h, f.dilation_w, groups};
}

// Everything that can be wrong with a geometry, the sizes of x and y apart.
void check_conv_shape(const ConvShape& shape, PlanCheck& check);

// Bytes between the windows that im2col writes: k elements, rounded up to 4 bytes.
inline int64_t window_stride(int64_t k_bytes) { return (k_bytes + 3) / 4 * 4; }

// Bytes of scratch for the windows of a block of pixels as gemm_blocks cuts it; 0 for a pointwise convolution.
size_t window_scratch(const ConvShape& shape, int64_t element_bytes);

// Windows of the output pixels [first, first + count) of one group, one row of k = kh * kw * c / groups elements each,
// window_stride apart. Padded taps and the bytes behind a row are filled with the byte `padding`.
void im2col(const ConvShape& shape, const uint8_t* x, int64_t element_bytes, int64_t group, int64_t first,
            int64_t count, uint8_t padding, uint8_t* windows);

}  // namespace lowbit
