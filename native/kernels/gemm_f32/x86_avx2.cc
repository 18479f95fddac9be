// gemm_f32 and gemm_unfused_f32 with AVX2 and FMA.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

namespace lowbit {

namespace {

struct Fused {
  using Vector = __m256;
  static constexpr int kLanes = 8;
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector of(float value) { return _mm256_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  // vmaxps and vminps give their second operand unless the first is the greater (the less).
  static Vector clamp(Vector v, Vector lo, Vector hi) { return _mm256_min_ps(hi, _mm256_max_ps(lo, v)); }
};

// A product and a sum, each rounded: what processors without a fused multiply-add compute.
struct Unfused : Fused {
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_add_ps(_mm256_mul_ps(a, b), c); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

namespace {

// 12 of the 16 registers accumulate 6 rows of one panel; a row alone takes 4 panels to have 8 chains in flight.
template <typename Simd>
void product(const GemmF32Args& args) {
  const int64_t panel = args.rows.rows() == 1 ? groups<Simd, 1, 4>(args, 0) : 0;
  groups<Simd, 6, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_F32_KERNELS(x86_avx2)

#include "native/isa/target/end.h"
#endif
