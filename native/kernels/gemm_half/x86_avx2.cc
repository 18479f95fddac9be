// The products by weights of 16 bits with AVX2, FMA and F16C: widened in registers.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/kernels/gemm_f32/units/x86_avx2.h"

namespace lowbit {

namespace {

using Floats = Fused;

struct Bf16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(group + 4 * first));
    return _mm256_castsi256_ps(S == 0 ? _mm256_slli_epi32(pairs, 16)
                                      : _mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int32_t>(0xffff0000))));
  }
};

struct F16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(group + 32 * S + 2 * first)));
  }
};

// Pairs of bf16 on both sides.
struct Bf16Pairs : Floats {
  static Vector low(Vector v) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 16)); }
  static Vector high(Vector v) {
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(static_cast<int32_t>(0xffff0000))));
  }
  static Vector multiply_add(Vector a, Vector b, Vector c) {
    return Floats::multiply_add(high(a), high(b), Floats::multiply_add(low(a), low(b), c));
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

namespace {

template <typename Simd>
void product(const GemmF32Args& args) {
  int64_t panel = 0;
  if (args.rows.rows() == 1) panel = groups<Simd, 1, 4>(args, panel);
  groups<Simd, 6, 1>(args, panel);
}

}  // namespace

void gemm_f32bf16_f32_x86_avx2(const GemmF32Args& args) { product<Bf16Columns>(args); }
void gemm_f32f16_f32_x86_avx2(const GemmF32Args& args) { product<F16Columns>(args); }
void gemm_bf16bf16_f32_x86_avx2(const GemmF32Args& args) { product<Bf16Pairs>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
