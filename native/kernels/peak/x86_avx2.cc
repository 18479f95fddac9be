// The peak kernels for x86_avx2: vpmaddwd and vpaddd on operands that are widened already, and vfmadd.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/peak/body.h"

LOWBIT_READ_KERNELS(x86_avx2)

namespace lowbit {

// A step is 4 vpmaddwd, each for 4 columns; 2 chains of 4 accumulators, which wait for a vpaddd only.
void peak_u8i8_i32_x86_avx2(const PeakI8Args& args) {
  constexpr int kChains = 2;
  uint32_t four;
  memcpy(&four, args.a, 4);
  __m256i codes = _mm256_cvtepu8_epi16(_mm_set1_epi32(static_cast<int32_t>(four)));
  __m256i columns[4], sum[kChains][4];
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    columns[q] = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(args.b + 16 * q)));
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      sum[c][q] = _mm256_setzero_si256();
      LOWBIT_KEEP(sum[c][q]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += kChains) {
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      LOWBIT_UNROLL
      for (int q = 0; q < 4; ++q) {
        LOWBIT_KEEP(codes);
        sum[c][q] = _mm256_add_epi32(sum[c][q], _mm256_madd_epi16(codes, columns[q]));
        LOWBIT_KEEP(sum[c][q]);
      }
    }
  }
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    const __m256i all = _mm256_add_epi32(sum[0][q], sum[1][q]);
    uint32_t parts[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts), all);
    LOWBIT_UNROLL
    for (int j = 0; j < 4; ++j) args.out[4 * q + j] = static_cast<int32_t>(parts[2 * j] + parts[2 * j + 1]);
  }
}

// Two vfmadd start per cycle and each takes 4 to 5: 12 accumulators, 6 chains of 16 columns.
void peak_f32_x86_avx2(const PeakF32Args& args) {
  constexpr int kChains = 6;
  const __m256 factor = _mm256_set1_ps(*args.a);
  __m256 columns[2], sum[kChains][2];
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    columns[h] = _mm256_loadu_ps(args.b + 8 * h);
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      sum[c][h] = _mm256_setzero_ps();
      LOWBIT_KEEP(sum[c][h]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += kChains) {
    LOWBIT_UNROLL
    for (int c = 0; c < kChains; ++c) {
      LOWBIT_UNROLL
      for (int h = 0; h < 2; ++h) {
        sum[c][h] = _mm256_fmadd_ps(factor, columns[h], sum[c][h]);
        LOWBIT_KEEP(sum[c][h]);
      }
    }
  }
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    __m256 all = sum[0][h];
    LOWBIT_UNROLL
    for (int c = 1; c < kChains; ++c) all = _mm256_add_ps(all, sum[c][h]);
    _mm256_storeu_ps(args.out + 8 * h, all);
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
