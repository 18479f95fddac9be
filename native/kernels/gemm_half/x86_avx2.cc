// The products by weights of 16 bits with AVX2, FMA and F16C: widened in registers.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/kernels/gemm_f32/units/x86_avx2.h"

namespace lowbit {

namespace {

constexpr int64_t kAhead = 2048;  // bytes; half a page, of four panels side by side

struct Halves : Fused {
  static Vector low(Vector v) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 16)); }
  static Vector high(Vector v) {
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(static_cast<int32_t>(0xffff0000))));
  }
  static Vector widen(const uint8_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
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
  if (args.rows.rows() == 1) panel = groups<Streamed<Simd>, 1, 4>(args, panel);
  groups<Simd, 6, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_HALF_KERNELS(x86_avx2)

#include "native/isa/target/end.h"
#endif
