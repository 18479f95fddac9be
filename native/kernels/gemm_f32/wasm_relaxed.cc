// gemm_f32 with relaxed WebAssembly SIMD: the engine takes the fused multiply-add of the machine where it has one.
#if defined(LOWBIT_WASM_RELAXED)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_relaxed.h"

#include "native/kernels/gemm_f32/units/wasm_simd128.h"

namespace lowbit {

namespace {

struct Relaxed : Unfused {
  static Vector multiply_add(Vector a, Vector b, Vector c) { return wasm_f32x4_relaxed_madd(a, b, c); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

// Engines on x86 have 15 registers to give: 8 accumulate 2 rows of one panel, 4 hold the panel, 2 the rows.
void gemm_f32_wasm_relaxed(const GemmF32Args& args) { groups<Relaxed, 2, 1>(args, 0); }

}  // namespace lowbit
#endif
