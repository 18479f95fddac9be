// The float peak kernel for wasm_relaxed: fused multiply-add where the machine has one.
#if defined(LOWBIT_WASM_RELAXED)
#include <cstdint>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_relaxed.h"

#include "native/kernels/peak/chains_f32.h"

namespace lowbit {
namespace {

inline v128_t multiply_add(v128_t a, v128_t b, v128_t c) { return wasm_f32x4_relaxed_madd(a, b, c); }

}  // namespace

void peak_f32_wasm_relaxed(const PeakF32Args& args) { peak_f32_chains<multiply_add>(args); }

}  // namespace lowbit
#endif
