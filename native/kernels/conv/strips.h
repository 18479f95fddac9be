// Convolution without windows: the rows of A are read where the input lies, or from a strip of it with its padding.
#pragma once

#include "native/kernels/conv/conv.h"
#include "native/kernels/gemm_i8/block.h"

namespace lowbit {

// Neighbouring taps of a kernel row lie next to each other in a channels-last image, so the window of an output pixel
// is kh runs of kw * c codes, and the windows of an output row follow one another by stride_w pixels: a matrix whose
// rows overlap. im2col would copy every input pixel kh * kw times to say the same; a strip copies it once, to add the
// padding, and an unpadded convolution copies nothing.
struct StripCut {
  bool possible;          // for symmetric weights; else im2col
  bool direct;            // no window leaves the image: rows are read from the input itself
  int64_t lines;          // output rows of a block
  int64_t blocks;         // per image
  int64_t rows, columns;  // of a strip, in input pixels
  int64_t column_blocks;  // tasks along the output channels
  size_t scratch;         // bytes of a strip
};

// The cut for about `tasks` tasks; fewer make longer strips.
StripCut strip_cut(const ConvShape& shape, int64_t output_channels, int64_t tasks);

// The rows of A of the output lines [first_line, first_line + lines) of an image; `strip` is written unless direct.
GemmI8Rows strip_rows(const ConvShape& shape, const StripCut& cut, const uint8_t* image, int64_t first_line,
                      int64_t lines, uint8_t padding, uint8_t* strip);

}  // namespace lowbit
