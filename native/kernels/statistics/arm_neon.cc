// The statistics kernels for arm_neon.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/statistics/body.h"
#include "native/kernels/statistics/range.h"

LOWBIT_ROW_SUM_KERNELS(arm_neon)
namespace lowbit {
// Two chains of two registers each. Comparison and selection, not fminnm: a signalling NaN would turn fminnm's result
// into a NaN.
void min_max_f32_arm_neon(const MinMaxArgs& args) { range_of<2>(args); }
}  // namespace lowbit

#endif
