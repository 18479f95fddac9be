// The peak kernels for x86_avx512: vpmaddwd and vpaddd on operands that are widened already, and vfmadd on 16 floats.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"
#include "native/kernels/peak/body.h"
#include "native/kernels/peak/chains.h"

LOWBIT_READ_KERNELS(x86_avx512)

namespace lowbit {
namespace {

struct WideProducts {
  using Vector = __m512i;
  Vector codes, columns[2];

  static LOWBIT_INLINE Vector zero() { return _mm512_setzero_si512(); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int h) {
    LOWBIT_KEEP(codes);
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(codes, columns[h]));
  }
};

struct FloatProducts {
  using Vector = __m512;
  Vector factor, columns;

  static LOWBIT_INLINE Vector zero() { return _mm512_setzero_ps(); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int) { sum = _mm512_fmadd_ps(factor, columns, sum); }
};

}  // namespace

// A step is two vpmaddwd, each for 8 columns; 6 chains of 2 accumulators, which wait for a vpaddd only.
void peak_u8i8_i32_x86_avx512(const PeakI8Args& args) {
  WideProducts products;
  products.codes = _mm512_cvtepu8_epi16(_mm256_set1_epi32(static_cast<int32_t>(code_word(args))));
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    products.columns[h] = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(args.b + 32 * h)));
  }
  __m512i all[2];
  run_chains<6>(products, args.steps, all);
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    uint32_t parts[16];
    _mm512_storeu_si512(parts, all[h]);
    LOWBIT_UNROLL
    for (int j = 0; j < 8; ++j) args.out[8 * h + j] = static_cast<int32_t>(parts[2 * j] + parts[2 * j + 1]);
  }
}

// Two vfmadd start per cycle and take 4 to 5: 12 accumulators.
void peak_f32_x86_avx512(const PeakF32Args& args) {
  FloatProducts products = {_mm512_set1_ps(*args.a), _mm512_loadu_ps(args.b)};
  __m512 all[1];
  run_chains<12>(products, args.steps, all);
  _mm512_storeu_ps(args.out, all[0]);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
