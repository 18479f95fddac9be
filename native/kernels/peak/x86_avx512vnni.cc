// The peak kernels for x86_avx512vnni: vpdpbusd.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

namespace lowbit {
namespace {

// Two of them start per cycle and take 4 to 5: 12 accumulators.
constexpr int kPairs = 6;

}  // namespace

void peak_u8i8_i32_x86_avx512vnni(const PeakI8Args& args) {
  uint32_t four;
  memcpy(&four, args.a, 4);
  const __m512i codes = _mm512_set1_epi32(static_cast<int32_t>(four));
  const __m512i columns = _mm512_loadu_si512(args.b);
  __m512i sum[kPairs][2];
  LOWBIT_UNROLL
  for (int c = 0; c < kPairs; ++c) {
    LOWBIT_UNROLL
    for (int i = 0; i < 2; ++i) {
      sum[c][i] = _mm512_setzero_si512();
      LOWBIT_KEEP(sum[c][i]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += 2 * kPairs) {
    LOWBIT_UNROLL
    for (int c = 0; c < kPairs; ++c) {
      LOWBIT_UNROLL
      for (int i = 0; i < 2; ++i) {
        sum[c][i] = _mm512_dpbusd_epi32(sum[c][i], codes, columns);
        LOWBIT_KEEP(sum[c][i]);
      }
    }
  }
  __m512i all = _mm512_setzero_si512();
  LOWBIT_UNROLL
  for (int c = 0; c < kPairs; ++c) all = _mm512_add_epi32(all, _mm512_add_epi32(sum[c][0], sum[c][1]));
  _mm512_storeu_si512(args.out, all);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
