// The loop of min_max_f32 over the lanes of native/isa/lanes. Include inside a target region, behind them.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/statistics/body.h"

namespace lowbit {
namespace {

// Chains vectors of minima and as many of maxima: one of each would wait for itself. A comparison with NaN is false, so
// a NaN of x leaves them alone.
template <int Chains>
LOWBIT_INLINE void range_of(const MinMaxArgs& args) {
  constexpr int w = Lanes::kWidth;
  const AllLanes all{};
  Lanes::F lo[Chains], hi[Chains];
  LOWBIT_UNROLL
  for (int j = 0; j < Chains; j++) {
    lo[j] = Lanes::of(kInfinity);
    hi[j] = Lanes::of(-kInfinity);
  }
  int64_t i = 0;
  for (; i + Chains * w <= args.n; i += Chains * w) {
    LOWBIT_UNROLL
    for (int j = 0; j < Chains; j++) {
      const Lanes::F x = Lanes::load(args.x + i + w * j, all);
      lo[j] = Lanes::less(x, lo[j]);
      hi[j] = Lanes::greater(x, hi[j]);
    }
  }
  LOWBIT_UNROLL
  for (int j = 1; j < Chains; j++) {
    lo[0] = Lanes::less(lo[j], lo[0]);
    hi[0] = Lanes::greater(hi[j], hi[0]);
  }
  float least[w], most[w];
  Lanes::store(least, lo[0], all);
  Lanes::store(most, hi[0], all);
  float least_of = kInfinity, most_of = -kInfinity;
  merge_range(args.x + i, args.n - i, &least_of, &most_of);
  merge_lanes(least, most, w, &least_of, &most_of);
  store_range(least_of, most_of, args.out);
}

}  // namespace
}  // namespace lowbit
