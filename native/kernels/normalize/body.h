// layer_norm_f32 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/normalize/normalize.h"
#include "native/kernels/partial_sums.h"

namespace lowbit {
namespace {

// x + addend, and the sums of the lanes; what is behind the row adds 0.
struct Addition {
  const float* addend;
  F sum[kVectors];
  inline F with(F v, F added, int j) {
    const F both = Lanes::add(v, added);
    sum[j] = Lanes::add(sum[j], both);
    return both;
  }
  inline F operator()(F v, int64_t at, int j) { return with(v, Lanes::load(addend + at, AllLanes{}), j); }
  inline F last(F v, int64_t at, int64_t n, int j) {
    float part[Lanes::kWidth] = {};
    for (int64_t i = 0; i < Lanes::kWidth && at + i < n; i++) part[i] = addend[at + i];
    return with(v, Lanes::load(part, AllLanes{}), j);
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

struct LayerNormRows {
  const LayerNormArgs* args;
  int64_t first;

  inline const float* x(int64_t r) const { return args->x + (first + r) * args->columns; }
  inline float* y(int64_t r) const { return args->y + (first + r) * args->columns; }
  // The row, which y holds once its addend is in it.
  inline const float* row(int64_t r) const { return args->addend == nullptr ? x(r) : y(r); }

  // The sums of the lanes.
  inline void sum(int64_t r, F* lanes) const {
    if (args->addend == nullptr) {
      lanes_of<Sum>(x(r), args->columns, Itself{}, lanes);
      return;
    }
    Addition addition;
    addition.addend = args->addend + (first + r) * args->columns;
    for (int j = 0; j < kVectors; j++) addition.sum[j] = Lanes::of(0.0f);
    each_sixteen(x(r), y(r), args->columns, 0.0f, addition);
    for (int j = 0; j < kVectors; j++) lanes[j] = addition.sum[j];
  }

  inline void normalize(int64_t r, float mean, float inverse) const {
    const F means = Lanes::of(mean), inverses = Lanes::of(inverse);
    if (args->bias != nullptr) {
      for_lanes(args->columns, Normalization<true>{row(r), args->scale, args->bias, y(r), means, inverses});
    } else {
      for_lanes(args->columns, Normalization<false>{row(r), args->scale, nullptr, y(r), means, inverses});
    }
  }

  inline void some(int64_t count) const {
    const float columns = static_cast<float>(args->columns);
    F lanes[kRowsAtOnce][kVectors];
    float mean[kRowsAtOnce], inverse[kRowsAtOnce];
    for (int64_t r = 0; r < count; r++) sum(r, lanes[r]);
    for (int64_t r = 0; r < count; r++) {
      mean[r] = args->subtract_mean != 0 ? tree_of_lanes<Sum>(lanes[r]) / columns : 0.0f;
    }
    for (int64_t r = 0; r < count; r++) {
      lanes_of<Sum>(row(r), args->columns, SquaredDifference{Lanes::of(mean[r])}, lanes[r]);
    }
    for (int64_t r = 0; r < count; r++) {
      const float variance = tree_of_lanes<Sum>(lanes[r]) / columns;
      inverse[r] = Lanes::first(Lanes::div(Lanes::of(1.0f), Lanes::square_root(Lanes::of(variance + args->epsilon))));
    }
    for (int64_t r = 0; r < count; r++) {
      if (args->mean != nullptr) args->mean[first + r] = mean[r];
      if (args->inverse != nullptr) args->inverse[first + r] = inverse[r];
      normalize(r, mean[r], inverse[r]);
    }
  }
};

void layer_norm_rows(const LayerNormArgs& args) {
  const int64_t step = rows_at_once(args.columns);
  for (int64_t r = 0; r < args.rows; r += step) {
    LayerNormRows{&args, r}.some(args.rows - r < step ? args.rows - r : step);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_NORMALIZE_KERNELS(isa)                                             \
  namespace lowbit {                                                              \
  void layer_norm_f32_##isa(const LayerNormArgs& args) { layer_norm_rows(args); } \
  }
