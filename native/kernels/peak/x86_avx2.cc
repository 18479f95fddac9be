// The peak kernels for x86_avx2: vpmaddwd and vpaddd on operands that are widened already, and vfmadd.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/peak/body.h"
#include "native/kernels/peak/chains.h"

LOWBIT_READ_KERNELS(x86_avx2)

namespace lowbit {
namespace {

struct WideProducts {
  using Vector = __m256i;
  Vector codes, columns[4];

  static LOWBIT_INLINE Vector zero() { return _mm256_setzero_si256(); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int q) {
    LOWBIT_KEEP(codes);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(codes, columns[q]));
  }
};

struct FloatProducts {
  using Vector = __m256;
  Vector factor, columns[2];

  static LOWBIT_INLINE Vector zero() { return _mm256_setzero_ps(); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int q) { sum = _mm256_fmadd_ps(factor, columns[q], sum); }
};

}  // namespace

// A step is 4 vpmaddwd, each for 4 columns; 2 chains of 4 accumulators, which wait for a vpaddd only.
void peak_u8i8_i32_x86_avx2(const PeakI8Args& args) {
  WideProducts products;
  products.codes = _mm256_cvtepu8_epi16(_mm_set1_epi32(static_cast<int32_t>(code_word(args))));
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    products.columns[q] = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(args.b + 16 * q)));
  }
  __m256i all[4];
  run_chains<2>(products, args.steps, all);
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    uint32_t parts[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts), all[q]);
    LOWBIT_UNROLL
    for (int j = 0; j < 4; ++j) args.out[4 * q + j] = static_cast<int32_t>(parts[2 * j] + parts[2 * j + 1]);
  }
}

// Two vfmadd start per cycle and each takes 4 to 5: 12 accumulators, 6 chains of 16 columns.
void peak_f32_x86_avx2(const PeakF32Args& args) {
  FloatProducts products = {_mm256_set1_ps(*args.a), {_mm256_loadu_ps(args.b), _mm256_loadu_ps(args.b + 8)}};
  __m256 all[2];
  run_chains<6>(products, args.steps, all);
  _mm256_storeu_ps(args.out, all[0]);
  _mm256_storeu_ps(args.out + 8, all[1]);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
