// The statistics kernels for x86_avx512.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"
#include "native/kernels/statistics/body.h"
#include "native/kernels/statistics/range.h"

LOWBIT_ROW_SUM_KERNELS(x86_avx512)

namespace lowbit {
// A minimum takes 4 cycles and two can begin in each.
void min_max_f32_x86_avx512(const MinMaxArgs& args) { range_of<4>(args); }
}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
