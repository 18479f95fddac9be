// Float convolution without windows: the rows of A are read where the input lies, or from a strip of it with its
// padding.
#pragma once

#include "native/kernels/conv/conv.h"
#include "native/kernels/gemm_f32/gemm_f32.h"

namespace lowbit {

// As strips.h says for codes: the window of an output pixel is kh runs of kw * c floats, and the windows of an output
// row follow one another by stride_w pixels, a matrix whose rows overlap. A strip copies the input rows of a block of
// output rows once, to add the padding; an unpadded convolution copies nothing.
struct FloatStrips {
  bool possible;          // else im2col
  bool direct;            // no window leaves the image: rows are read from the input itself
  int64_t lines;          // output rows of a block
  int64_t blocks;         // per image
  int64_t columns;        // of a strip, in input pixels
  int64_t panels, steps;  // as in GemmBlocks
  int64_t column_blocks;  // tasks along the output channels
  size_t scratch;         // bytes of a strip
};

FloatStrips float_strips(const ConvShape& shape, int64_t output_channels, int threads);

// The rows of A of the output lines [first_line, first_line + lines) of an image; `strip` is written unless direct.
FloatRows float_strip_rows(const ConvShape& shape, const FloatStrips& cut, const float* image, int64_t first_line,
                           int64_t lines, float* strip);

}  // namespace lowbit
