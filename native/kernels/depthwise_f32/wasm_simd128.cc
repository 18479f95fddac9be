// depthwise_f32 for wasm_simd128: 4 pixels, for engines that have 16 registers and for the size of the module.
// module.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"

namespace lowbit {
namespace {
constexpr int kMostPixels = 4;
constexpr bool kTilesBorders = false;
constexpr bool kUnrollsRows = false;
struct Steps {
  static constexpr bool kWalks = false;
  static inline void hold(Lanes::F&) {}
  static inline void hold_sum(Lanes::F&) {}
};
}  // namespace
}  // namespace lowbit

#include "native/kernels/depthwise_f32/body.h"

LOWBIT_DEPTHWISE_F32_KERNELS(wasm_simd128)
#endif
