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
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
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

// Two fused multiply-adds start per cycle and each takes 4: 8 or more accumulators keep both ports busy.
template <typename Simd>
void product(const GemmF32Args& args) {
  int64_t panel = 0;
  if (args.m <= 2) {
    for (; args.panels - panel >= 8; panel += 8) columns<Simd, 2, 8>(args, panel);
  }
  while (args.panels - panel >= 7 || args.panels - panel == 4) {
    columns<Simd, 6, 4>(args, panel);
    panel += 4;
  }
  for (; args.panels - panel >= 3; panel += 3) columns<Simd, 8, 3>(args, panel);
  if (args.panels - panel == 2) columns<Simd, 12, 2>(args, panel);
  if (args.panels - panel == 1) columns<Simd, 12, 1>(args, panel);
}

}  // namespace

void gemm_f32_x86_avx512(const GemmF32Args& args) { product<Fused>(args); }
void gemm_unfused_f32_x86_avx512(const GemmF32Args& args) { product<Unfused>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
