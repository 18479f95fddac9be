// transpose_32 with NEON: squares of 4 x 4, and three planes that become pixels by vst3.
#if defined(__aarch64__)
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/transform/squares.h"

namespace lowbit {
namespace {

struct Square4 {
  static constexpr int64_t kSide = 4;
  static inline void turn(const uint32_t* x, int64_t x_column, uint32_t* y, int64_t y_row) {
    const uint32x4x2_t a = vtrnq_u32(vld1q_u32(x), vld1q_u32(x + x_column));
    const uint32x4x2_t b = vtrnq_u32(vld1q_u32(x + 2 * x_column), vld1q_u32(x + 3 * x_column));
    for (int i = 0; i < 2; ++i) {
      vst1q_u32(y + i * y_row, vcombine_u32(vget_low_u32(a.val[i]), vget_low_u32(b.val[i])));
      vst1q_u32(y + (i + 2) * y_row, vcombine_u32(vget_high_u32(a.val[i]), vget_high_u32(b.val[i])));
    }
  }
};

int64_t weave_four(const Transpose32Args& args) {
  int64_t r = 0;
  for (; r + 4 <= args.rows; r += 4) {
    const uint32_t* x = args.x + r;
    vst3q_u32(args.y + 3 * r, {{vld1q_u32(x), vld1q_u32(x + args.x_column), vld1q_u32(x + 2 * args.x_column)}});
  }
  return r;
}

}  // namespace

void transpose_32_arm_neon(const Transpose32Args& args) {
  if (args.rows >= 4 && args.columns >= 4) return turn_squares<Square4>(args);
  turn_rest(args, args.columns == 3 && args.y_row == 3 ? weave_four(args) : 0);
}

}  // namespace lowbit
#endif
