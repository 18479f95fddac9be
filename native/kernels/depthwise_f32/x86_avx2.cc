// depthwise_f32 for x86_avx2: 7 sums, the weights of a row of taps and a vector of x in 16 registers.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"

namespace lowbit {
namespace {
constexpr int kMostPixels = 7;
constexpr bool kTilesBorders = true;
constexpr bool kUnrollsRows = false;
// GCC otherwise reads a vector again for every product.
struct Steps {
  static constexpr bool kWalks = false;
  static inline void hold(Lanes::F& v) { LOWBIT_OPAQUE(v); }
  static inline void hold_sum(Lanes::F&) {}
};
}  // namespace
}  // namespace lowbit

#include "native/kernels/depthwise_f32/body.h"

LOWBIT_DEPTHWISE_F32_KERNELS(x86_avx2)

#include "native/isa/target/end.h"
#endif
