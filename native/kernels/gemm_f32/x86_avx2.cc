// gemm_f32 and gemm_unfused_f32 with AVX2 and FMA.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/kernels/gemm_f32/units/x86_avx2.h"

namespace lowbit {

namespace {

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
