// The statistics kernels for arm_neon.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/statistics/body.h"

LOWBIT_ROW_SUM_KERNELS(arm_neon)
namespace lowbit {
// Comparison and selection, not fminnm: a signalling NaN would turn fminnm's result into a NaN.
void min_max_f32_arm_neon(const MinMaxArgs& args) {
  float32x4_t lo[4], hi[4];
  for (int j = 0; j < 4; j++) {
    lo[j] = vdupq_n_f32(kInfinity);
    hi[j] = vdupq_n_f32(-kInfinity);
  }
  int64_t i = 0;
  for (; i + 16 <= args.n; i += 16) {
    for (int j = 0; j < 4; j++) {
      const float32x4_t x = vld1q_f32(args.x + i + 4 * j);
      lo[j] = vbslq_f32(vcltq_f32(x, lo[j]), x, lo[j]);
      hi[j] = vbslq_f32(vcgtq_f32(x, hi[j]), x, hi[j]);
    }
  }
  float ends[32];
  for (int j = 0; j < 4; j++) {
    vst1q_f32(ends + 4 * j, lo[j]);
    vst1q_f32(ends + 16 + 4 * j, hi[j]);
  }
  float least_of = kInfinity, most_of = -kInfinity;
  merge_range(args.x + i, args.n - i, &least_of, &most_of);
  merge_lanes(ends, ends + 16, 16, &least_of, &most_of);
  store_range(least_of, most_of, args.out);
}
}  // namespace lowbit

#endif
