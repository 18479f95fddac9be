// The statistics kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/statistics/body.h"

LOWBIT_ROW_SUM_KERNELS(portable)

namespace lowbit {
// Sixteen lanes, because one chain of comparisons would wait for itself.
void min_max_f32_portable(const MinMaxArgs& args) {
  constexpr int kLanes = 16;
  float lo[kLanes], hi[kLanes];
  for (int j = 0; j < kLanes; j++) {
    lo[j] = kInfinity;
    hi[j] = -kInfinity;
  }
  int64_t i = 0;
  for (; i + kLanes <= args.n; i += kLanes) {
    const float* x = args.x + i;
    for (int j = 0; j < kLanes; j++) {
      lo[j] = x[j] < lo[j] ? x[j] : lo[j];
      hi[j] = x[j] > hi[j] ? x[j] : hi[j];
    }
  }
  float least_of = kInfinity, most_of = -kInfinity;
  merge_range(args.x + i, args.n - i, &least_of, &most_of);
  merge_lanes(lo, hi, kLanes, &least_of, &most_of);
  store_range(least_of, most_of, args.out);
}
}  // namespace lowbit
