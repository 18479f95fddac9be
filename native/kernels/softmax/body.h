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

// Vectors whose exponentials are computed side by side, whole sixteens of as many as the registers hold.
constexpr int kChains = Lanes::kWidth == 16 ? 4 : Lanes::kWidth == 8 ? 2 : 0;

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

  // kCount vectors at once.
  template <int kCount>
  inline void several(const float* x, float* y) {
    F e[kCount];
    LOWBIT_UNROLL
    for (int i = 0; i < kCount; i++) e[i] = Lanes::sub(Lanes::load(x + i * Lanes::kWidth, AllLanes{}), most);
    exponentials(e);
    LOWBIT_UNROLL
    for (int i = 0; i < kCount; i++) {
      sum[i % kVectors] = Lanes::add(sum[i % kVectors], e[i]);
      Lanes::store(y + i * Lanes::kWidth, e[i], AllLanes{});
    }
  }
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

  // The maxima of the lanes.
  inline void most_of(int64_t r, F* lanes) const {
    if (mask == nullptr) {
      lanes_of<Greatest>(x + r * n, n, Itself{}, lanes);
      return;
    }
    Masked masked;
    masked.mask = mask + r * mask_stride;
    masked.scale = scale;
    for (int j = 0; j < kVectors; j++) masked.most[j] = Lanes::of(-kInfinity);
    each_sixteen(x + r * n, y + r * n, n, 0.0f, masked);
    for (int j = 0; j < kVectors; j++) lanes[j] = masked.most[j];
  }

  // The exponentials, and their sums in lanes.
  inline void sum_with(float most, int64_t r, F* lanes) const {
    Exponentials exponentials;
    exponentials.most = Lanes::of(most);
    for (int j = 0; j < kVectors; j++) exponentials.sum[j] = Lanes::of(0.0f);
    const float* from = (mask == nullptr ? x : y) + r * n;
    float* to = y + r * n;
    int64_t done = 0;
    if constexpr (kChains > 0) {
      for (; done + kChains * Lanes::kWidth <= n; done += kChains * Lanes::kWidth) {
        exponentials.several<kChains>(from + done, to + done);
      }
    }
    each_sixteen(from + done, to + done, n - done, -kInfinity, exponentials);
    for (int j = 0; j < kVectors; j++) lanes[j] = exponentials.sum[j];
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
    F lanes[kRowsAtOnce][kVectors];
    float number[kRowsAtOnce];
    for (int64_t r = 0; r < count; r++) most_of(r, lanes[r]);
    for (int64_t r = 0; r < count; r++) number[r] = tree_of_lanes<Greatest>(lanes[r]);
    for (int64_t r = 0; r < count; r++) sum_with(number[r], r, lanes[r]);
    for (int64_t r = 0; r < count; r++) number[r] = tree_of_lanes<Sum>(lanes[r]);
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
