// depthwise_u8i8_i32 and depthwise_i8i8_i32 in portable C++: the definition of the others.
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

template <typename Input>
void depthwise(const DepthwiseArgs& args) {
  const int8_t* w = static_cast<const int8_t*>(args.w);
  int32_t* acc = static_cast<int32_t*>(args.acc);
  for (int64_t p = 0; p < args.pixels; ++p, acc += args.channels) {
    const void* const* taps = args.taps + p * args.tap_count;
    for (int64_t c = 0; c < args.channels; ++c) acc[c] = 0;
    for (int64_t t = 0; t < args.tap_count; ++t) {
      const Input* x = static_cast<const Input*>(taps[t]);
      for (int64_t c = 0; c < args.channels; ++c) acc[c] += x[c] * w[t * args.channels + c];
    }
  }
}

}  // namespace

void depthwise_u8i8_i32_portable(const DepthwiseArgs& args) { depthwise<uint8_t>(args); }
void depthwise_i8i8_i32_portable(const DepthwiseArgs& args) { depthwise<int8_t>(args); }

}  // namespace lowbit
