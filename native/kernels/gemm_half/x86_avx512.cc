// The products by weights of 16 bits with AVX-512: widened in registers.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/gemm_f32/units/x86_avx512.h"

namespace lowbit {

namespace {

using Floats = Fused;

struct Bf16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    const __m512i pairs = _mm512_loadu_si512(group + 4 * first);
    return _mm512_castsi512_ps(S == 0 ? _mm512_slli_epi32(pairs, 16)
                                      : _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int32_t>(0xffff0000))));
  }
};

struct F16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(group + 32 * S + 2 * first)));
  }
};

// Pairs of bf16 on both sides.
struct Bf16Pairs : Floats {
  static Vector low(Vector v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 16)); }
  static Vector high(Vector v) {
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(static_cast<int32_t>(0xffff0000))));
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
  if (args.rows.rows() <= 2) panel = groups<Simd, 2, 4>(args, panel);
  panel = groups<Simd, 12, 2>(args, panel);
  groups<Simd, 12, 1>(args, panel);
}

}  // namespace

void gemm_f32bf16_f32_x86_avx512(const GemmF32Args& args) { product<Bf16Columns>(args); }
void gemm_f32f16_f32_x86_avx512(const GemmF32Args& args) { product<F16Columns>(args); }
void gemm_bf16bf16_f32_x86_avx512(const GemmF32Args& args) { product<Bf16Pairs>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
