// The kernels of weights by group with Advanced SIMD, exact: sixteen products of codes of 4 bits fit int16.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/gemm_i4/arm_128.h"

namespace lowbit {

namespace {

// |15 * 128| * 16 = 30720. `low` has two columns, `high` the other two, each in four sums.
struct Bits4 : Halves {
  static constexpr int64_t kRun = 8;
  struct Partial {
    int16x8_t low, high;
  };
  static inline Partial start(Ints) { return {vdupq_n_s16(0), vdupq_n_s16(0)}; }
  static inline Partial dot(Partial sum, Bytes weights, Codes codes) {
    sum.low = vmlal_s8(sum.low, vget_low_s8(weights), vget_low_s8(codes));
    sum.high = vmlal_high_s8(sum.high, weights, codes);
    return sum;
  }
  static inline Ints finish(Ints total, Partial part) {
    return vaddq_s32(total, vpaddq_s32(vpaddlq_s16(part.low), vpaddlq_s16(part.high)));
  }
};

// |a * w| <= 2^14 fits int16, the sum of two would not: every product goes to int32 at once.
struct Bits8 : Lowered {
  static constexpr int64_t kRun = 1 << 16;
  struct Partial {
    int32x4_t low, high;
  };
  static inline Partial start(Ints) { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  static inline Partial dot(Partial sum, Bytes weights, Codes codes) {
    sum.low = vpadalq_s16(sum.low, vmull_s8(vget_low_s8(weights), vget_low_s8(codes)));
    sum.high = vpadalq_s16(sum.high, vmull_high_s8(weights, codes));
    return sum;
  }
  static inline Ints finish(Ints total, Partial part) { return vaddq_s32(total, vpaddq_s32(part.low, part.high)); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

void gemm_i8u4_f32_arm_neon(const GemmGroupsArgs& args) { columns_of<Bits4, 3, 1>(args, 0); }
void gemm_i8u8_f32_arm_neon(const GemmGroupsArgs& args) { columns_of<Bits8, 3, 1>(args, 0); }

}  // namespace lowbit

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/gemm_i4/groups_lanes.h"
#include "native/kernels/gemm_i4/groups_body.h"
#include "native/kernels/gemm_i4/unpack_body.h"

LOWBIT_UNPACK_KERNELS(arm_neon)
LOWBIT_QUANTIZE_GROUPS_KERNELS(arm_neon)
#endif
