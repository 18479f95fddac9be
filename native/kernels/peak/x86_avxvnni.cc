// peak_u8i8_i32 for x86_avxvnni: vpdpbusd of 256 bits.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avxvnni.h"

#include "native/kernels/peak/chains.h"

namespace lowbit {
namespace {

struct ByteProducts {
  using Vector = __m256i;
  Vector codes, columns[2];

  static LOWBIT_INLINE Vector zero() { return _mm256_setzero_si256(); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int h) { sum = _mm256_dpbusd_avx_epi32(sum, codes, columns[h]); }
};

}  // namespace

// A step is two of them, one per half of the columns; they take up to 5 cycles: 12 accumulators.
void peak_u8i8_i32_x86_avxvnni(const PeakI8Args& args) {
  const __m256i* b = reinterpret_cast<const __m256i*>(args.b);
  ByteProducts products = {_mm256_set1_epi32(static_cast<int32_t>(code_word(args))),
                           {_mm256_loadu_si256(b), _mm256_loadu_si256(b + 1)}};
  __m256i all[2];
  run_chains<6>(products, args.steps, all);
  __m256i* out = reinterpret_cast<__m256i*>(args.out);
  _mm256_storeu_si256(out, all[0]);
  _mm256_storeu_si256(out + 1, all[1]);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
