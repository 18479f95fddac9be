// layer_norm_f32 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/normalize/normalize.h"
#include "native/kernels/partial_sums.h"

namespace lowbit {
namespace {

struct Addition {
  const float* x;
  const float* addend;
  float* y;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(y + i, Lanes::add(Lanes::load(x + i, e), Lanes::load(addend + i, e)), e);
  }
};

struct SquaredDifference {
  F mean;
  inline F operator()(F v) const {
    const F d = Lanes::sub(v, mean);
    return Lanes::mul(d, d);
  }
};

template <bool kBias>
struct Normalization {
  const float* x;
  const float* scale;
  const float* bias;
  float* y;
  F mean, inverse;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const F d = Lanes::mul(Lanes::sub(Lanes::load(x + i, e), mean), inverse);
    const F scaled = Lanes::mul(d, Lanes::load(scale + i, e));
    Lanes::store(y + i, kBias ? Lanes::add(scaled, Lanes::load(bias + i, e)) : scaled, e);
  }
};

void layer_norm_rows(const LayerNormArgs& args) {
  const int64_t n = args.columns;
  const float count = static_cast<float>(n);
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * n;
    float* y = args.y + r * n;
    if (args.addend != nullptr) {
      for_lanes(n, Addition{x, args.addend + r * n, y});
      x = y;
    }
    const float mean = args.subtract_mean != 0 ? sum_of(x, n, Itself{}) / count : 0.0f;
    const F means = Lanes::of(mean);
    const float variance = sum_of(x, n, SquaredDifference{means}) / count;
    float inverse[Lanes::kWidth];
    Lanes::store(inverse, Lanes::div(Lanes::of(1.0f), Lanes::square_root(Lanes::of(variance + args.epsilon))),
                 AllLanes{});
    if (args.mean != nullptr) args.mean[r] = mean;
    if (args.inverse != nullptr) args.inverse[r] = inverse[0];
    const F inverses = Lanes::of(inverse[0]);
    if (args.bias != nullptr) {
      for_lanes(n, Normalization<true>{x, args.scale, args.bias, y, means, inverses});
    } else {
      for_lanes(n, Normalization<false>{x, args.scale, nullptr, y, means, inverses});
    }
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_NORMALIZE_KERNELS(isa)                                             \
  namespace lowbit {                                                              \
  void layer_norm_f32_##isa(const LayerNormArgs& args) { layer_norm_rows(args); } \
  }
