// depthwise_f32 for arm_neon: 18 of the 32 registers hold the weights of 3 x 3 for two vectors.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"

namespace lowbit {
namespace {
constexpr bool kKeepsThreeByThree = true, kKeepsFiveByFive = false;
}  // namespace
}  // namespace lowbit

#include "native/kernels/depthwise_f32/body.h"

LOWBIT_DEPTHWISE_F32_KERNELS(arm_neon)
#endif
