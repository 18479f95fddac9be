// The peak kernels for x86_avx512: vfmadd on 16 floats.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/peak/body.h"

LOWBIT_READ_KERNELS(x86_avx512)

namespace lowbit {
namespace {

// Two of them start per cycle and take 4 to 5: 12 accumulators.
constexpr int kPairs = 6;

}  // namespace

void peak_f32_x86_avx512(const PeakF32Args& args) {
  const __m512 factor = _mm512_set1_ps(*args.a);
  const __m512 columns = _mm512_loadu_ps(args.b);
  __m512 sum[kPairs][2];
  LOWBIT_UNROLL
  for (int c = 0; c < kPairs; ++c) {
    LOWBIT_UNROLL
    for (int i = 0; i < 2; ++i) {
      sum[c][i] = _mm512_setzero_ps();
      LOWBIT_KEEP(sum[c][i]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += 2 * kPairs) {
    LOWBIT_UNROLL
    for (int c = 0; c < kPairs; ++c) {
      LOWBIT_UNROLL
      for (int i = 0; i < 2; ++i) {
        sum[c][i] = _mm512_fmadd_ps(factor, columns, sum[c][i]);
        LOWBIT_KEEP(sum[c][i]);
      }
    }
  }
  __m512 all = _mm512_setzero_ps();
  LOWBIT_UNROLL
  for (int c = 0; c < kPairs; ++c) all = _mm512_add_ps(all, _mm512_add_ps(sum[c][0], sum[c][1]));
  _mm512_storeu_ps(args.out, all);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
