// The peak kernels for x86_avx512: vpmaddwd and vpaddd on operands that are widened already, and vfmadd on 16 floats.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"
#include "native/kernels/peak/keep.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"
#include "native/kernels/peak/body.h"

LOWBIT_READ_KERNELS(x86_avx512)

namespace lowbit {
namespace {

// Two of them start per cycle and take 4 to 5: 12 accumulators.
constexpr int kPairs = 6;

}  // namespace

// A step is two vpmaddwd, each for 8 columns; 6 chains of 2 accumulators, which wait for a vpaddd only.
void peak_u8i8_i32_x86_avx512(const PeakI8Args& args) {
  uint32_t four;
  memcpy(&four, args.a, 4);
  __m512i codes = _mm512_cvtepu8_epi16(_mm256_set1_epi32(static_cast<int32_t>(four)));
  __m512i columns[2], sum[kPairs][2];
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    columns[h] = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(args.b + 32 * h)));
    LOWBIT_UNROLL
    for (int c = 0; c < kPairs; ++c) {
      sum[c][h] = _mm512_setzero_si512();
      LOWBIT_KEEP(sum[c][h]);
    }
  }
  for (int64_t s = 0; s < args.steps; s += kPairs) {
    LOWBIT_UNROLL
    for (int c = 0; c < kPairs; ++c) {
      LOWBIT_UNROLL
      for (int h = 0; h < 2; ++h) {
        LOWBIT_KEEP(codes);
        sum[c][h] = _mm512_add_epi32(sum[c][h], _mm512_madd_epi16(codes, columns[h]));
        LOWBIT_KEEP(sum[c][h]);
      }
    }
  }
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    __m512i all = sum[0][h];
    LOWBIT_UNROLL
    for (int c = 1; c < kPairs; ++c) all = _mm512_add_epi32(all, sum[c][h]);
    uint32_t parts[16];
    _mm512_storeu_si512(parts, all);
    LOWBIT_UNROLL
    for (int j = 0; j < 8; ++j) args.out[8 * h + j] = static_cast<int32_t>(parts[2 * j] + parts[2 * j + 1]);
  }
}

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
