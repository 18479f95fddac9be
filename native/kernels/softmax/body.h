// softmax_f32 over the lanes of an instruction set.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/partial_sums.h"
#include "native/kernels/softmax/exponential_lanes.h"
#include "native/kernels/softmax/softmax.h"

namespace lowbit {
namespace {

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

void softmax_rows(const SoftmaxArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * args.columns;
    float* y = args.y + r * args.columns;
    for_lanes(args.columns, Exponentials{x, y, Lanes::of(extreme_of<Greatest>(x, args.columns))});
    const F nan = Lanes::of(std::numeric_limits<float>::quiet_NaN());
    for_lanes(args.columns, Quotients{y, Lanes::of(sum_of(y, args.columns, Itself{})), nan});
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_SOFTMAX_KERNELS(isa)                                       \
  namespace lowbit {                                                      \
  void softmax_f32_##isa(const SoftmaxArgs& args) { softmax_rows(args); } \
  }
