// The statistics kernels for x86_avx512.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/statistics/body.h"

LOWBIT_ROW_SUM_KERNELS(x86_avx512)

// GCC 12 takes the undefined pass-through operand inside _mm512_min_ps for a mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace lowbit {
// vminps and vmaxps return their second operand when either is NaN, so a NaN of x leaves the accumulator alone. Four
// accumulators of each kind: a minimum takes 4 cycles and two can begin in each.
void min_max_f32_x86_avx512(const MinMaxArgs& args) {
  __m512 lo[4], hi[4];
  for (int j = 0; j < 4; j++) {
    lo[j] = _mm512_set1_ps(kInfinity);
    hi[j] = _mm512_set1_ps(-kInfinity);
  }
  int64_t i = 0;
  for (; i + 64 <= args.n; i += 64) {
    for (int j = 0; j < 4; j++) {
      const __m512 x = _mm512_loadu_ps(args.x + i + 16 * j);
      lo[j] = _mm512_min_ps(x, lo[j]);
      hi[j] = _mm512_max_ps(x, hi[j]);
    }
  }
  float ends[32];
  _mm512_storeu_ps(ends, _mm512_min_ps(_mm512_min_ps(lo[0], lo[1]), _mm512_min_ps(lo[2], lo[3])));
  _mm512_storeu_ps(ends + 16, _mm512_max_ps(_mm512_max_ps(hi[0], hi[1]), _mm512_max_ps(hi[2], hi[3])));
  float least_of = kInfinity, most_of = -kInfinity;
  merge_range(args.x + i, args.n - i, &least_of, &most_of);
  merge_lanes(ends, ends + 16, 16, &least_of, &most_of);
  store_range(least_of, most_of, args.out);
}
}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
