// gemm_f32 and gemm_unfused_f32 with AVX-512.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

namespace lowbit {

namespace {

struct Fused {
  using Vector = __m512;
  static constexpr int kLanes = 16;
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector of(float value) { return _mm512_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  // vmaxps and vminps give their second operand unless the first is the greater (the less).
  static Vector clamp(Vector v, Vector lo, Vector hi) { return _mm512_min_ps(hi, _mm512_max_ps(lo, v)); }
};

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
