// gemm_f32 and gemm_unfused_f32 with AVX-512.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/gemm_f32/units/x86_avx512.h"

namespace lowbit {

namespace {

// A product and a sum, each rounded: what processors without a fused multiply-add compute.
struct Unfused : Fused {
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_add_ps(_mm512_mul_ps(a, b), c); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

namespace {

// Two fused multiply-adds start per cycle and each takes 4: 8 or more accumulators keep both ports busy. 27 or 28 of
// the 32 registers accumulate; tiles of 9 x 48 and 14 x 32 read less of the panels per multiply-add than the squarer 6
// x 64, which waits for the L2 cache.
template <typename Simd>
void product(const GemmF32Args& args) {
  const int64_t panels = (args.n + 15) / 16;
  int64_t panel = 0;
  if (args.rows.rows() <= 2) panel = groups<Simd, 2, 8>(args, panel);
  while (panels - panel >= 5 || panels - panel == 3) panel = columns<Simd, 9, 3>(args, panel);
  panel = groups<Simd, 14, 2>(args, panel);
  groups<Simd, 14, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_F32_KERNELS(x86_avx512)

#include "native/isa/target/end.h"
#endif
