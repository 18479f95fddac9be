// The products by weights of 16 bits with Advanced SIMD: widened in registers.
#if defined(__aarch64__) || defined(_M_ARM64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/gemm_f32/units/arm_neon.h"

namespace lowbit {

namespace {

using Floats = Fused;

struct Bf16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    const uint32x4_t pairs = vld1q_u32(reinterpret_cast<const uint32_t*>(group + 4 * first));
    return vreinterpretq_f32_u32(S == 0 ? vshlq_n_u32(pairs, 16) : vandq_u32(pairs, vdupq_n_u32(0xffff0000u)));
  }
};

struct F16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const uint16_t*>(group + 32 * S + 2 * first))));
  }
};

// Pairs of bf16 on both sides.
struct Bf16Pairs : Floats {
  static Vector low(Vector v) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 16)); }
  static Vector high(Vector v) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0xffff0000u)));
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
  if (args.rows.rows() == 1) panel = groups<Simd, 1, 2>(args, panel);
  groups<Simd, 5, 1>(args, panel);
}

}  // namespace

void gemm_f32bf16_f32_arm_neon(const GemmF32Args& args) { product<Bf16Columns>(args); }
void gemm_f32f16_f32_arm_neon(const GemmF32Args& args) { product<F16Columns>(args); }
void gemm_bf16bf16_f32_arm_neon(const GemmF32Args& args) { product<Bf16Pairs>(args); }

}  // namespace lowbit
#endif
