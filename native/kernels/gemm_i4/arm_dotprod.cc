// gemm_i8u4_f32 and gemm_i8u8_f32 with the dot product extension: sdot of signed bytes, exactly.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_dotprod.h"

#include "native/kernels/gemm_i4/arm_128.h"

namespace lowbit {

namespace {

template <typename Codes>
struct Dots : Codes {
  static constexpr int64_t kRun = 0;
  using Partial = int32x4_t;
  static inline Partial start(int32x4_t total) { return total; }
  static inline Partial dot(Partial sum, int8x16_t weights, int8x16_t codes) { return vdotq_s32(sum, weights, codes); }
  static inline int32x4_t finish(int32x4_t, Partial part) { return part; }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

// 24 of the 32 registers hold the sums of a group, 4 a line.
void gemm_i8u4_f32_arm_dotprod(const GemmGroupsArgs& args) { columns_of<Dots<Halves>, 6, 1>(args, 0); }
void gemm_i8u8_f32_arm_dotprod(const GemmGroupsArgs& args) { columns_of<Dots<Lowered>, 6, 1>(args, 0); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
