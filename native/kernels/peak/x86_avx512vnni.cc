// The peak kernels for x86_avx512vnni: vpdpbusd.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

#include "native/kernels/peak/chains.h"

namespace lowbit {
namespace {

struct ByteProducts {
  using Vector = __m512i;
  Vector codes, columns;

  static LOWBIT_INLINE Vector zero() { return _mm512_setzero_si512(); }
  static LOWBIT_INLINE Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  LOWBIT_INLINE void step(Vector& sum, int) { sum = _mm512_dpbusd_epi32(sum, codes, columns); }
};

}  // namespace

// Two of them start per cycle and take 4 to 5: 12 accumulators.
void peak_u8i8_i32_x86_avx512vnni(const PeakI8Args& args) {
  ByteProducts products = {_mm512_set1_epi32(static_cast<int32_t>(code_word(args))), _mm512_loadu_si512(args.b)};
  __m512i all[1];
  run_chains<12>(products, args.steps, all);
  _mm512_storeu_si512(args.out, all[0]);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
