// depthwise_f32 in portable C++: the definition of the others.
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

void pixel(const DepthwiseF32Args& args, const float* x, int64_t column, float* y) {
  for (int64_t c = 0; c < args.channels; ++c) {
    float sum = 0.0f;
    for (int64_t i = 0; i < args.rows; ++i) {
      for (int64_t j = 0; j < args.columns; ++j) {
        const int64_t at = column + j * args.dilation;
        if (at < 0 || at >= args.width) continue;
        const float product =
            x[i * args.tap_row + at * args.channels + c] * args.w[i * args.w_row + j * args.channels + c];
        sum += product;
      }
    }
    if (args.bias != nullptr) sum += args.bias[c];
    y[c] = sum < args.lo ? args.lo : sum > args.hi ? args.hi : sum;
  }
}

}  // namespace

void depthwise_f32_portable(const DepthwiseF32Args& args) {
  for (int64_t l = 0; l < args.lines; ++l) {
    for (int64_t p = 0; p < args.pixels; ++p) {
      pixel(args, args.x + l * args.line_stride, p * args.stride - args.left,
            args.y + l * args.y_line + p * args.channels);
    }
  }
}

}  // namespace lowbit
