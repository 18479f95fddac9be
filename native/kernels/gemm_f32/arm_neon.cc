// gemm_f32 and gemm_unfused_f32 with Advanced SIMD.
#if defined(__aarch64__) || defined(_M_ARM64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

namespace lowbit {

namespace {

struct Fused {
  using Vector = float32x4_t;
  static constexpr int kLanes = 4;
  static Vector zero() { return vdupq_n_f32(0.0f); }
  static Vector load(const float* p) { return vld1q_f32(p); }
  static void store(float* p, Vector v) { vst1q_f32(p, v); }
  static Vector broadcast(const float* p) { return vld1q_dup_f32(p); }
  static Vector of(float value) { return vdupq_n_f32(value); }
  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  static Vector clamp(Vector v, Vector lo, Vector hi) {
    const Vector raised = vbslq_f32(vcltq_f32(v, lo), lo, v);
    return vbslq_f32(vcgtq_f32(raised, hi), hi, raised);
  }
};

// A product and a sum, each rounded: what processors without a fused multiply-add compute.
struct Unfused : Fused {
  static Vector multiply_add(Vector a, Vector b, Vector c) { return vaddq_f32(vmulq_f32(a, b), c); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

namespace {

// 24 of the 32 registers accumulate 6 rows of one panel, 4 hold the panel.
template <typename Simd>
void product(const GemmF32Args& args) {
  const int64_t panel = args.rows.rows() == 1 ? groups<Simd, 1, 2>(args, 0) : 0;
  groups<Simd, 6, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_F32_KERNELS(arm_neon)
#endif
