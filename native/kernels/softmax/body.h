// softmax_f32 over the lanes of an instruction set: the operations of the portable kernel, in the same order.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/softmax/exponential.h"
#include "native/kernels/softmax/softmax.h"

namespace lowbit {
namespace {

inline F exponential(F v) {
  const F smallest = Lanes::of(kSmallest);
  const F x = Lanes::greater(smallest, v);
  const F biased = Lanes::add(Lanes::mul(x, Lanes::of(kLog2E)), Lanes::of(kRound));
  const F n = Lanes::sub(biased, Lanes::of(kRound));
  const F r = Lanes::sub(Lanes::sub(x, Lanes::mul(n, Lanes::of(kLn2High))), Lanes::mul(n, Lanes::of(kLn2Low)));
  F q = Lanes::of(kQ4);
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ3));
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ2));
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ1));
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ0));
  const F e = Lanes::add(Lanes::add(Lanes::mul(q, Lanes::mul(r, r)), r), Lanes::of(1.0f));
  const I power = Lanes::shift_left_23(Lanes::add(Lanes::bits(biased), less_bits(0)));
  const F scaled = Lanes::floats(Lanes::add(Lanes::bits(e), power));
  return Lanes::where_less(v, smallest, Lanes::of(0.0f), Lanes::where_number(v, scaled, v));
}

struct Exponentials {
  const float* x;
  float* y;
  F most;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(y + i, exponential(Lanes::sub(Lanes::load(x + i, e), most)), e);
  }
};

struct Quotients {
  float* y;
  F sum, nan;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const F q = Lanes::div(Lanes::load(y + i, e), sum);
    Lanes::store(y + i, Lanes::where_number(q, q, nan), e);
  }
};

constexpr int kVectors = kPartialSums / Lanes::kWidth;

inline float maximum_of(const float* x, int64_t n) {
  F lanes[kVectors];
  for (int j = 0; j < kVectors; j++) lanes[j] = Lanes::of(-kInfinity);
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kVectors; j++) {
      lanes[j] = Lanes::greater(Lanes::load(x + i + j * Lanes::kWidth, AllLanes{}), lanes[j]);
    }
  }
  float parts[kPartialSums];
  for (int j = 0; j < kVectors; j++) Lanes::store(parts + j * Lanes::kWidth, lanes[j], AllLanes{});
  for (int j = 0; i < n; i++, j++) parts[j] = x[i] > parts[j] ? x[i] : parts[j];
  float most = parts[0];
  for (int j = 1; j < kPartialSums; j++) most = parts[j] > most ? parts[j] : most;
  return most;
}

// Lane j adds the elements j, j + 16, j + 32, … in order; the lanes are added as a tree.
inline float sum_of(const float* x, int64_t n) {
  F lanes[kVectors];
  for (int j = 0; j < kVectors; j++) lanes[j] = Lanes::of(0.0f);
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kVectors; j++) {
      lanes[j] = Lanes::add(lanes[j], Lanes::load(x + i + j * Lanes::kWidth, AllLanes{}));
    }
  }
  float parts[kPartialSums];
  for (int j = 0; j < kVectors; j++) Lanes::store(parts + j * Lanes::kWidth, lanes[j], AllLanes{});
  for (int j = 0; i < n; i++, j++) parts[j] = parts[j] + x[i];
  for (int half = kPartialSums / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; j++) parts[j] = parts[j] + parts[j + half];
  }
  return parts[0];
}

void softmax_rows(const SoftmaxArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * args.columns;
    float* y = args.y + r * args.columns;
    for_lanes(args.columns, Exponentials{x, y, Lanes::of(maximum_of(x, args.columns))});
    const F nan = Lanes::of(std::numeric_limits<float>::quiet_NaN());
    for_lanes(args.columns, Quotients{y, Lanes::of(sum_of(y, args.columns)), nan});
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_SOFTMAX_KERNELS(isa)                                       \
  namespace lowbit {                                                      \
  void softmax_f32_##isa(const SoftmaxArgs& args) { softmax_rows(args); } \
  }
