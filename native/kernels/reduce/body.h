// reduce_f32 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/partial_sums.h"
#include "native/kernels/reduce/reduce.h"

namespace lowbit {
namespace {

struct Squared {
  inline F operator()(F v) const { return Lanes::mul(v, v); }
};
struct Magnitude {
  inline F operator()(F v) const { return Lanes::floats(Lanes::bit_and(Lanes::bits(v), Lanes::of(0x7fffffff))); }
};

template <typename Combine, typename Turn>
struct ColumnRun {
  const float* x;
  float* y;
  int64_t axis, inner;
  Turn turn;
  F divisor;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    F all = Lanes::of(Combine::start());
    for (int64_t a = 0; a < axis; a++) all = Combine::of(all, turn(Lanes::load(x + a * inner + i, e)));
    Lanes::store(y + i, Lanes::div(all, divisor), e);
  }
};

template <typename Combine, typename Turn>
void reduce_run(const ReduceArgs& args, float divisor) {
  for (int64_t o = 0; o < args.outer; o++) {
    const float* x = args.x + o * args.axis * args.inner;
    float* y = args.y + o * args.inner;
    if (args.inner == 1) {
      *y = combined_of<Combine>(x, args.axis, Turn{}) / divisor;
    } else {
      for_lanes(args.inner, ColumnRun<Combine, Turn>{x, y, args.axis, args.inner, Turn{}, Lanes::of(divisor)});
    }
  }
}

void reduce_any(const ReduceArgs& args) {
  switch (args.kind) {
    case 0:
      return reduce_run<Sum, Itself>(args, 1.0f);
    case 1:
      return reduce_run<Sum, Itself>(args, static_cast<float>(args.axis));
    case 2:
      return reduce_run<Greatest, Itself>(args, 1.0f);
    case 3:
      return reduce_run<Least, Itself>(args, 1.0f);
    case 4:
      return reduce_run<Product, Itself>(args, 1.0f);
    case 5:
      return reduce_run<Sum, Squared>(args, 1.0f);
    default:
      return reduce_run<Sum, Magnitude>(args, 1.0f);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_REDUCE_KERNELS(isa)                                    \
  namespace lowbit {                                                  \
  void reduce_f32_##isa(const ReduceArgs& args) { reduce_any(args); } \
  }
