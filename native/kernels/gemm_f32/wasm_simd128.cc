// gemm_f32 and gemm_unfused_f32 with WebAssembly SIMD: a multiplication and an addition, each rounded.
#if defined(__wasm_simd128__)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/kernels/gemm_f32/units/wasm_simd128.h"

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

// Engines on x86 have 15 registers to give: 8 accumulate 2 rows of one panel, 4 hold the panel, 2 the rows.
void gemm_f32_wasm_simd128(const GemmF32Args& args) { groups<Unfused, 2, 1>(args, 0); }

void gemm_unfused_f32_wasm_simd128(const GemmF32Args& args) { gemm_f32_wasm_simd128(args); }

}  // namespace lowbit
#endif
