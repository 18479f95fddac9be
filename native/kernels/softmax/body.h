// softmax_f32 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/partial_sums.h"
#include "native/kernels/softmax/exponential_lanes.h"
#include "native/kernels/softmax/softmax.h"

namespace lowbit {
namespace {

// Elements i to i + 16 of a row, or what is left of it with `filling` behind; `turn` gives what is stored in their
// place.
template <typename Turn>
inline void each_sixteen(const float* x, float* y, int64_t n, float filling, Turn& turn) {
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kVectors; j++) {
      const int64_t at = i + j * Lanes::kWidth;
      Lanes::store(y + at, turn(Lanes::load(x + at, AllLanes{}), at, j), AllLanes{});
    }
  }
  if (i == n) return;
  float last[kPartialSums];
  for (int64_t j = 0; j < kPartialSums; j++) last[j] = j < n - i ? x[i + j] : filling;
  for (int j = 0; j < kVectors; j++) {
    const int64_t at = j * Lanes::kWidth;
    Lanes::store(last + at, turn.last(Lanes::load(last + at, AllLanes{}), i + at, n, j), AllLanes{});
  }
  for (int64_t j = 0; j < n - i; j++) y[i + j] = last[j];
}

// z = x * scale + mask, and the maxima of the lanes.
struct Masked {
  const float* mask;
  F scale;
  F most[kVectors];
  inline F with(F v, F m, int j) {
    const F z = Lanes::add(Lanes::mul(v, scale), m);
    most[j] = Lanes::greater(z, most[j]);
    return z;
  }
  inline F operator()(F v, int64_t at, int j) { return with(v, Lanes::load(mask + at, AllLanes{}), j); }
  inline F last(F v, int64_t at, int64_t n, int j) {
    float part[Lanes::kWidth] = {};
    for (int64_t i = 0; i < Lanes::kWidth && at + i < n; i++) part[i] = mask[at + i];
    // What is behind the row is minus infinity times the scale: no maximum.
    F z = Lanes::add(Lanes::mul(v, scale), Lanes::load(part, AllLanes{}));
    float values[Lanes::kWidth];
    Lanes::store(values, z, AllLanes{});
    for (int64_t i = 0; i < Lanes::kWidth; i++) values[i] = at + i < n ? values[i] : -kInfinity;
    z = Lanes::load(values, AllLanes{});
    most[j] = Lanes::greater(z, most[j]);
    return z;
  }
};

// e^(z - most), and the sums of the lanes; what is behind the row adds 0.
struct Exponentials {
  F most;
  F sum[kVectors];
  inline F operator()(F v, int64_t, int j) {
    const F e = exponential(Lanes::sub(v, most));
    sum[j] = Lanes::add(sum[j], e);
    return e;
  }
  inline F last(F v, int64_t at, int64_t, int j) { return (*this)(v, at, j); }
};

struct Shares {
  float* y;
  F inverse, nan;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const F share = Lanes::mul(Lanes::load(y + i, e), inverse);
    Lanes::store(y + i, Lanes::where_number(share, share, nan), e);
  }
};

void softmax_rows(const SoftmaxArgs& args) {
  const int64_t n = args.columns;
  const F nan = Lanes::of(std::numeric_limits<float>::quiet_NaN());
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * n;
    float* y = args.y + r * n;
    Exponentials exponentials;
    if (args.mask == nullptr) {
      exponentials.most = Lanes::of(extreme_of<Greatest>(x, n));
    } else {
      Masked masked;
      masked.mask = args.mask + r * args.mask_stride;
      masked.scale = Lanes::of(args.scale);
      for (int j = 0; j < kVectors; j++) masked.most[j] = Lanes::of(-kInfinity);
      each_sixteen(x, y, n, 0.0f, masked);
      exponentials.most = Lanes::of(tree_of_lanes<Greatest>(masked.most));
      x = y;
    }
    for (int j = 0; j < kVectors; j++) exponentials.sum[j] = Lanes::of(0.0f);
    each_sixteen(x, y, n, -kInfinity, exponentials);
    for_lanes(n, Shares{y, Lanes::of(1.0f / tree_of_lanes<Sum>(exponentials.sum)), nan});
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_SOFTMAX_KERNELS(isa)                                       \
  namespace lowbit {                                                      \
  void softmax_f32_##isa(const SoftmaxArgs& args) { softmax_rows(args); } \
  }
