// peak_u8i8_i32 for x86_avxvnni: vpdpbusd of 256 bits.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_x86_avxvnni.h"

namespace lowbit {
namespace {

// A step is two of them, one per half of the columns; they take up to 5 cycles: 12 accumulators.
constexpr int kSteps = 6;

}  // namespace

void peak_u8i8_i32_x86_avxvnni(const PeakI8Args& args) {
  uint32_t four;
  memcpy(&four, args.a, 4);
  const __m256i codes = _mm256_set1_epi32(static_cast<int32_t>(four));
  __m256i columns[2], sum[kSteps][2];
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    columns[h] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(args.b + 32 * h));
    LOWBIT_UNROLL
    for (int c = 0; c < kSteps; ++c) {
      sum[c][h] = _mm256_setzero_si256();
      LOWBIT_KEEP(sum[c][h]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += kSteps) {
    LOWBIT_UNROLL
    for (int c = 0; c < kSteps; ++c) {
      LOWBIT_UNROLL
      for (int h = 0; h < 2; ++h) {
        sum[c][h] = _mm256_dpbusd_avx_epi32(sum[c][h], codes, columns[h]);
        LOWBIT_KEEP(sum[c][h]);
      }
    }
  }
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    __m256i all = sum[0][h];
    LOWBIT_UNROLL
    for (int c = 1; c < kSteps; ++c) all = _mm256_add_epi32(all, sum[c][h]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(args.out + 8 * h), all);
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
