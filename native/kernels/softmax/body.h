// softmax_f32 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/partial_sums.h"
#include "native/kernels/softmax/exponential_lanes.h"
#include "native/kernels/softmax/softmax.h"

namespace lowbit {
namespace {

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
  F inverse;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(y + i, Lanes::mul(Lanes::load(y + i, e), inverse), e);
  }
};

struct Filling {
  float* y;
  F value;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(y + i, value, e);
  }
};

struct SoftmaxRows {
  const float* x;
  float* y;
  const float* mask;
  int64_t mask_stride, n;
  F scale;

  inline float most_of(int64_t r) const {
    if (mask == nullptr) return extreme_of<Greatest>(x + r * n, n);
    Masked masked;
    masked.mask = mask + r * mask_stride;
    masked.scale = scale;
    for (int j = 0; j < kVectors; j++) masked.most[j] = Lanes::of(-kInfinity);
    each_sixteen(x + r * n, y + r * n, n, 0.0f, masked);
    return tree_of_lanes<Greatest>(masked.most);
  }

  inline float sum_with(float most, int64_t r) const {
    Exponentials exponentials;
    exponentials.most = Lanes::of(most);
    for (int j = 0; j < kVectors; j++) exponentials.sum[j] = Lanes::of(0.0f);
    each_sixteen((mask == nullptr ? x : y) + r * n, y + r * n, n, -kInfinity, exponentials);
    return tree_of_lanes<Sum>(exponentials.sum);
  }

  inline void divide(float sum, int64_t r) const {
    // The sum is NaN as soon as one of its terms is; else it is at least 1.
    if (sum == sum) {
      for_lanes(n, Shares{y + r * n, Lanes::of(1.0f / sum)});
    } else {
      for_lanes(n, Filling{y + r * n, Lanes::of(std::numeric_limits<float>::quiet_NaN())});
    }
  }

  inline void some(int64_t count) const {
    float number[kRowsAtOnce];
    for (int64_t r = 0; r < count; r++) number[r] = most_of(r);
    for (int64_t r = 0; r < count; r++) number[r] = sum_with(number[r], r);
    for (int64_t r = 0; r < count; r++) divide(number[r], r);
  }
};

void softmax_rows(const SoftmaxArgs& args) {
  const int64_t n = args.columns;
  const int64_t step = rows_at_once(n);
  for (int64_t r = 0; r < args.rows; r += step) {
    const float* mask = args.mask == nullptr ? nullptr : args.mask + r * args.mask_stride;
    const SoftmaxRows rows{args.x + r * n, args.y + r * n, mask, args.mask_stride, n, Lanes::of(args.scale)};
    rows.some(args.rows - r < step ? args.rows - r : step);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_SOFTMAX_KERNELS(isa)                                       \
  namespace lowbit {                                                      \
  void softmax_f32_##isa(const SoftmaxArgs& args) { softmax_rows(args); } \
  }
