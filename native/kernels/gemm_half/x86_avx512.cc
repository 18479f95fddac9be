// The products by weights of 16 bits with AVX-512: widened in registers.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/gemm_f32/units/x86_avx512.h"

namespace lowbit {

namespace {

constexpr int64_t kAhead = 2048;  // bytes; half a page, of four panels side by side

struct Halves : Fused {
  static Vector low(Vector v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 16)); }
  static Vector high(Vector v) {
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(static_cast<int32_t>(0xffff0000))));
  }
  static Vector widen(const uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void ahead(const uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p + kAhead), _MM_HINT_T0); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_half/body.h"

namespace lowbit {

namespace {

template <typename Simd>
void product(const GemmF32Args& args) {
  int64_t panel = 0;
  if (args.rows.rows() <= 2) panel = groups<Streamed<Simd>, 2, 4>(args, panel);
  panel = groups<Simd, 12, 2>(args, panel);
  groups<Simd, 12, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_HALF_KERNELS(x86_avx512)

#include "native/isa/target/end.h"
#endif
