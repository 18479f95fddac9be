// depthwise_f32 for arm_neon: 7 sums, the weights of a row of taps and a vector of x, of two registers each.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"

namespace lowbit {
namespace {
constexpr int kMostPixels = 7;
constexpr bool kTilesBorders = true;
constexpr bool kUnrollsRows = false;
inline void hold(Lanes::F&) {}
}  // namespace
}  // namespace lowbit

#include "native/kernels/depthwise_f32/body.h"

LOWBIT_DEPTHWISE_F32_KERNELS(arm_neon)
#endif
