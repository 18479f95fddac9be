// The elementwise kernels for arm_neon.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/elementwise/binary_i8.h"
#include "native/kernels/elementwise/body.h"

LOWBIT_ELEMENTWISE_KERNELS(arm_neon)
LOWBIT_BINARY_I8_KERNELS(arm_neon)
namespace lowbit {
// tbl gives 0 and tbx keeps the old byte for an index of 64 or more: four of them over the quarters of the table.
void lookup_8_arm_neon(const LookupArgs& args) {
  int64_t i = 0;
  if (args.n >= 64) {
    const uint8x16x4_t q0 = vld1q_u8_x4(args.table), q1 = vld1q_u8_x4(args.table + 64);
    const uint8x16x4_t q2 = vld1q_u8_x4(args.table + 128), q3 = vld1q_u8_x4(args.table + 192);
    for (; i + 16 <= args.n; i += 16) {
      const uint8x16_t x = vld1q_u8(args.x + i);
      uint8x16_t y = vqtbl4q_u8(q0, x);
      y = vqtbx4q_u8(y, q1, vsubq_u8(x, vdupq_n_u8(64)));
      y = vqtbx4q_u8(y, q2, vsubq_u8(x, vdupq_n_u8(128)));
      y = vqtbx4q_u8(y, q3, vsubq_u8(x, vdupq_n_u8(192)));
      vst1q_u8(args.y + i, y);
    }
  }
  lookup_run(args.x + i, args.table, args.y + i, args.n - i);
}
}  // namespace lowbit

#endif
