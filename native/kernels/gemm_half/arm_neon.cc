// The products by weights of 16 bits with Advanced SIMD: widened in registers.
#if defined(__aarch64__) || defined(_M_ARM64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/gemm_f32/units/arm_neon.h"

namespace lowbit {

namespace {

struct Halves : Fused {
  static Vector low(Vector v) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 16)); }
  static Vector high(Vector v) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0xffff0000u)));
  }
  static Vector widen(const uint8_t* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const uint16_t*>(p))));
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_half/body.h"

namespace lowbit {

namespace {

template <typename Simd>
void product(const GemmF32Args& args) {
  int64_t panel = 0;
  if (args.rows.rows() == 1) panel = groups<Simd, 1, 2>(args, panel);
  groups<Simd, 5, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_HALF_KERNELS(arm_neon)
#endif
