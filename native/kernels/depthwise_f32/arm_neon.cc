// depthwise_f32 for arm_neon: 7 sums, the weights of a row of taps and a vector of x, of two registers each.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/isa/unroll.h"

namespace lowbit {
namespace {
constexpr int kMostPixels = 7;
constexpr bool kTilesBorders = true;
constexpr bool kUnrollsRows = false;

// ld1 and st1 of two registers take a register as step; ldp and stp do not. GCC 12 adds the step by an instruction of
// its own, unless it is written as here.
struct Steps {
  using F = Lanes::F;
  static constexpr bool kWalks = true;
  static inline void hold(F&) {}
  static inline void hold_sum(F& v) {
    LOWBIT_OPAQUE(v.val[0]);
    LOWBIT_OPAQUE(v.val[1]);
  }
#if defined(__GNUC__) && !defined(__clang__)
  static LOWBIT_INLINE F take(const float*& at, int64_t step) {
    F v;
    __asm__("ld1 {%S0.4s - %T0.4s}, [%1], %2"
            : "=w"(v), "+r"(at)
            : "r"(step * 4), "Q"(*reinterpret_cast<const float(*)[8]>(at)));
    return v;
  }
  static LOWBIT_INLINE void put(float*& at, F v, int64_t step) {
    __asm__("st1 {%S3.4s - %T3.4s}, [%0], %2"
            : "+r"(at), "=Q"(*reinterpret_cast<float(*)[8]>(at))
            : "r"(step * 4), "w"(v));
  }
#else
  static inline F take(const float*& at, int64_t step) {
    const F v = vld1q_f32_x2(at);
    at += step;
    return v;
  }
  static inline void put(float*& at, F v, int64_t step) {
    vst1q_f32_x2(at, v);
    at += step;
  }
#endif
  // fmax and fmin keep NaN.
  static inline F bounded(F v, F lo, F hi) {
    return F{
        {vminq_f32(vmaxq_f32(v.val[0], lo.val[0]), hi.val[0]), vminq_f32(vmaxq_f32(v.val[1], lo.val[1]), hi.val[1])}};
  }
};
}  // namespace
}  // namespace lowbit

#include "native/kernels/depthwise_f32/body.h"

LOWBIT_DEPTHWISE_F32_KERNELS(arm_neon)
#endif
