// gemm_f32 with AVX-512.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

namespace lowbit {

namespace {

struct Simd {
  using Vector = __m512;
  static constexpr int kLanes = 16;
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

// Two fused multiply-adds start per cycle and each takes 4: 8 or more accumulators keep both ports busy.
void gemm_f32_x86_avx512vnni(const GemmF32Args& args) {
  int64_t panel = 0;
  if (args.m <= 2) {
    for (; args.panels - panel >= 8; panel += 8) columns<2, 8>(args, panel);
  }
  while (args.panels - panel >= 7 || args.panels - panel == 4) {
    columns<6, 4>(args, panel);
    panel += 4;
  }
  for (; args.panels - panel >= 3; panel += 3) columns<8, 3>(args, panel);
  if (args.panels - panel == 2) columns<12, 2>(args, panel);
  if (args.panels - panel == 1) columns<12, 1>(args, panel);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
