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
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
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
  int64_t panel = 0;
  if (args.m == 1) {
    for (; args.panels - panel >= 4; panel += 4) columns<Simd, 1, 4>(args, panel);
  }
  for (; panel < args.panels; ++panel) columns<Simd, 6, 1>(args, panel);
}

}  // namespace

void gemm_f32_x86_avx2(const GemmF32Args& args) { product<Fused>(args); }
void gemm_unfused_f32_x86_avx2(const GemmF32Args& args) { product<Unfused>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
